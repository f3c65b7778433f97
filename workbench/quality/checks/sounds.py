"""Sounds: whether clips can be opened and heard, are as long as their text, clean, and differ from one another.

Four findings, which are never blended: `sounds` counts files that cannot be used (missing, not decodable, empty,
silent, cut off at full scale), `sounds.noise` clips whose quiet parts are hardly quieter than the loud ones,
`sounds.length` those far too long or too short for their text, `sounds.repeats` those that are an earlier one again.
Thresholds are shares of files, and ours.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from workbench.quality.check import Finding, refuse, register_check
from workbench.quality.evidence import Evidence
from workbench.quality.media.clips import Clip, find_twins, measure_clip
from workbench.quality.media.files import MediaColumn, Unreadable, list_media, read_media_file
from workbench.quality.media.judging import (
    GENERATE,
    MOST_FILES,
    Measured,
    choose_files,
    find_hindrance,
    judge_share,
    judge_usable,
    keep_worst,
    measure_files,
)
from workbench.quality.media.texts import render_texts

_QUESTION = "Can every sound be opened, and heard?"
_NOISE = "Is speech clear of noise?"
_LENGTH = "Are sounds as long as their text?"
_REPEATS = "Do sounds differ from one another?"
_TOLERATED = 0.05
"""Ours: a higher share of noisy clips, or of those that repeat an earlier one, is warned of."""
_NOISY = 15.0
"""Ours, in dB: see `Clip.snr`."""
_FEWEST_SECONDS = 1.0
"""Below this a clip has no pauses to hear the noise in."""
_FAR, _FACTOR = 5.0, 1.5
"""A clip is too long or too short where it is 5 deviations (of the median absolute kind) from what is expected of its
text, and half as long again or two thirds of it at least: readers differ by less."""
_ODD = 0.02
"""Ours: a higher share of clips that are too long or too short is warned of."""
_DIGIT = 4
_LINE_CLIPS = 400

_BYTES = 400_000_000
_FEWEST_FILES = 100
"""Of large files fewer are looked at, some 400 MB together, but a hundred at least."""


@register_check("sounds", _QUESTION, group="content", gate="max_broken_media")
def check_sounds(evidence: Evidence) -> list[Finding]:
    """Shares of unusable, noisy, wrongly long and repeated clips of the worst column. Not asked without sounds."""
    return keep_worst(finding for column in list_media(evidence, "audio") for finding in _judge(evidence, column))


def find_odd_lengths(seconds: NDArray[np.float64], texts: list[str]) -> list[int]:
    """The places of the clips that are far too long or too short for their text, of those with a text and a length.

    What is expected grows straight with the letters, by a line that no few clips can bend (Theil 1950, Sen 1968).
    """
    from scipy.stats import theilslopes

    letters = np.array([_count_letters(text) for text in texts], np.float64)
    places = np.flatnonzero((letters > 0) & (seconds > 0))
    if not len(places):
        return []
    letters, seconds = letters[places], seconds[places]
    some = slice(None, None, 1 + len(places) // _LINE_CLIPS)
    if np.ptp(letters[some]):
        slope, start = theilslopes(seconds[some], letters[some])[:2]
        expected = np.maximum(start + slope * letters, np.median(seconds) / 10)
    else:
        expected = np.full(len(places), np.median(seconds))
    pace = np.log(seconds / expected)
    middle = float(np.median(pace))
    deviation = max(1.4826 * float(np.median(np.abs(pace - middle))), np.log(_FACTOR) / _FAR)
    return [int(place) for place in places[np.abs(pace - middle) > _FAR * deviation]]


def _count_letters(text: str) -> int:
    """The letters that are heard, a digit being a word of four."""
    return sum(_DIGIT if letter.isdigit() else letter.isalpha() for letter in text)


def _judge(evidence: Evidence, column: MediaColumn) -> Iterator[Finding]:
    reason = find_hindrance(evidence, column)
    if reason:
        gated = evidence.gates.max_broken_media is not None
        yield from refuse("sounds", _QUESTION, len(column.paths), reason, gated=gated, fix=GENERATE)
        return
    measured = measure_files(
        evidence, column, measure_clip, choose_files(evidence, column, _count_affordable(evidence, column))
    )
    faults = {row: clip.fault for row, clip in measured.figures.items() if clip.fault}
    fix = "Listen to the rows named, mend the text or the model of the column, and generate them again."
    usable = judge_usable("sounds", _QUESTION, evidence, measured, faults, fix)
    heard = {row: clip for row, clip in measured.figures.items() if clip.fault in ("", "clipped")}
    usable.columns[column.name] = _summarise(measured, heard)
    yield usable
    long = {row: clip for row, clip in heard.items() if clip.seconds >= _FEWEST_SECONDS}
    noisy = [row for row, clip in long.items() if clip.snr < _NOISY]
    yield judge_share(
        "sounds.noise", _NOISE, evidence, measured, noisy, len(long), _TOLERATED,
        f"are less than {_NOISY:.0f} dB above their quiet parts",
        "Ask the model for clean speech, or leave such rows out.",
    )  # fmt: skip
    yield from _judge_lengths(evidence, measured, heard)
    twins = np.array(list(heard))[find_twins(list(heard.values()))].tolist()
    yield judge_share(
        "sounds.repeats", _REPEATS, evidence, measured, twins, len(heard), _TOLERATED, "repeat an earlier clip",
        "Vary the text or the voice from row to row, or make fewer rows.",
    )  # fmt: skip


def _count_affordable(evidence: Evidence, column: MediaColumn) -> int:
    """How many clips of the size of the first one may be looked at."""
    assert evidence.folder is not None
    for path in list(column.paths.values())[:10]:
        with contextlib.suppress(Unreadable):
            size = len(read_media_file(evidence.folder, path))
            return min(MOST_FILES, max(_FEWEST_FILES, _BYTES // max(size, 1)))
    return MOST_FILES


def _judge_lengths(evidence: Evidence, measured: Measured[Clip], heard: dict[int, Clip]) -> Iterator[Finding]:
    """Not asked where the text is not among the dataset's columns."""
    config = next(each for each in evidence.config.columns if each.name == measured.column.name)
    rows = list(heard)
    texts = render_texts(evidence.frame, str(getattr(config, "text", "")), rows)
    if texts is None:
        return
    seconds = np.array([clip.seconds for clip in heard.values()])
    odd = [rows[place] for place in find_odd_lengths(seconds, texts)]
    yield judge_share(
        "sounds.length", _LENGTH, evidence, measured, odd, len(rows), _ODD,
        "are too long or too short for their text",
        "Listen to the rows named: words may be left out, repeated or made up.",
    )  # fmt: skip


def _summarise(measured: Measured[Clip], heard: dict[int, Clip]) -> dict[str, float | None]:
    """What a reader of the report may want to know of a column's clips."""
    every = list(measured.figures.values())

    def find_middle(values: list[float], percent: float = 50) -> float | None:
        return float(np.percentile(values, percent)) if values else None

    loudness = [clip.loudness for clip in heard.values() if clip.loudness is not None]
    return {
        "without": float(measured.column.without),
        "rates": float(len({clip.rate for clip in every})),
        "rate": find_middle([clip.rate for clip in every]),
        "seconds": find_middle([clip.seconds for clip in every]),
        "level": find_middle([clip.level for clip in heard.values()]),
        "loudness": find_middle(loudness),
        "quietest": find_middle(loudness, 5),
        "loudest": find_middle(loudness, 95),
        "silence": find_middle([clip.silence for clip in heard.values()]),
        "leading": find_middle([clip.leading for clip in heard.values()]),
        "trailing": find_middle([clip.trailing for clip in heard.values()]),
        "snr": find_middle([clip.snr for clip in heard.values()]),
    }
