"""`category`: one of a few values, with equal or given shares, which may depend on another column.

{name: country, type: category, values: {DE: 0.5, FR: 0.3, IT: 0.2}}
{name: size, type: category, values: [S, M, L], weights: [1, 2, 1]}
{name: city, type: category, given: country, values: {DE: [Berlin, Köln], FR: {Paris: 3, Lyon: 1}, IT: [Roma]}}
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from pydantic import Field, ValidationInfo, field_validator, model_validator

from workbench.columns.column_type import Maker, Row, TableContext, register
from workbench.columns.sampling import SamplerConfig, drop_missing
from workbench.columns.streams import Draws
from workbench.columns.values import DTYPES, Kind, Values, find_kind, make_text_array
from workbench.spec.model import Name

_KIND_WORDS = {"bool": "true or false", "int64": "whole numbers", "double": "numbers", "string": "texts"}


class CategoryConfig(SamplerConfig):
    """One of a few values, by shares that may depend on another column."""

    type: Literal["category"]
    given: Name | None = Field(None, description="Column whose value decides which of the lists under values is used")
    values: list[Any] | dict[Any, Any] = Field(
        description="A list, or value: share (shares are divided by their sum); with given: such a list or mapping "
        "for each value of that column"
    )
    weights: list[float] | None = Field(None, description="Shares of a list of values, in its order")

    @field_validator("values")
    @classmethod
    def validate_values(cls, values: list[Any] | dict[Any, Any], info: ValidationInfo) -> list[Any] | dict[Any, Any]:
        if info.data.get("given") is None:
            _read_choices(values, None)
        elif not isinstance(values, dict) or not values:
            raise ValueError("with “given”, values needs a list or mapping for each value of that column")
        else:
            for key, choices in values.items():
                if not isinstance(choices, (list, dict)):
                    raise ValueError(f"with “given”, the entry “{key}” needs a list or mapping of its values")
                _read_choices(choices, None)
        return values

    @model_validator(mode="after")
    def validate_weights(self) -> CategoryConfig:
        if self.weights is not None:
            if self.given is not None or isinstance(self.values, dict):
                raise ValueError("weights belong to a plain list of values; in a mapping each value has its share")
            _read_choices(self.values, self.weights)
        _find_common_kind(_all_values(self))
        return self

    def references(self) -> frozenset[str]:
        return frozenset() if self.given is None else frozenset({self.given})


@dataclass(frozen=True, slots=True)
class _Choices:
    """Values with their shares, which are positive and sum to 1."""

    values: tuple[Any, ...]
    shares: tuple[float, ...]


def make(config: CategoryConfig, context: TableContext) -> Maker:
    """A search of the uniform number in the running sum of the shares.

    With `given`, the sums of all entries stand one after the other, entry k raised by k, and k is added to the number.
    """
    values = _all_values(config)
    kind = _find_common_kind(values)
    pool = make_text_array(values) if kind == "string" else np.array(values, DTYPES[kind])
    given = config.given
    if given is None:
        plain = _read_choices(config.values, config.weights)
        ends = _running_sum(plain)[:-1]

        def choose(draws: Draws, inputs: Row) -> Values:
            return drop_missing(config, draws, pool[np.searchsorted(ends, draws.uniform(), side="right")])

        return Maker(kind, choose, options=values, shares=plain.shares)

    assert isinstance(config.values, dict)
    _check_keys(given, config.values, context.makers[given])
    entries = {key: position for position, key in enumerate(config.values)}
    sums = [_running_sum(_read_choices(choices, None)) for choices in config.values.values()]
    all_ends = np.concatenate([position + ends for position, ends in enumerate(sums)])

    def choose_given(draws: Draws, inputs: Row) -> Values:
        row_entries = np.array([entries.get(value, -1) for value in inputs[given].to_list()], np.int64)
        known = row_entries >= 0
        found = np.searchsorted(all_ends, draws.uniform() + np.maximum(row_entries, 0), side="right")
        return drop_missing(config, draws, pool[found], None if known.all() else known)

    return Maker(kind, choose_given, options=tuple(dict.fromkeys(values)))


def _read_choices(choices: list[Any] | dict[Any, Any], weights: list[float] | None) -> _Choices:
    values = list(choices)
    shares: list[Any] = list(choices.values()) if isinstance(choices, dict) else weights or [1.0] * len(values)
    if not values:
        raise ValueError("it is empty")
    if len(shares) != len(values):
        raise ValueError(f"there are {len(values)} values and {len(shares)} weights")
    for value, share in zip(values, shares, strict=True):
        if isinstance(share, bool) or not isinstance(share, (int, float)) or not 0 <= share <= 1e300:
            raise ValueError(f"the share of “{value}” must be a number of 0 or more")
        if find_kind(value) not in _KIND_WORDS:
            raise ValueError(f"“{value}” cannot be a value; for empty values use “missing: share”")
    if len(set(map(repr, values))) < len(values):
        raise ValueError("a value stands in it twice")
    total = math.fsum(shares)
    if not 0 < total < math.inf:
        raise ValueError("the shares must sum to more than 0")
    kept = [(value, share / total) for value, share in zip(values, shares, strict=True) if share > 0]
    return _Choices(tuple(value for value, _ in kept), tuple(share for _, share in kept))


def _all_values(config: CategoryConfig) -> tuple[Any, ...]:
    """The values that can occur, entry after entry."""
    if config.given is None:
        return _read_choices(config.values, config.weights).values
    assert isinstance(config.values, dict)
    return tuple(value for choices in config.values.values() for value in _read_choices(choices, None).values)


def _find_common_kind(values: tuple[Any, ...]) -> Kind:
    kinds = {find_kind(value) for value in values}
    if kinds == {"int64", "double"}:
        return "double"
    if len(kinds) > 1:
        words = " and ".join(sorted(_KIND_WORDS[str(kind)] for kind in kinds))
        raise ValueError(f"its values mix {words}; quote those that are meant as texts")
    kind = kinds.pop()
    assert kind is not None
    if kind == "int64" and any(abs(value) > 2**63 - 1 for value in values):
        raise ValueError("a whole number needs more than 64 bits; quote it")
    return kind


def _running_sum(choices: _Choices) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    ends = np.cumsum(choices.shares)
    ends[-1] = 1.0
    return ends


def _check_keys(given: str, entries: dict[Any, Any], maker: Maker) -> None:
    """Raise ValueError if the keys are of another kind than the column `given`, or miss a value it can take."""
    for key in entries:
        kind = find_kind(key)
        if kind != maker.kind and not (kind == "int64" and maker.kind == "double"):
            word = _KIND_WORDS.get(maker.kind, "moments")
            raise ValueError(f"“{given}” holds {word}, and the key “{key}” under values is not of that kind")
    for value in maker.options or ():
        if value not in entries:
            raise ValueError(f"the value “{value}” of “{given}” has no entry under values")


register(
    CategoryConfig,
    make,
    group="samplers",
    example="{name: country, type: category, values: {DE: 0.5, FR: 0.3, IT: 0.2}}",
)
