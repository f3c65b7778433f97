"""What a check is: one question about a table, answered by a figure beside the same figure of a real holdout.

Each check is a module that registers itself here; `catalogue` imports them. A check never raises for bad data: what
is wrong with a dataset is its answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from workbench.columns.column_type import Maker
from workbench.columns.frames import find_series_kind
from workbench.datasets.sources import RealData
from workbench.quality.support import make_columns
from workbench.spec.model import ModelConfig, QualityConfig, TableConfig, TrainingConfig
from workbench.spec.registry import Registry

if TYPE_CHECKING:
    import pandas as pd

Verdict = Literal["pass", "warn", "fail", "not assessed"]
_FROM_WORST: tuple[Verdict, ...] = ("fail", "warn", "not assessed", "pass")

FEWEST_ROWS = 30
"""Below this many rows on either side a share or a distribution is noise, and reads "not assessed"."""
MAX_EXAMPLES = 20


@dataclass(frozen=True)
class Evidence:
    """What the checks of one table look at. `training` is given for the table that is trained on.

    `frame` has a fresh index, so an index is a row number. Draws of a check come from `seed` alone.
    """

    table: str
    config: TableConfig
    frame: pd.DataFrame
    real: RealData | None = None
    gates: QualityConfig = field(default_factory=QualityConfig)
    training: TrainingConfig | None = None
    seed: int = 0
    models: Mapping[str, ModelConfig] = field(default_factory=dict)
    parent_keys: Mapping[str, pd.Series[Any]] = field(default_factory=dict)
    """For each foreign key the primary keys of the table that it leads to."""

    @cached_property
    def makers(self) -> dict[str, Maker]:
        """The columns of the table made ready, as far as they can be without other tables and real data."""
        kinds = {str(name): find_series_kind(self.frame[name]) for name in self.frame.columns}
        return make_columns(self.config, self.models, kinds)

    @cached_property
    def shared_columns(self) -> list[str]:
        """Columns that the dataset and the real data both have, in the dataset's order; keys stand for nothing real."""
        if self.real is None:
            return []
        keys = {self.config.primary_key, *self.config.find_keys()}
        real = set(self.real.train.columns) - keys
        return [str(name) for name in self.frame.columns if name in real]


@dataclass(frozen=True, slots=True)
class Finding:
    """One answer. Shares and similarities are within 0 and 1; `rows` is how many rows of the dataset were looked at.

    `reference` is the same figure for the real holdout against the real training rows, `interval` holds 95 %,
    `gated` tells that the threshold is the spec's own, so that a miss is a failure, `examples` are row numbers.
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

    def as_json(self) -> dict[str, Any]:
        """The form of `quality.json`; figures with six decimals."""
        values = asdict(self)
        for key in ("value", "reference", "threshold"):
            values[key] = _round(values[key])
        values["interval"] = None if self.interval is None else [_round(bound) for bound in self.interval]
        values["examples"] = [int(row) for row in self.examples][:MAX_EXAMPLES]
        values["columns"] = {
            name: {key: _round(number) for key, number in figures.items()} for name, figures in self.columns.items()
        }
        return values


Find = Callable[[Evidence], list[Finding]]


@dataclass(frozen=True, slots=True)
class Check:
    """A registered check. One that `needs_real` is not asked without real data and reads "not assessed".

    `gate` names the field of `QualityConfig` that sets the check's threshold, if one does.
    """

    name: str
    question: str
    find: Find
    needs_real: bool = False
    gate: str | None = None


CHECKS: Registry[Check] = Registry("workbench.checks")


def register_check(
    name: str, question: str, *, needs_real: bool = False, gate: str | None = None
) -> Callable[[Find], Find]:
    """Decorator that makes a function of `Evidence` the check of that name."""

    def register(find: Find) -> Find:
        CHECKS.add(name, Check(name, question, find, needs_real, gate))
        return find

    return register


def find_worst(verdicts: Iterable[Verdict]) -> Verdict:
    """The worst verdict: fail, warn, not assessed, pass. No checks at all read "not assessed"."""
    return min(verdicts, key=_FROM_WORST.index, default="not assessed")


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
    return None if value is None else round(float(value), 6)
