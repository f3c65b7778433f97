"""`bernoulli`: true with probability p."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from workbench.columns.column_type import Maker, Row, TableContext, register
from workbench.columns.sampling import SamplerConfig, drop_missing
from workbench.columns.streams import Draws
from workbench.columns.values import Values
from workbench.spec.model import Share


class BernoulliConfig(SamplerConfig):
    """True or false, true with probability p."""

    type: Literal["bernoulli"]
    p: Share = Field(description="Probability of true")


def make(config: BernoulliConfig, context: TableContext) -> Maker:
    """True where a uniform number is below p."""

    def values(draws: Draws, inputs: Row) -> Values:
        return drop_missing(config, draws, draws.uniform() < config.p)

    possible = {value: chance for value, chance in ((False, 1 - config.p), (True, config.p)) if chance > 0}
    return Maker("bool", values, options=tuple(possible), shares=tuple(possible.values()))


register(BernoulliConfig, make, group="samplers", example="{name: is_fraud, type: bernoulli, p: 0.02}")
