"""Outcome parity: does each group get the good outcome as often as another, or at least as often as in reality?

Where there is real data the dataset is held to what that shows: rows should not part groups further than people are
parted already. Without it the four-fifths rule stands in. A group of fewer than 30 rows is "not enough data" and
never passes.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from workbench.files import clean_text
from workbench.quality.check import FEWEST_ROWS, FROM_SPEC, OURS, Finding, Verdict, refuse, register_check
from workbench.quality.evidence import Evidence
from workbench.quality.fairness import (
    FOUR_FIFTHS,
    Contrast,
    Rates,
    compare_pairs,
    find_difference_interval,
    find_parity,
)
from workbench.quality.groups import Grouping, code_strata, make_groupings
from workbench.quality.outcomes import Outcome, read_outcomes
from workbench.quality.rows import find_wilson_interval

if TYPE_CHECKING:
    import pandas as pd

_NAME = "fairness.outcomes"
_QUESTION = "Does each group get the outcome as often as the others?"
_CHANCE = 0.001
"""The chance that fresh real rows are warned of, over all pairs of groups together."""
_MATERIAL = 0.02
"""A difference that grew by less than this is not worth a warning, however many rows show it."""
_MOST_JUDGED = 40
"""The largest groups of a combination that are compared with one another."""
_RULE = "four-fifths rule: EEOC 1978, 29 CFR 1607.4 D"


@register_check(_NAME, _QUESTION, group="fairness", gate="max_parity_gap")
def check_outcomes(evidence: Evidence) -> list[Finding]:
    """The largest difference between the rates of two groups (fairlearn's `demographic_parity_difference`).

    Groups are the values of each column of `fairness.across` and of each two of them; with `given`, also within the
    strata of these columns. The gate judges the difference itself for single columns, and the lower end of its
    interval for two together, whose groups are small. Without a gate, it warns where one group is further behind
    another than in the real data, beyond chance and by more than 0.02, or so far that four fifths are missed that the
    real data keeps; without real data, where the ratio of two rates is below four fifths beyond chance.
    """
    fairness, frame, gate = evidence.gates.fairness, evidence.frame, evidence.gates.max_parity_gap
    if fairness is None:
        return []
    outcome = fairness.outcome or evidence.label
    across = [name for name in fairness.across if name in frame.columns]
    if not across:
        return []
    if outcome is None or outcome not in frame.columns:
        return _refuse(evidence, "no outcome is named, and there is no label")
    if len(frame) < FEWEST_ROWS:
        return _refuse(evidence, f"{len(frame)} rows are not enough data")
    needed = {outcome, *across, *(name for name in fairness.given if name in frame.columns)}
    real = _join_real(evidence, needed)
    frames = [frame, *([] if real is None else [real])]
    outcomes = read_outcomes(frames, outcome, fairness.favourable)
    if not outcomes:
        return _refuse(evidence, f"{clean_text(outcome)} never has the favourable value, or has too many to compare")
    given = [name for name in fairness.given if name in frame.columns and name not in (*across, outcome)]
    views = list(_make_views(frames, across, given))
    compared = [found for view in views for each in outcomes if (found := _compare(view, each)) is not None]
    small = [name for view in views for name in view.name_small(frame)]
    if not compared:
        return _refuse(evidence, f"not enough data: no two groups have {FEWEST_ROWS} rows each")
    family = sum(len(each.pairs) for each in compared)
    for each in compared:
        each.judge(family, gate)
    return [_report(evidence, compared, small, real is not None)]


@dataclass(frozen=True, slots=True)
class _View:
    """Groups to compare, with the codes and strata of the dataset's rows and of the real ones."""

    grouping: Grouping
    codes: list[NDArray[np.int64]]
    strata: list[NDArray[np.int64]] | None
    label: str

    def count(self, outcome: Outcome) -> list[Rates]:
        layers = 1 + max((int(each.max(initial=0)) for each in self.strata), default=0) if self.strata else 1
        size = len(self.grouping.names)
        return [
            Rates.count(values, codes, size, self.strata[place] if self.strata else None, layers)
            for place, (values, codes) in enumerate(zip(outcome.values, self.codes, strict=True))
        ]

    def name_small(self, frame: pd.DataFrame) -> list[str]:
        if self.strata is not None:
            return []
        counts = np.bincount(self.codes[0][self.codes[0] >= 0], minlength=len(self.grouping.names))
        few = np.flatnonzero((counts > 0) & (counts < FEWEST_ROWS))
        return [f"{self.grouping.names[group]} ({counts[group]} rows)" for group in few]


@dataclass(slots=True)
class _Compared:
    """One view of one outcome. `tripped` says in words which pair is too far apart, once it was judged."""

    view: _View
    outcome: Outcome
    rates: list[Rates]
    groups: NDArray[np.int64]
    pairs: list[tuple[Contrast, Contrast | None]]
    difference: float
    ratio: float
    interval: tuple[float, float]
    reference: tuple[float, float] | None
    tripped: str = ""
    missed: bool = False
    distance: float = 0.0

    def judge(self, family: int, gate: float | None) -> None:
        """Set `tripped`, `missed` (the gate) and `distance`, by which the worst is found."""
        from scipy.stats import norm

        self.distance = self.difference
        if gate is not None and self.view.strata is None:
            single = len(self.view.grouping.columns) == 1
            self.distance = (self.difference if single else self.interval[0]) - gate
            self.missed = self.distance > 0
        z = float(norm.isf(_CHANCE / max(family, 1) / 2))
        worst = 0.0
        for made, real in self.pairs:
            beyond = _find_excess(made, real, z)
            if beyond > worst:
                worst = beyond
                self.tripped = self._describe(made, real)

    def _describe(self, made: Contrast, real: Contrast | None) -> str:
        names = self.view.grouping.names
        words = (
            f"{self.view.label}: {self.outcome.words} {names[made.low]} {self.rates[0].rates[made.low]:.1%}, "
            f"{names[made.high]} {self.rates[0].rates[made.high]:.1%}, ratio {math.exp(made.log_ratio):.2f}"
        )
        if real is None:
            return words
        return f"{words}; in the real data {self.rates[1].rates[made.low]:.1%} and {self.rates[1].rates[made.high]:.1%}"


def _find_excess(made: Contrast, real: Contrast | None, z: float) -> float:
    """By how much, on the scale of rates, a pair is further apart than it may be; 0 where it is not."""
    low_ratio = made.log_ratio + z * math.sqrt(made.log_ratio_variance)
    if real is None:
        return made.difference if low_ratio < math.log(FOUR_FIFTHS) else 0.0
    grown = made.difference - real.difference
    if abs(made.difference) <= abs(real.difference):
        return 0.0
    noise = z * math.sqrt(made.difference_variance + real.difference_variance)
    if abs(grown) - noise > _MATERIAL:
        return abs(grown)
    ratio_noise = z * math.sqrt(made.log_ratio_variance + real.log_ratio_variance)
    further = real.log_ratio - made.log_ratio > ratio_noise
    return made.difference if further and low_ratio < math.log(FOUR_FIFTHS) < real.log_ratio else 0.0


def _make_views(frames: list[pd.DataFrame], across: list[str], given: list[str]) -> Iterator[_View]:
    strata = code_strata(frames, given) if given else None
    for grouping in make_groupings(frames, across):
        codes = [grouping.code(frame) for frame in frames]
        yield _View(grouping, codes, None, grouping.label)
        if strata is not None:
            words = ", ".join(clean_text(name) for name in given)
            yield _View(grouping, codes, strata, f"{grouping.label} given {words}")


def _compare(view: _View, outcome: Outcome) -> _Compared | None:
    rates = view.count(outcome)
    judged = set(rates[0].find_judged().tolist())
    if len(rates) > 1:
        judged &= set(rates[1].find_judged().tolist())
    kept = sorted(judged, key=lambda group: -rates[0].sizes[group])[:_MOST_JUDGED]
    groups = np.array(sorted(kept), dtype=np.int64)
    if len(groups) < 2:
        return None
    made = list(compare_pairs(rates[0], groups))
    real = {(each.low, each.high): each for each in compare_pairs(rates[1], groups)} if len(rates) > 1 else {}
    pairs = [(each, _find_pair(real, each) if real else None) for each in made]
    difference, ratio = find_parity(rates[0], groups)
    order = groups[np.argsort(rates[0].rates[groups], kind="stable")]
    counts = [(int(rates[0].favourable[:, group].sum()), int(rates[0].sizes[group])) for group in (order[0], order[-1])]
    return _Compared(
        view,
        outcome,
        rates,
        groups,
        pairs,
        difference,
        ratio,
        find_difference_interval(counts[0], counts[1]),
        find_parity(rates[1], groups) if len(rates) > 1 else None,
    )


def _find_pair(real: dict[tuple[int, int], Contrast], made: Contrast) -> Contrast:
    """The real contrast of the same two groups, in the same direction."""
    found = real.get((made.low, made.high))
    if found is not None:
        return found
    turned = real[(made.high, made.low)]
    return Contrast(
        made.low,
        made.high,
        -turned.difference,
        turned.difference_variance,
        -turned.log_ratio,
        turned.log_ratio_variance,
    )


def _report(evidence: Evidence, compared: list[_Compared], small: list[str], is_real: bool) -> Finding:
    gate, rows = evidence.gates.max_parity_gap, len(evidence.frame)
    plain = [each for each in compared if each.view.strata is None]
    worst = max(plain, key=_find_badness)
    tripped = next((each.tripped for each in (worst, *compared) if each.tripped), "")
    verdict: Verdict = "warn" if tripped else "pass"
    if any(each.missed for each in compared):
        verdict = "fail"
    notes = [tripped] if tripped else []
    if not tripped or worst.tripped != tripped:
        notes.append(f"{worst.view.label}: rates of {worst.outcome.words} differ by {worst.difference:.3f} at most")
    notes.append(f"ratio {worst.ratio:.2f}")
    if worst.reference is not None:
        notes.append(f"real ones: {worst.reference[0]:.3f}, ratio {worst.reference[1]:.2f}")
        if worst.reference[1] < FOUR_FIFTHS:
            notes.append("the real data misses four fifths itself")
    if small:
        notes.append(f"not enough data: {', '.join(small[:5])}{' …' if len(small) > 5 else ''}")
    figures: dict[str, float | None] = {}
    for each in compared:
        label = each.view.label if len({id(one.outcome) for one in compared}) < 2 else (
            f"{each.view.label}, {each.outcome.words}"
        )  # fmt: skip
        if each.view.strata is None:
            figures |= {f"difference {label}": each.difference, f"ratio {label}": each.ratio}
            if each.reference is not None:
                figures |= {f"real difference {label}": each.reference[0], f"real ratio {label}": each.reference[1]}
        else:
            figures[f"difference {label}"] = max((pair.difference for pair, _ in each.pairs), key=abs)
    source = FROM_SPEC if gate is not None else f"{OURS}, against the real data" if is_real else _RULE
    return Finding(
        _NAME,
        _QUESTION,
        verdict,
        rows,
        value=worst.difference,
        reference=worst.reference[0] if worst.reference else None,
        interval=worst.interval,
        threshold=gate,
        gated=gate is not None,
        source=source,
        detail="; ".join(notes),
        columns=_list_groups(plain),
        figures=figures,
        fix="" if verdict == "pass" else "Even out the outcome with “parity:”, or correct how the column is made.",
    )


def _find_badness(compared: _Compared) -> tuple[bool, bool, bool, float]:
    """What a report names first: a missed gate, then a difference beyond chance, of single columns before two."""
    single = len(compared.view.grouping.columns) == 1
    return compared.missed, bool(compared.tripped), bool(compared.tripped) and single, compared.distance


def _list_groups(compared: list[_Compared]) -> dict[str, dict[str, float | None]]:
    listed: dict[str, dict[str, float | None]] = {}
    for each in compared:
        for group in each.groups.tolist():
            count, total = int(each.rates[0].favourable[:, group].sum()), int(each.rates[0].sizes[group])
            low, high = find_wilson_interval(count, total)
            name = f"{each.view.label}={each.view.grouping.names[group]}: {each.outcome.words}"
            real = float(each.rates[1].rates[group]) if len(each.rates) > 1 else None
            listed[name] = {"rate": count / total, "low": low, "high": high, "rows": float(total), "real": real}
            if len(listed) == 200:
                return listed
    return listed


def _join_real(evidence: Evidence, needed: set[str]) -> pd.DataFrame | None:
    """All real rows, train and holdout, where they have the columns."""
    import pandas as pd

    real = evidence.real
    if real is None or not needed <= {str(name) for name in real.train.columns}:
        return None
    parts = [frame.loc[:, ~frame.columns.duplicated()] for frame in (real.train, real.holdout)]
    joined = pd.concat(parts, ignore_index=True)
    return joined if len(joined) >= FEWEST_ROWS else None


def _refuse(evidence: Evidence, reason: str) -> list[Finding]:
    return refuse(
        _NAME,
        _QUESTION,
        len(evidence.frame),
        reason,
        gated=evidence.gates.max_parity_gap is not None,
        fix="Name the outcome and groups of enough rows under “quality: fairness:”.",
    )
