"""What a check is: one question about a table, answered by a figure beside the same figure of a real holdout.

Each check is a module that registers itself here; `catalogue` imports them. A check never raises for bad data: what
is wrong with a dataset is its answer.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from workbench.spec.registry import Registry

if TYPE_CHECKING:
    from workbench.quality.evidence import Evidence

Verdict = Literal["pass", "warn", "fail", "not assessed"]
FROM_WORST: tuple[Verdict, ...] = ("fail", "warn", "not assessed", "pass")
"""The verdicts in the order that they are read in."""

FEWEST_ROWS = 30
"""Below this many rows on either side a share or a distribution is noise, and reads "not assessed"."""
MAX_EXAMPLES = 20

OURS = "our default"
FROM_SPEC = "the spec's gate"
"""Where a threshold comes from, where it is no published one."""

GROUPS: dict[str, str] = {
    "rules": "Is it what the spec asks for?",
    "fidelity": "Is it like the real data?",
    "usefulness": "Does it help?",
    "privacy": "Whom does it expose?",
    "fairness": "Whom does it favour?",
    "duplicates": "Does it repeat itself, or the test?",
    "content": "Are texts, code, pictures and sound sound?",
    "trust": "Where must it not be trusted?",
}
"""The sections of a report in their order, each with what it answers. The group of a check is one of them."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One answer. Shares and similarities are within 0 and 1; `rows` is how many rows of the dataset were looked at.

    `reference` is the same figure for the real holdout against the real training rows, `interval` holds 95 %,
    `gated` tells that the threshold is the spec's own, so that a miss is a failure, `examples` are row numbers.
    `source` says where the threshold comes from, `figures` are further figures by name, `columns` those of each
    column, `fix` says what to do where the verdict is not a pass, `better` which side of the threshold passes. `check`
    (the name it is registered by), `group`, `table` and `seconds` are filled in by the run, and `better` where the
    check's gate tells it.
    """

    name: str
    question: str
    verdict: Verdict
    rows: int
    value: float | None = None
    reference: float | None = None
    interval: tuple[float, float] | None = None
    threshold: float | None = None
    gated: bool = False
    detail: str = ""
    table: str = ""
    seed: int = 0
    examples: Sequence[int] = ()
    columns: dict[str, dict[str, float | None]] = field(default_factory=dict)
    source: str = ""
    figures: dict[str, float | None] = field(default_factory=dict)
    fix: str = ""
    check: str = ""
    group: str = ""
    better: Literal["high", "low", ""] = ""
    seconds: float = 0.0

    def as_json(self) -> dict[str, Any]:
        """The form of `quality.json`; figures with six decimals, None for what is no finite number."""
        values = asdict(self)
        for key in ("value", "reference", "threshold"):
            values[key] = _round(values[key])
        values["interval"] = None if self.interval is None else [_round(bound) for bound in self.interval]
        values["examples"] = [int(row) for row in self.examples][:MAX_EXAMPLES]
        values["figures"] = {name: _round(number) for name, number in self.figures.items()}
        values["columns"] = {
            name: {key: _round(number) for key, number in figures.items()} for name, figures in self.columns.items()
        }
        values["seconds"] = round(self.seconds, 3)
        return values

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Finding:
        """A finding as it was written. Raises TypeError or KeyError where `values` is none."""
        interval = values["interval"]
        return cls(**{**values, "interval": None if interval is None else tuple(interval)})


Find = Callable[["Evidence"], list[Finding]]


@dataclass(frozen=True, slots=True)
class Check:
    """A registered check of a `group` of GROUPS. One that `needs_real` is not asked without real data and reads
    "not assessed".

    `gate` names the field of `QualityConfig` that sets the check's threshold, if one does. One that is `live` takes
    a fraction of a second on 500 rows and is asked of previews too.
    """

    name: str
    question: str
    find: Find
    group: str
    needs_real: bool = False
    gate: str | None = None
    live: bool = False


CHECKS: Registry[Check] = Registry("workbench.checks")


def register_check(
    name: str, question: str, *, group: str, needs_real: bool = False, gate: str | None = None, live: bool = False
) -> Callable[[Find], Find]:
    """Decorator that makes a function of `Evidence` the check of that name."""

    def register(find: Find) -> Find:
        CHECKS.add(name, Check(name, question, find, group, needs_real, gate, live))
        return find

    return register


def find_worst(verdicts: Iterable[Verdict]) -> Verdict:
    """The worst verdict: fail, warn, not assessed, pass. No checks at all read "not assessed"."""
    return min(verdicts, key=FROM_WORST.index, default="not assessed")


def find_group_place(group: str) -> int:
    """The place of a group's section in a report; groups of plug-ins come last."""
    return list(GROUPS).index(group) if group in GROUPS else len(GROUPS)


def refuse(name: str, question: str, rows: int, why: str, *, gated: bool = False, fix: str = "") -> list[Finding]:
    """The one finding of a check that cannot be judged."""
    return [Finding(name, question, "not assessed", rows, gated=gated, detail=why, fix=fix)]


def judge_low(value: float, threshold: float | None, *, gated: bool) -> Verdict:
    """The verdict on a figure that should not be below `threshold`: a miss fails at a gate and warns elsewhere."""
    if threshold is None or value >= threshold:
        return "pass"
    return "fail" if gated else "warn"


def judge_high(value: float, threshold: float | None, *, gated: bool) -> Verdict:
    """The verdict on a figure that should not be above `threshold`."""
    if threshold is None or value <= threshold:
        return "pass"
    return "fail" if gated else "warn"


def _round(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else round(float(value), 6)
