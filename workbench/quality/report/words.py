"""The words of a report: verdicts and their marks, how figures are written, what must always be said of privacy.

One place for the terminal, the page and the app, so that a verdict looks and reads alike wherever it is met. The app
imports this at its start: nothing heavy may be imported here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from workbench.files import clean_text

VERDICTS = ("fail", "warn", "not assessed", "pass")
"""From the worst, which is the order that they are read in."""
MARKS: dict[str, str] = {"pass": "✓", "warn": "!", "fail": "✗", "not assessed": "–"}
ASCII_MARKS: dict[str, str] = {"pass": "+", "warn": "!", "fail": "x", "not assessed": "-"}
STYLES: dict[str, str] = {"pass": "green", "warn": "yellow", "fail": "bold red", "not assessed": "dim"}
"""Colours of a terminal by name; never the only sign of a verdict."""
OVERALL: dict[str, str] = {
    "pass": "Every check passed.",
    "warn": "No check failed, but some figures are not what they should be.",
    "fail": "At least one check failed: this dataset should not be used as it is.",
    "not assessed": "Nothing failed, but not every question could be answered.",
}
NO_BLEND = "The verdict is that of the worst check: there is no blended score, since a good mean hides a bad figure."
PRIVACY = (
    "Passing shows no sign of copying, and is no proof of anonymity: sets that passed such tests were open to attacks "
    "that tell who was among the real rows (Yao et al., 2025, arXiv 2505.01524). Only differential privacy, asked for "
    "when a synthesizer learns, bounds what rows tell of a person."
)
CRITICISM = "https://arxiv.org/abs/2505.01524"

Direction = Literal["high", "low", ""]

_DECIMALS, _MOST_DECIMALS = 3, 6
_LARGE = 100
"""From here on one decimal is enough."""
_HUGE = 1e100
_LONGEST_NAME = 120


BY_CHANCE = "beyond the threshold by no more than chance explains"
"""Why a figure passes that lies on the wrong side of its threshold."""


@dataclass(frozen=True, slots=True)
class Figures:
    """The figures of one check as they are written, each empty where there is none."""

    value: str
    reference: str
    interval: str
    threshold: str


def read_verdict(check: Mapping[str, Any]) -> str:
    """The verdict of a check or a report; one that is unknown here says nothing, and so reads "not assessed"."""
    verdict = str(check.get("verdict"))
    return verdict if verdict in MARKS else "not assessed"


def count_verdicts(checks: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """How many checks have each verdict, in the order in which they are told: pass, warn, fail, not assessed."""
    counts = dict.fromkeys(MARKS, 0)
    for check in checks:
        counts[read_verdict(check)] += 1
    return counts


def describe_counts(checks: Iterable[Mapping[str, Any]]) -> str:
    """`31 pass, 2 warn, 1 fail, 5 not assessed`; verdicts that no check has are left out."""
    counts = count_verdicts(checks)
    return ", ".join(f"{count} {verdict}" for verdict, count in counts.items() if count) or "no checks"


def find_number(value: Any) -> float | None:
    """A figure that can be shown, None for everything else: NaN, infinity and the like say as little as no figure."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return float(value) if -_HUGE < value < _HUGE else None


def clean_line(text: Any, most: int = 2000) -> str:
    """Text of anyone as one printable line of at most `most` characters."""
    line = clean_text(" ".join(str(text).split()))
    return line if len(line) <= most else line[: most - 1] + "…"


def name_figure(key: str) -> str:
    """What one of the further figures of a check or a column is called, as words."""
    words = clean_line(key, _LONGEST_NAME).replace("_", " ")
    return "real holdout" if words == "reference" else words


def format_figure(value: float | None) -> str:
    """A figure alone, "" where there is none: counts whole, others with three decimals, small ones as <0.001."""
    return format_alike([value])[0]


