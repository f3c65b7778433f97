"""`quality:` of a spec: the gates that a dataset has to pass before it is trained on or exported.

A field that begins with `min_` or `max_` is a gate: a dataset that misses it is refused. The others say what is asked,
and what the checks have to know of the table.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from workbench.spec.base import Name, Share, StrictModel

Auc = Annotated[float, Field(ge=0.5, le=1)]


class FairnessConfig(StrictModel):
    """Groups that an outcome is compared between."""

    across: Annotated[list[Name], Field(min_length=1)] = Field(
        description="Columns whose values are groups of people; combinations of them are looked at too"
    )
    outcome: Name | None = Field(None, description="Column of true and false, or of labels; the label if left out")
    favourable: str | int | float | bool | None = Field(
        None, description="The value of the outcome that a group is to get as often as others; each in turn if left out"
    )
    given: list[Name] = Field(
        default_factory=list,
        description="Columns that may explain a difference: rates are also compared within their values",
    )


class EvaluationConfig(StrictModel):
    """Texts that a model will be tested with, which therefore may not be in what it is trained on."""

    path: str = Field(description="csv, jsonl, parquet or text file, relative to the spec")
    columns: list[str] | None = Field(None, description="Columns to look at, all of texts if left out")


class QualityConfig(StrictModel):
    """Gates: a dataset that misses one is refused by `tune` and `export`."""

    preset: Literal["draft", "train", "release"] = Field(
        "train",
        description="draft: only gates refuse; train: leaks of real rows refuse too; release: privacy must have been "
        "assessed, its warnings refuse, and nothing can be waived",
    )
    min_fidelity: Share | None = Field(None, description="Lowest column shape similarity to the real data")
    min_pair_fidelity: Share | None = Field(None, description="Lowest mean similarity of pairs of columns")
    max_detection_auc: Auc | None = Field(
        None, description="How well boosted trees may tell rows from real ones: 0.5 is not at all"
    )
    max_usefulness_loss: Share | None = Field(
        None, description="How much worse a model trained on these rows may be on real ones than one of real rows (AUC)"
    )
    max_exact_match: Share | None = Field(None, description="Highest share of rows equal to a real row")
    min_dcr_ratio: Annotated[float, Field(ge=0)] | None = Field(
        None, description="Lowest 5th percentile of distances to the closest real row, relative to the holdout's"
    )
    max_membership_auc: Auc | None = Field(
        None, description="How well an attacker may tell which real rows were learned from: 0.5 is not at all"
    )
    max_risk: Share | None = Field(
        None, description="Highest upper bound of the risks of singling out, linking and inferring"
    )
    max_parity_gap: Share | None = Field(None, description="Largest difference of an outcome's rate between two groups")
    max_duplicates: Share | None = Field(None, description="Highest share of rows equal to an earlier row")
    max_near_duplicates: Share | None = Field(None, description="Highest share of texts nearly equal to an earlier one")
    max_contamination: Share | None = Field(
        None, description="Highest share of rows with a passage of the evaluation texts"
    )
    max_failing_code: Share | None = Field(None, description="Highest share of code that does not run as asked")
    max_broken_media: Share | None = Field(None, description="Highest share of pictures or sounds that are unusable")
    max_synthetic_share: Share | None = Field(
        None, description="Highest share of synthetic rows where these are put beside the real ones of the source"
    )
    require: list[str] = Field(
        default_factory=list,
        description="Checks, or groups of them such as privacy, that refuse where they could not be assessed",
    )
    label: Name | None = Field(None, description="Column that is to be predicted; that of training if left out")
    fairness: FairnessConfig | None = None
    canaries: list[Annotated[str, Field(min_length=6)]] = Field(
        default_factory=list, description="Secrets planted in the real data, which no row may repeat"
    )
    evaluation: list[EvaluationConfig] = Field(
        default_factory=list, description="Texts of tests, of which no row may hold a passage"
    )
    sample_rows: Annotated[int, Field(ge=100)] = Field(
        20_000, description="Most rows that a slow check looks at, of the dataset and of the real data each"
    )

    def find_gates(self) -> dict[str, Any]:
        """The gates that are set, with their thresholds."""
        return {
            name: value
            for name in type(self).model_fields
            if name.startswith(("min_", "max_")) and (value := getattr(self, name)) is not None
        }

    def references(self) -> Iterator[tuple[tuple[str | int, ...], str]]:
        """The columns that are named, each with its place under `quality`."""
        if self.label is not None:
            yield ("label",), self.label
        if self.fairness is not None:
            for position, name in enumerate(self.fairness.across):
                yield ("fairness", "across", position), name
            for position, name in enumerate(self.fairness.given):
                yield ("fairness", "given", position), name
            if self.fairness.outcome is not None:
                yield ("fairness", "outcome"), self.fairness.outcome


class CounterfactualConfig(StrictModel):
    """Rows that are made once for each value of a column, all else being equal: does a model write otherwise of them?

    They are no part of the dataset, and stand beside it.
    """

    column: Name = Field(description="Column of texts that a model writes")
    swap: Name = Field(description="Column whose values are exchanged, such as sex")
    values: Annotated[list[Any], Field(min_length=2)] | None = Field(
        None, description="The values, all options of the column if left out"
    )
    rows: Annotated[int, Field(ge=1, le=10_000)] = Field(50, description="Rows to make, each once for every value")

    @model_validator(mode="after")
    def validate_columns(self) -> CounterfactualConfig:
        if self.column == self.swap:
            raise ValueError("the column that is exchanged cannot be the one that is compared")
        return self
