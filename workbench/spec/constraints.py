"""The rules that rows keep, as the spec writes them: one model per type of constraint, told apart by `type`."""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from workbench.spec.base import Name, StrictModel

Columns = Annotated[list[Name], Field(min_length=1)]


class InequalityConfig(StrictModel):
    """One column is below another: low <= high, or low < high if strict."""

    type: Literal["inequality"]
    low: Name = Field(description="The smaller column")
    high: Name = Field(description="The larger column")
    strict: bool = Field(False, description="Equal values are not allowed either")


class RangeConfig(StrictModel):
    """A column of numbers lies between two bounds, both included."""

    type: Literal["range"]
    column: Name
    low: float | None = None
    high: float | None = None

    @model_validator(mode="after")
    def validate_bounds(self) -> RangeConfig:
        if self.low is None and self.high is None:
            raise ValueError("range needs low, high or both")
        if self.low is not None and self.high is not None and self.low > self.high:
            raise ValueError(f"no value can satisfy this: low {self.low:g} is above high {self.high:g}")
        return self


class FixedCombinationsConfig(StrictModel):
    """Only listed combinations of values occur together, for instance a city and its country."""

    type: Literal["fixed_combinations"]
    columns: Annotated[list[Name], Field(min_length=2)]
    values: Annotated[list[list[Any]], Field(min_length=1)] | None = Field(
        None, description="The combinations, each a list with a value for every column"
    )
    source: Name | None = Field(None, description="Allow the combinations that occur in this source, instead of values")

    @model_validator(mode="after")
    def validate_values(self) -> FixedCombinationsConfig:
        if (self.values is None) == (self.source is None):
            raise ValueError("give either values or source")
        for combination in self.values or []:
            if len(combination) != len(self.columns):
                raise ValueError(f"each combination needs {len(self.columns)} values, one for each column")
        return self


class FixedIncrementsConfig(StrictModel):
    """A column of numbers takes only multiples of a step."""

    type: Literal["fixed_increments"]
    column: Name
    increment: Annotated[float, Field(gt=0)]

    @model_validator(mode="after")
    def validate_increment(self) -> FixedIncrementsConfig:
        if not math.isfinite(self.increment):
            raise ValueError("increment must be a finite number")
        return self


class UniqueConfig(StrictModel):
    """No two rows of the table have the same values in these columns."""

    type: Literal["unique"]
    columns: Columns


class NearUniqueConfig(StrictModel):
    """No text of the column is too much like the one of an earlier row."""

    type: Literal["near_unique"]
    column: Name
    measure: Literal["ngram", "embedding"] = Field(
        "ngram", description="By letters (Jaccard of 3-character shingles) or by meaning (cosine of vectors)"
    )
    max_similarity: Annotated[float, Field(ge=0, lt=1)] | None = Field(
        None,
        description="The highest that is allowed, from 0 to below 1; 0.7 by letters and 0.9 by meaning if left out",
    )
    model: Name | None = Field(
        None, description="Which of the spec's models makes the vectors; the offline provider if left out"
    )
    redraws: Annotated[int, Field(ge=0, le=20)] = Field(
        2, description="How often a row too near to an earlier one is drawn again before it is left out"
    )

    @model_validator(mode="after")
    def validate_model(self) -> NearUniqueConfig:
        if self.model is not None and self.measure != "embedding":
            raise ValueError("only “measure: embedding” asks a model; take “model” out or set the measure")
        return self

    @property
    def limit(self) -> float:
        """The highest similarity that is allowed."""
        return self.max_similarity if self.max_similarity is not None else _LIMITS[self.measure]


_LIMITS = {"ngram": 0.7, "embedding": 0.9}


class OneHotConfig(StrictModel):
    """Exactly one of these columns is true, or 1."""

    type: Literal["one_hot"]
    columns: Annotated[list[Name], Field(min_length=2)]


class ExpressionRuleConfig(StrictModel):
    """An expression over the columns of a row is true, for instance "discount == 0 or total > 50"."""

    type: Literal["expression"]
    expression: Annotated[str, Field(min_length=1)]


ConstraintConfig = Annotated[
    InequalityConfig
    | RangeConfig
    | FixedCombinationsConfig
    | FixedIncrementsConfig
    | UniqueConfig
    | NearUniqueConfig
    | OneHotConfig
    | ExpressionRuleConfig,
    Field(discriminator="type"),
]
