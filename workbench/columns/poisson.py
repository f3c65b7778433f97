"""`poisson`: how often something happens in a fixed time."""

from __future__ import annotations

import math
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from workbench.columns.column_type import Maker, Row, TableContext, register
from workbench.columns.sampling import WholeNumberConfig, drop_missing
from workbench.columns.streams import Draws
from workbench.columns.values import Values

_REACH = 12  # standard deviations; beyond them less than 1e-30 of the counts lie


class PoissonConfig(WholeNumberConfig):
    """A count of independent events."""

    type: Literal["poisson"]
    mean: Annotated[float, Field(gt=0, le=1e9)] = Field(description="The average count")

    @model_validator(mode="after")
    def validate_cut(self) -> PoissonConfig:
        low, high = _counts(self)
        if low > high:
            raise ValueError("min and max leave only counts that practically never occur")
        return self


def make(config: PoissonConfig, context: TableContext) -> Maker:
    """A search of the uniform number in the table of the distribution function, cut and made to end at 1."""
    low, high = _counts(config)
    table = _cumulate(config.mean, low, high)

    def values(draws: Draws, inputs: Row) -> Values:
        counts = np.searchsorted(table, draws.uniform(), side="right") + low
        return drop_missing(config, draws, counts.astype(np.int64))

    return Maker("int64", values, (low, high))


def _counts(config: PoissonConfig) -> tuple[int, int]:
    """First and last count in the table."""
    reach = _REACH * math.sqrt(config.mean) + 40
    low, high = max(0, math.floor(config.mean - reach)), math.ceil(config.mean + reach)
    return (
        low if config.min is None else max(low, config.min),
        high if config.max is None else min(high, config.max),
    )


def _cumulate(mean: float, low: int, high: int) -> NDArray[np.float64]:
    """P(count <= k) for k in [low, high), given a count in [low, high]; shape (high - low,)."""
    from scipy.special import gammaln

    counts = np.arange(low, high + 1, dtype=np.float64)
    logs = counts * math.log(mean) - mean - gammaln(counts + 1)
    chances = np.exp(logs - logs.max())
    total = np.cumsum(chances)
    return np.asarray(total[:-1] / total[-1], np.float64)


register(PoissonConfig, make, group="samplers", example="{name: visits, type: poisson, mean: 2.5}")
