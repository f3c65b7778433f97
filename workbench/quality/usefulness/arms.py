"""What is learned and from which rows: the label, the columns it is told from, and the arms that are compared.

The arms have the same number of rows, and each fits its own preprocessing: what the other side or the test rows look
like is nothing that a model of these rows could know. Real test rows are the holdout, which nothing learned from.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from workbench.files import clean_text
from workbench.quality.cells import find_scale, read_numbers, read_texts, take_column
from workbench.quality.check import FEWEST_ROWS
from workbench.quality.evidence import Evidence
from workbench.quality.features import Features
from workbench.quality.similarity import find_kind
from workbench.quality.usefulness.bootstrap import measure_class_areas, measure_explained
from workbench.quality.usefulness.models import Model, fit_and_score

if TYPE_CHECKING:
    import pandas as pd

MOST_ROWS = 5_000
"""Rows that each arm learns from, and test rows, at most: the difference of two areas is known to 0.01 by then."""
_FEWEST_TRAIN = 50
_FEWEST_OF_A_CLASS = 5
_MOST_CLASSES = 20
_MOST_NUMBERS = 10
"""A number with more different values than this is predicted as a number, not as a class."""
_FEWEST_WORDS = 3
_TOPICS = 32
_MOST_WORDS = 3_000


@dataclass(frozen=True, slots=True)
class Arm:
    """Rows to learn from or to test on, with their label: codes of classes, or numbers. Both have as many rows."""

    frame: pd.DataFrame
    label: NDArray[Any]

    def __len__(self) -> int:
        return len(self.label)

    def take(self, rows: NDArray[np.int64]) -> Arm:
        """Some of the rows, in the order given."""
        return Arm(self.frame.iloc[rows], self.label[rows])


@dataclass(frozen=True, slots=True)
class Task:
    """What is predicted: one of `classes`, or a number where these are empty, from `columns`."""

    label: str
    classes: tuple[str, ...]
    columns: tuple[str, ...]
    texts: tuple[str, ...]

    @property
    def metric(self) -> str:
        """The name of the figure that arms are compared by."""
        return "AUC" if self.classes else "R2"

    def make_arm(self, frame: pd.DataFrame) -> Arm:
        """The rows of `frame` whose label is known, and one of the classes."""
        frame = frame.loc[:, ~frame.columns.duplicated()]
        column = take_column(frame, self.label)
        if not self.classes:
            values = read_numbers(column)
            known = np.flatnonzero(np.isfinite(values))
            return Arm(frame.iloc[known], values[known])
        codes = _code_label(column, self.classes)
        known = np.flatnonzero(codes >= 0)
        return Arm(frame.iloc[known], codes[known])

    def measure(self, test: Arm, scores: NDArray[np.float64], weights: NDArray[np.float32]) -> NDArray[np.float64]:
        """The area under the curve (its mean over classes against the rest) or R2, for each column of `weights`."""
        if self.classes:
            return measure_class_areas(test.label, scores, weights)
        return measure_explained(test.label, scores, weights)

    def measure_one(self, test: Arm, scores: NDArray[np.float64]) -> float:
        """The same on the test rows as they are."""
        return float(self.measure(test, scores, np.ones((len(test), 1), np.float32))[0])


@dataclass(frozen=True, slots=True)
class Encoder:
    """Columns as numbers, learned from one arm: those of `Features`, and what long texts are about.

    Texts become weights of words (TF-IDF), of which 32 directions are kept (latent semantic analysis, Deerwester et
    al. 1990).
    """

    features: Features
    texts: tuple[str, ...]
    topics: Any

    @classmethod
    def fit(cls, task: Task, frame: pd.DataFrame, *, one_hot: bool) -> Encoder:
        features = Features.fit(frame, task.columns, one_hot=one_hot)
        return cls(features, task.texts, _fit_topics(_join_texts(frame, task.texts)) if task.texts else None)

    @property
    def categorical(self) -> list[bool]:
        """For each feature whether it is a code without an order."""
        return [*self.features.categorical, *([False] * (self.topics[1].n_components if self.topics else 0))]

    def transform(self, frame: pd.DataFrame) -> NDArray[np.float64]:
        """Shape (rows, features)."""
        plain = self.features.transform(frame)
        if self.topics is None:
            return plain
        words, directions = self.topics
        # A hundredth of a direction's length is much: without the factor a linear model would not see the topics.
        topics = directions.transform(words.transform(_join_texts(frame, self.texts))) * np.sqrt(_TOPICS)
        return np.column_stack([plain, topics])


def find_task(evidence: Evidence) -> Task | str | None:
    """What can be learned from the table: None where there is no label, a sentence where it cannot be learned."""
    name, real = evidence.label, evidence.real
    if name is None:
        return None
    if real is None:
        return "there is no real data to compare with"
    if name not in real.train.columns:
        return f"the real data has no column {clean_text(name)}"
    if len(real.holdout) < FEWEST_ROWS:
        return f"the real holdout has {len(real.holdout)} rows, which are not enough to test on"
    column = take_column(real.train, name)
    filled = [each for each in evidence.shared_columns if not take_column(real.train, each).isna().all()]
    columns = [each for each in filled if each != name]
    if not columns:
        return "there is no other column to tell the label from"
    texts = tuple(each for each in columns if _is_prose(take_column(real.train, each)))
    scale = find_scale(column)
    if scale == "number" and take_column(real.train, name).nunique() > _MOST_NUMBERS:
        return Task(name, (), tuple(columns), texts)
    if scale in ("moment", "span"):
        return "the label is a moment, which is neither a class nor a number"
    if scale is None and find_kind(column) == "text":
        return "the label is free text, which is not one of a few classes"
    held = _name_label(take_column(real.holdout, name)).value_counts()
    known = _name_label(column).value_counts()
    classes = [str(each) for each in known.index if min(known[each], held.get(each, 0)) >= _FEWEST_OF_A_CLASS]
    if len(classes) < 2:
        return f"not enough data: no two labels have {_FEWEST_OF_A_CLASS} rows on both sides of the real data"
    return Task(name, tuple(sorted(classes[:_MOST_CLASSES])), tuple(columns), texts)


def draw_arms(evidence: Evidence, task: Task, most: int = MOST_ROWS) -> tuple[Arm, Arm, Arm] | str:
    """The real arm, the synthetic one with as many rows, and the test rows; a sentence where there are too few.

    Rows are drawn from the evidence's seed, for the same purpose the same ones.
    """
    real = evidence.real
    assert real is not None
    arms = [task.make_arm(frame) for frame in (real.train, evidence.frame, real.holdout)]
    size = min(len(arms[0]), len(arms[1]), most)
    if size < _FEWEST_TRAIN:
        return f"not enough data: {size} rows with a known label, which takes {_FEWEST_TRAIN}"
    if len(arms[2]) < FEWEST_ROWS:
        return f"not enough data: {len(arms[2])} test rows with a known label"
    drawn = [
        draw_rows(arm, limit, evidence.draw(f"usefulness {place}"))
        for place, (arm, limit) in enumerate(zip(arms, (size, size, most), strict=True))
    ]
    return drawn[0], drawn[1], drawn[2]


def draw_rows(arm: Arm, most: int, generator: np.random.Generator) -> Arm:
    """At most `most` rows, without repeats, in their order."""
    if len(arm) <= most:
        return arm
    return arm.take(np.sort(generator.choice(len(arm), most, replace=False)))


def join_arms(*arms: Arm) -> Arm:
    """The rows of several arms, one after another."""
    import pandas as pd

    return Arm(pd.concat([arm.frame for arm in arms], ignore_index=True), np.concatenate([arm.label for arm in arms]))


def score_arm(task: Task, model: Model, train: Arm, tests: Sequence[Arm], seed: int) -> list[NDArray[np.float64]]:
    """What a model that learned from `train`, with preprocessing of its own, says of the rows of each of `tests`."""
    encoder = Encoder.fit(task, train.frame, one_hot=model.one_hot)
    matrices = [encoder.transform(test.frame) for test in tests]
    return fit_and_score(
        model, encoder.transform(train.frame), train.label, matrices, len(task.classes), encoder.categorical, seed
    )


def _name_label(column: pd.Series[Any]) -> pd.Series[Any]:
    """The labels as texts; numbers without needless decimals, so that 1 and 1.0 are one class."""
    import pandas as pd

    if find_scale(column) == "number":
        numbers = read_numbers(column)
        return pd.Series([None if np.isnan(value) else f"{value:g}" for value in numbers], dtype=object)
    return read_texts(column).reset_index(drop=True)


def _code_label(column: pd.Series[Any], classes: tuple[str, ...]) -> NDArray[np.int64]:
    import pandas as pd

    return np.asarray(
        pd.Index(classes, dtype=object).get_indexer(pd.Index(_name_label(column), dtype=object)), np.int64
    )


def _is_prose(column: pd.Series[Any]) -> bool:
    if find_kind(column) != "text":
        return False
    words = read_texts(column).dropna().head(200).str.count(r"\S+")
    return bool(len(words)) and float(words.mean()) >= _FEWEST_WORDS


def _join_texts(frame: pd.DataFrame, names: tuple[str, ...]) -> list[str]:
    columns = [read_texts(take_column(frame, name)).fillna("").tolist() for name in names]
    return [" ".join(parts) for parts in zip(*columns, strict=True)]


def _fit_topics(texts: list[str]) -> Any:
    """A pair (words to weights, weights to directions), None where the texts have too few words for that."""
    from sklearn.decomposition import TruncatedSVD
    from sklearn.feature_extraction.text import TfidfVectorizer

    words = TfidfVectorizer(min_df=2, max_features=_MOST_WORDS, sublinear_tf=True)
    try:
        weights = words.fit_transform(texts)
    except ValueError:  # no word occurs twice
        return None
    most = min(_TOPICS, weights.shape[1] - 1, weights.shape[0] - 1)
    if most < 2:
        return None
    return words, TruncatedSVD(most, random_state=0).fit(weights)
