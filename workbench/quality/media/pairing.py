"""Whether pictures or sounds go with their texts: own pairs against shuffled ones.

Where a model that compares the two can be asked, each text is scored with its own picture and with that of another row.
Without one, the dataset itself is the teacher: what a text says is predicted from plain features of the picture or the
sound (colours, layout, edges; length, level, spectrum), by ridge regression that has not seen the pair. If the pairs
belong together, the prediction is nearer to the own text than to that of another row. Shuffled captions cannot pass
that, whatever the features miss; pairs that agree only in what the features cannot see pass for unrelated.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from workbench.quality.media.clips import measure_spectrum, open_clip
from workbench.quality.media.pictures import open_picture

Vector = NDArray[np.float64]

_DRAWS = 999
_ONE_IN_A_THOUSAND = 3.09  # standard deviations
_FOLDS = 5
_WORDS, _TOPICS = 2_000, 40
_PENALTIES = tuple(10.0**power for power in range(-1, 5))
_TINY = 96
_HUES, _CELLS, _TURNS = 12, 4, 8


@dataclass(frozen=True, slots=True, eq=False)
class Agreement:
    """`wins` holds for each pair how often its own text fits better than that of another row, a tie counting half.

    `value` is their mean: 0.5 by chance, which reaches `threshold` once in a thousand times; `p` is how often it
    reaches `value`, by permutation.
    """

    wins: Vector
    value: float
    threshold: float
    p: float

    @property
    def interval(self) -> tuple[float, float]:
        """95 % around `value`, by the spread of `wins`."""
        half = 1.96 * float(self.wins.std(ddof=1)) / float(np.sqrt(len(self.wins)))
        return max(0.0, self.value - half), min(1.0, self.value + half)


def shuffle_places(count: int, draw: np.random.Generator) -> NDArray[np.int64]:
    """For each of `count` places, two at least, another one, each used once."""
    order = draw.permutation(count)
    other = np.empty(count, np.int64)
    other[order] = np.roll(order, 1)
    return other


def compare_scores(own: Vector, shuffled: Vector, draw: np.random.Generator) -> Agreement | None:
    """Scores of the same pictures (n,) with their own texts and with those of other rows; None where all are equal.

    By chance each difference could as well have the other sign (Fisher's randomisation test).
    """
    wins = (own > shuffled) + 0.5 * (own == shuffled)
    if not (own != shuffled).any():
        return None
    signs = draw.choice([-1.0, 1.0], (_DRAWS, len(own)))
    return _weigh(wins, 0.5 + (signs @ (wins - 0.5)) / len(own))


def learn_agreement(features: Vector, texts: Sequence[str], draw: np.random.Generator) -> Agreement | None:
    """The agreement of features (n, p) with their texts, learned from other rows than each is judged by.

    None where all texts, or all features, are the same: then there is nothing that could agree. n is 10 at least.
    """
    from scipy.stats import rankdata
    from sklearn.linear_model import RidgeCV
    from sklearn.preprocessing import StandardScaler

    said = describe_texts(texts)
    seen = StandardScaler().fit_transform(features)
    if not said.any() or not seen.any():
        return None
    count = len(said)
    fold = draw.permutation(np.arange(count) % _FOLDS)
    wins, by_chance = np.zeros(count), np.zeros(_DRAWS)
    for number in range(_FOLDS):
        judged, learned = np.flatnonzero(fold == number), np.flatnonzero(fold != number)
        model = RidgeCV(alphas=_PENALTIES).fit(seen[learned], said[learned])
        fits = _measure_cosines(model.predict(seen[judged]) - said[learned].mean(axis=0), said[judged])
        # How often each text, if it were the own one, would fit better than those of the other rows.
        places = rankdata(fits, axis=1) - 1
        rates = places / max(len(judged) - 1, 1)
        rows = np.arange(len(judged))
        wins[judged] = rates[rows, rows]
        shuffled = draw.permuted(np.tile(rows, (_DRAWS, 1)), axis=1)
        by_chance += rates[rows, shuffled].sum(axis=1)
    return _weigh(wins, by_chance / count)


def describe_texts(texts: Sequence[str]) -> Vector:
    """What texts say, as vectors of shape (n, k): words weighted by rarity, in at most 40 directions, and the length.

    All zero where all texts are the same.
    """
    from sklearn.decomposition import TruncatedSVD
    from sklearn.feature_extraction.text import TfidfVectorizer

    count = len(texts)
    if len(set(texts)) < 2:
        return np.zeros((count, 1))
    lengths = np.log1p([len(text) for text in texts])
    parts = [_standardise(lengths[:, None])]
    try:
        words = TfidfVectorizer(min_df=2, max_features=_WORDS, analyzer=_cut_words).fit_transform(texts)
    except ValueError:  # no word occurs twice
        return parts[0]
    topics = min(_TOPICS, words.shape[1] - 1, count - 1)
    dense = words.toarray() if topics < 1 else TruncatedSVD(topics, random_state=0).fit_transform(words)
    parts.append(dense - dense.mean(axis=0))
    spread = float(np.sqrt((parts[1] ** 2).sum(axis=1).mean()))
    # The length counts as much as all words together do.
    return np.hstack([parts[0] * (spread or 1.0), parts[1]])


def describe_picture(content: bytes) -> Vector:
    """Plain features of a picture file: hues and greys, the mean colour of 4 x 4 cells, directions of edges.

    Raises Unreadable for what is no picture.
    """
    from PIL import Image

    picture, _ = open_picture(content)
    picture.thumbnail((_TINY, _TINY), Image.Resampling.BOX)
    hue, colourful, light = (np.asarray(band, np.float64).ravel() / 255 for band in picture.convert("HSV").split())
    vivid = colourful * light
    hues = np.bincount((hue * _HUES).astype(int) % _HUES, vivid, _HUES) / len(hue)
    areas = np.bincount(((hue * _HUES).astype(int) % _HUES)[vivid > 0.25], minlength=_HUES) / len(hue)
    greys = np.histogram(light[vivid <= 0.25], 6, (0, 1.001))[0] / len(hue)
    cells = np.asarray(picture.resize((_CELLS, _CELLS), Image.Resampling.BOX), np.float64).ravel() / 255
    grey = np.asarray(picture.convert("L"), np.float64) / 255
    down, right = np.gradient(grey) if min(grey.shape) > 1 else (np.zeros_like(grey), np.zeros_like(grey))
    strength = np.hypot(down, right)
    turns = ((np.arctan2(down, right) / np.pi * _TURNS).astype(int) % _TURNS).ravel()
    edges = np.bincount(turns, strength.ravel(), _TURNS) / len(hue)
    strong = [float((strength > level).mean()) for level in (0.05, 0.2)]
    return np.concatenate(
        [np.sqrt(hues), np.sqrt(areas), np.sqrt(greys), cells, edges, strong, [grey.mean(), grey.std()]]
    )


def describe_clip(content: bytes) -> Vector:
    """Plain features of a sound file: its length, level and how level and spectrum spread.

    Raises Unreadable for what is no sound.
    """
    samples, rate = open_clip(content)
    mono = samples.mean(axis=1) if samples.size else np.zeros(1, np.float32)
    bands = np.log(measure_spectrum(mono) + 1e-6)
    if not len(bands):
        bands = np.full((1, bands.shape[1]), np.log(1e-6))
    level = bands.max(axis=1)
    pauses = float((level < level.max() - 6).mean())
    return np.concatenate(
        [
            [np.log1p(len(mono) / rate), pauses],
            bands.mean(axis=0),
            bands.std(axis=0),
            np.percentile(level, [10, 50, 90]),
        ]
    )


DESCRIBE: dict[str, Callable[[bytes], Vector]] = {"image": describe_picture, "audio": describe_clip}
"""What tells the features of a file, by the type of its column."""


def _cut_words(text: str) -> list[str]:
    """The words of a text, digits among them, and each two that follow one another."""
    words = re.findall(r"\w+", text.casefold())
    return words + [" ".join(pair) for pair in pairwise(words)]


def _weigh(wins: Vector, by_chance: Vector) -> Agreement:
    value = float(wins.mean())
    p = float((1 + np.count_nonzero(by_chance >= value - 1e-12)) / (len(by_chance) + 1))
    threshold = min(1.0, 0.5 + _ONE_IN_A_THOUSAND * float(by_chance.std()))
    return Agreement(wins, value, threshold, p)


def _standardise(values: Vector) -> Vector:
    centred = values - values.mean(axis=0)
    return np.asarray(centred / np.maximum(centred.std(axis=0), 1e-9) * (centred.std(axis=0) > 1e-9))


def _measure_cosines(a: Vector, b: Vector) -> Vector:
    """Of each row of `a` with each of `b`."""
    lengths = np.maximum(np.linalg.norm(a, axis=1)[:, None] * np.linalg.norm(b, axis=1)[None, :], 1e-12)
    return np.asarray(a @ b.T / lengths)
