"""Figures of several columns, judged one by one, and the finding that they make together: the worst one speaks.

A share is compared with the same share of real texts. Both are of samples, so what is allowed on top of a margin is
what fresh real texts go beyond once in a thousand times.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from workbench.files import clean_text
from workbench.quality.check import FROM_SPEC, FROM_WORST, OURS, Finding, Verdict, judge_high, judge_low

_CHANCE = 0.001
_ERRORS = 3.1
_FEW = 30
"""Below so many real ones the count is no normal one: see `bound_share`."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One figure of one column. `low`: it should not be below its threshold, else not above. `words` describe it.

    `threshold` is None where the figure is only told. `percent` says how it is written.
    """

    column: str
    figure: str
    words: str
    value: float
    rows: int
    reference: float | None = None
    threshold: float | None = None
    interval: tuple[float, float] | None = None
    low: bool = False
    gated: bool = False
    percent: bool = True
    source: str = OURS
    fix: str = ""
    examples: Sequence[int] = ()

    @property
    def verdict(self) -> Verdict:
        """The verdict on this figure alone."""
        judge = judge_low if self.low else judge_high
        return judge(self.value, self.threshold, gated=self.gated)

    @property
    def excess(self) -> float:
        """How far beyond the threshold it is, in thresholds; the largest of several is the worst."""
        if self.threshold is None:
            return -math.inf
        if not self.low and self.value == 0:
            return -1.0
        beyond = self.threshold - self.value if self.low else self.value - self.threshold
        return beyond / max(abs(self.threshold), 1e-3)

    @property
    def title(self) -> str:
        """What is measured of which column, without the figure."""
        return f"{self.figure.replace('_', ' ')} of {clean_text(self.column)[:60]}"

    def describe(self) -> str:
        """In words, with the real figure."""
        said = f"{clean_text(self.column)[:60]}: {self.words} {self._write(self.value)}"
        return said if self.reference is None else f"{said}, of real ones {self._write(self.reference)}"

    def _write(self, number: float) -> str:
        return f"{number:.1%}" if self.percent else f"{number:.3g}"


def bound_share(reference: float, margin: float, rows: int, real_rows: int) -> float:
    """How large a share of `rows` may be beside one of `reference` among `real_rows` real ones.

    `margin` above what chance allows: 3.1 standard errors of the difference, and where the real rows have few, the
    quantile of a Poisson count of an unknown mean that was seen once, a negative binomial of k + 1/2 (Jeffreys' prior).
    """
    rows, real_rows = max(rows, 1), max(real_rows, 1)
    count = reference * real_rows
    if count >= _FEW:
        spread = reference * (1 - min(reference, 1)) * (1 / rows + 1 / real_rows)
        return min(1.0, reference + margin + _ERRORS * math.sqrt(max(spread, 0.0)))
    from scipy.stats import nbinom

    most = float(nbinom.isf(_CHANCE, count + 0.5, real_rows / (rows + real_rows)))
    return min(1.0, max(reference, most / rows) + margin)


def bound_repeats(real_repeats: int, real_rows: int, rows: int) -> float:
    """How large a share of repeats may be among `rows`, where there are few among `real_rows` real ones.

    Repeats are pairs that are alike, so their number grows with that of the pairs; else as `bound_share`.
    """
    from scipy.stats import nbinom

    pairs, real_pairs = max(rows * (rows - 1), 1), max(real_rows * (real_rows - 1), 1)
    return float(nbinom.isf(_CHANCE, real_repeats + 0.5, real_pairs / (pairs + real_pairs))) / max(rows, 1)


def bound_ks(rows: int, real_rows: int, chance: float = 0.001, *, one_sided: bool = False) -> float:
    """How far apart the distributions of two samples of one population are with that chance: the Smirnov bound."""
    spread = 1 / max(rows, 1) + 1 / max(real_rows, 1)
    return math.sqrt(-math.log(chance if one_sided else chance / 2) / 2 * spread)


def make_finding(
    name: str, question: str, readings: Sequence[Reading], *, seed: int = 0, fix: str = "", note: str = ""
) -> Finding:
    """The finding of at least one reading. All of them are in its figures by column, and the worst has its words."""
    worst = min(readings, key=lambda reading: (FROM_WORST.index(reading.verdict), -reading.excess))
    others = [each.title for each in readings if each.verdict == worst.verdict and each is not worst]
    detail = worst.describe()
    if worst.verdict != "pass" and others:
        detail += f"; also {', '.join(dict.fromkeys(others))}"
    columns: dict[str, dict[str, float | None]] = {}
    for reading in readings:
        own = columns.setdefault(reading.column, {})
        own[reading.figure] = reading.value
        if reading.reference is not None:
            own[f"real_{reading.figure}"] = reading.reference
    return Finding(
        name,
        question,
        worst.verdict,
        worst.rows,
        value=worst.value,
        reference=worst.reference,
        interval=worst.interval,
        threshold=worst.threshold,
        gated=worst.gated,
        detail=f"{detail}; {note}" if note else detail,
        seed=seed,
        examples=worst.examples,
        columns=columns,
        source=FROM_SPEC if worst.gated else worst.source if worst.threshold is not None else "",
        figures=dict(columns[worst.column]),
        fix="" if worst.verdict == "pass" else worst.fix or fix,
        better="" if worst.threshold is None else "high" if worst.low else "low",
    )