def format_alike(values: Sequence[float | None], apart: int = 0) -> list[str]:
    """Figures of one kind: whole if all of them are, else with the same number of decimals, three.

    The first `apart` of them, of which one is a limit of the other, get up to six where three would not tell them
    apart, or would make a small one look far larger or smaller.
    """
    numbers = [find_number(value) for value in values]
    if all(number is None or number.is_integer() for number in numbers):
        return ["" if number is None else f"{number:,.0f}" for number in numbers]
    compared = {number for number in numbers[:apart] if number is not None}
    largest = max((abs(number) for number in numbers if number is not None), default=0.0)
    decimals = _DECIMALS if largest < _LARGE else 1
    while decimals < _MOST_DECIMALS and not _can_tell(compared, decimals):
        decimals += 1
    return ["" if number is None else _write(number, decimals) for number in numbers]


def format_check(check: Mapping[str, Any]) -> Figures:
    """The figures of a check, alike. A threshold that was missed by a hair does not look like the value."""
    low, high = find_interval(check) or (None, None)
    value, threshold, reference, *bounds = format_alike(
        [check.get("value"), check.get("threshold"), check.get("reference"), low, high], apart=2
    )
    sign = {"high": "≥ ", "low": "≤ ", "": ""}[find_direction(check)]
    between = " to " if low is not None and low < 0 else "–"
    return Figures(value, reference, between.join(filter(None, bounds)), f"{sign}{threshold}" if threshold else "")


def is_by_chance(check: Mapping[str, Any]) -> bool:
    """Whether a check passes although its figure lies on the wrong side of its threshold: the test behind it, which
    knows the number of rows, finds no more than chance."""
    value, threshold = find_number(check.get("value")), find_number(check.get("threshold"))
    if value is None or threshold is None or read_verdict(check) != "pass" or not check.get("better"):
        return False
    return value < threshold if check["better"] == "high" else value > threshold


def find_interval(check: Mapping[str, Any]) -> tuple[float, float] | None:
    """The two ends of a check's interval, None where either is no figure."""
    ends = [find_number(end) for end in check.get("interval") or ()]
    return (ends[0], ends[1]) if len(ends) == 2 and ends[0] is not None and ends[1] is not None else None


def find_direction(check: Mapping[str, Any]) -> Direction:
    """Whether a figure should be "high" or "low" to pass, "" where a report does not tell.

    A check may say so itself (`better`). Otherwise two things hint at it, and both have to agree: a figure that passes
    lies on the good side of its threshold (one that does not on the bad side), and so does that of the real holdout,
    which thresholds are made for. Where they do not, something else than this figure decided, or chance was allowed
    for.
    """
    told = check.get("better")
    if told == "high" or told == "low":
        return "high" if told == "high" else "low"
    value, threshold = find_number(check.get("value")), find_number(check.get("threshold"))
    verdict = read_verdict(check)
    if value is None or threshold is None or verdict == "not assessed":
        return ""
    hints: set[Direction] = set()
    low, high = find_interval(check) or (value, value)
    if value != threshold and not (verdict == "pass" and low <= threshold <= high):
        hints.add("high" if (value > threshold) == (verdict == "pass") else "low")
    reference = find_number(check.get("reference"))
    if reference is not None and reference != threshold:
        hints.add("high" if reference > threshold else "low")
    return hints.pop() if len(hints) == 1 else ""


def _can_tell(numbers: set[float], decimals: int) -> bool:
    """Whether different figures look different, and none is much more or less than it looks."""
    off = any(abs(number) >= 0.0001 and abs(round(number, decimals) / number - 1) > 0.05 for number in numbers)
    return not off and len({_write(number, decimals) for number in numbers}) == len(numbers)


def _write(number: float, decimals: int) -> str:
    if abs(number) >= 1000:
        return f"{number:,.0f}"
    if not number:
        return "0"
    text = f"{number:.{decimals}f}"
    if not float(text):
        return f"{'<' if number > 0 else '>-'}{10**-decimals:.{decimals}f}"
    return text
