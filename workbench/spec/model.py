"""The shape of a spec as pydantic models. They hold data only: nothing here generates, trains or reads files.

`ColumnConfig` is the base of every column type; the registry of `workbench.columns` supplies the rest of the union
(`loading.spec_model`), so that a new column type is known to the loader and to the JSON Schema by being registered.
"""

from __future__ import annotations

import datetime
import math
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, ValidationInfo, field_validator, model_validator

from workbench.spec.base import Name, Scalar, Share, StrictModel
from workbench.spec.constraints import ConstraintConfig
from workbench.spec.problems import Path
from workbench.spec.quality import CounterfactualConfig, EvaluationConfig, FairnessConfig, QualityConfig

__all__ = [
    "BalanceConfig", "BudgetConfig", "ColumnConfig", "ConstraintConfig", "CounterfactualConfig",
    "DifferentialPrivacyConfig", "EvaluationConfig", "ExportConfig", "FairnessConfig", "ForeignKeyConfig", "Message",
    "ModelConfig", "Name", "ParityConfig", "QualityConfig", "Scalar", "ScenarioConfig", "Share", "SourceConfig", "Spec",
    "SplitsConfig", "StrictModel", "SynthesizerConfig", "TableConfig", "TrainingConfig",
]  # fmt: skip


class ColumnConfig(StrictModel):
    """What every column has. A column type adds its own fields and a `type: Literal["its_name"]`."""

    name: Name
    type: str
    drop: bool = Field(False, description="Make the values for other columns to use, but leave them out of the dataset")

    def references(self) -> frozenset[str]:
        """Names of the columns of the same row that this one is computed from. Raises ValueError if unreadable."""
        return frozenset()

    def find_key(self) -> ForeignKeyConfig | None:
        """What the column says where it is itself a foreign key, in the form of an entry of `foreign_keys`."""
        return None


class SourceConfig(StrictModel):
    """Real data: a file of the user's, or a dataset that an installed package ships."""

    path: str | None = Field(None, description="csv, jsonl or parquet file, relative to the spec")
    packaged: str | None = Field(None, description="Name of a dataset that an installed package ships")
    holdout: Annotated[float, Field(ge=0, lt=1)] = Field(
        0.2, description="Share of the rows kept away from generation and training, to measure on"
    )
    stratify_by: Name | None = Field(None, description="Column whose shares are kept on both sides of the split")
    group_by: str | None = Field(
        None, description="Column of whose values each stands on one side of the split: rows of one customer, say"
    )
    columns: list[str] | None = Field(None, description="Columns to read, all if left out")
    licence: str | None = Field(None, description="Under which licence, or by what right, the data is used")

    @model_validator(mode="after")
    def validate_one_origin(self) -> SourceConfig:
        if (self.path is None) == (self.packaged is None):
            raise ValueError("give either path or packaged")
        return self


class ScenarioConfig(StrictModel):
    """A named rare event: exactly `share` of the rows get the values of `set`."""

    name: Name
    share: Annotated[float, Field(gt=0, le=1)]
    set: dict[Name, Any] = Field(
        description="Column to value, or to a sampler such as {type: uniform, low: 1, high: 2}"
    )


class ForeignKeyConfig(StrictModel):
    """A column that holds the primary key of a row of another table.

    With `per_parent` the rows of this table are made for each row of that one, in its order; without it, each row
    refers to one at random.
    """

    column: Name
    table: Name
    per_parent: Annotated[int, Field(ge=0, le=1_000_000_000)] | dict[str, Any] | None = Field(
        None, description="Rows for each row of that table: a number, or a sampler such as {type: poisson, mean: 3}"
    )


class BalanceConfig(StrictModel):
    """Exact shares of the values of a column, or of the combinations of several.

    {column: is_fraud, shares: {true: 0.1, false: 0.9}}
    {columns: [region, is_fraud], shares: {north: {true: 0.1, false: 0.4}, south: {true: 0.1, false: 0.4}}}
    """

    column: Name | None = None
    columns: Annotated[list[Name], Field(min_length=1)] | None = None
    shares: dict[Any, Any] = Field(description="Value to share; nested once for each further column. They sum to 1")

    @model_validator(mode="after")
    def validate_shares(self) -> BalanceConfig:
        if (self.column is None) == (self.columns is None):
            raise ValueError("give either column or columns")
        if len(set(self.names)) < len(self.names):
            raise ValueError("a column stands in it twice")
        total = math.fsum(share for _, share in self.cells)
        if abs(total - 1) > 1e-6:
            raise ValueError(f"the shares sum to {total:g} instead of 1")
        return self

    @property
    def names(self) -> list[str]:
        """The columns, one or several."""
        return [self.column] if self.column is not None else list(self.columns or [])

    @property
    def cells(self) -> list[tuple[tuple[Any, ...], float]]:
        """Each combination of values with its share. Raises ValueError where the nesting does not fit the columns."""
        return _read_cells(self.shares, len(self.names))


def _read_cells(shares: Any, depth: int) -> list[tuple[tuple[Any, ...], float]]:
    if depth == 0:
        if isinstance(shares, bool) or not isinstance(shares, (int, float)) or not 0 <= shares <= 1:
            raise ValueError(f"“{shares}” is no share: give a number from 0 to 1")
        return [((), float(shares))]
    if not isinstance(shares, dict) or not shares:
        raise ValueError("shares needs a mapping from values to shares, nested once for each further column")
    return [((value, *rest), share) for value, inner in shares.items() for rest, share in _read_cells(inner, depth - 1)]


class ParityConfig(StrictModel):
    """An outcome that is true equally often in every group: the rates differ by `max_gap` at most."""

    outcome: Name = Field(description="Column of true and false")
    across: Name = Field(description="Column whose values are the groups")
    max_gap: Share = Field(0.01, description="Largest difference between the rates of two groups")


class DifferentialPrivacyConfig(StrictModel):
    """A bound on what a fitted model can tell of any one row it learned from (Dwork and Roth, 2014).

    What the table looks like (its columns, their types and decimals) is taken as public; everything else is not.
    """

    max_epsilon: Annotated[float, Field(gt=0)] = Field(description="The most privacy that may be spent: 1 is strong")
    delta: Annotated[float, Field(gt=0, lt=1)] = Field(
        1e-5, description="Chance that the bound does not hold: well below 1 / rows"
    )
    bounds: dict[str, tuple[float, float] | tuple[datetime.date, datetime.date]] = Field(
        default_factory=dict,
        description="Column to its lowest and highest value, where these are public; others are learned with noise",
    )
    values: dict[str, list[Any]] = Field(
        default_factory=dict,
        description="Column to its values, where these are public; of others only frequent ones are learned",
    )


class SynthesizerConfig(StrictModel):
    """A model fitted to a real table, which makes columns together. A type adds its own fields and its `type`."""

    type: str
    source: Name = Field(description="Name of the source that it learns from, without its holdout")
    columns: list[str] | None = Field(
        None, description="Columns of the source to learn and make; all but keys and columns made otherwise if left out"
    )
    given: list[Name] = Field(
        default_factory=list,
        description="Columns of this table, made before, that the others depend on; the source has them too",
    )
    label: Name | None = Field(
        None, description="The category whose shares matter most, rare ones too; the one with the rarest if left out"
    )
    differential_privacy: DifferentialPrivacyConfig | None = None


class TableConfig(StrictModel):
    """One table: how many rows, of which columns, under which rules."""

    rows: Annotated[int, Field(ge=1, le=10_000_000_000)] | None = Field(
        None, description="May be left out where a foreign key has per_parent; with both, the total is exactly this"
    )
    primary_key: Name | None = None
    foreign_keys: list[ForeignKeyConfig] = Field(default_factory=list)
    synthesizer: SynthesizerConfig | None = Field(None, description="A model fitted to a real table that makes columns")
    columns: list[ColumnConfig] = Field(default_factory=list, validate_default=True)
    constraints: list[ConstraintConfig] = Field(default_factory=list)
    scenarios: list[ScenarioConfig] = Field(default_factory=list)
    balance: list[BalanceConfig] = Field(default_factory=list)
    parity: list[ParityConfig] = Field(default_factory=list)
    counterfactuals: list[CounterfactualConfig] = Field(default_factory=list)

    @field_validator("columns")
    @classmethod
    def validate_columns(cls, columns: list[ColumnConfig], info: ValidationInfo) -> list[ColumnConfig]:
        # A synthesizer that is wrong itself is missing in `data`, and has its own problem.
        if not columns and info.data.get("synthesizer", False) is None:
            raise ValueError("a table needs columns, or a synthesizer that makes them")
        return columns

    def find_keys(self) -> dict[str, tuple[ForeignKeyConfig, Path]]:
        """The foreign keys by their column, with their place in the table, be they columns or under `foreign_keys`.

        One that stands in both has the place under `foreign_keys`, and `per_parent` from wherever it is given.
        """
        keys: dict[str, tuple[ForeignKeyConfig, Path]] = {}
        for position, column in enumerate(self.columns):
            key = column.find_key()
            if key is not None:
                keys[key.column] = (key, ("columns", position))
        for position, entry in enumerate(self.foreign_keys):
            known = keys.get(entry.column)
            if known is not None and known[0].per_parent is not None:
                entry = entry.model_copy(update={"per_parent": known[0].per_parent})
            keys[entry.column] = (entry, ("foreign_keys", position))
        return keys


class Message(StrictModel):
    """One turn of a conversation; `content` is a Jinja template over the columns of a row."""

    role: Literal["system", "user", "assistant"]
    content: str


_TEMPLATES = {
    "chat": ("messages",),
    "prompt_completion": ("prompt", "completion"),
    "preference": ("prompt", "chosen", "rejected"),
    "text": ("text",),
}


class TrainingConfig(StrictModel):
    """How a row becomes a training example. Loss is taken on the completion or the assistant's turns alone.

    `preference` has a better and a worse answer to each prompt.
    """

    task: Literal["chat", "prompt_completion", "preference", "text"]
    table: Name | None = Field(None, description="The table to train on, needed if there are several")
    messages: list[Message] | None = Field(None, description="chat: the turns")
    prompt: str | None = Field(None, description="prompt_completion, preference: template of the prompt")
    completion: str | None = Field(None, description="prompt_completion: template of the completion")
    chosen: str | None = Field(None, description="preference: template of the better answer")
    rejected: str | None = Field(None, description="preference: template of the worse answer")
    text: str | None = Field(None, description="text: template of the whole example")
    label: Name | None = Field(
        None, description="Column the completion states: the model is then scored by which of its values it prefers"
    )

    @model_validator(mode="after")
    def validate_templates(self) -> TrainingConfig:
        wanted = _TEMPLATES[self.task]
        given = {name for names in _TEMPLATES.values() for name in names if getattr(self, name) is not None}
        if given != set(wanted):
            raise ValueError(f"the task {self.task} needs {' and '.join(wanted)}, and no other template")
        if self.messages is not None and (not self.messages or self.messages[-1].role != "assistant"):
            raise ValueError("the last message must be the assistant's")
        return self


class SplitsConfig(StrictModel):
    """Shares of the rows for training, validation and test. Rows that belong together stay on one side."""

    train: Share
    validation: Share = 0.0
    test: Share = 0.0
    stratify_by: Name | None = Field(None, description="Column whose shares are kept in every split")

    @model_validator(mode="after")
    def validate_shares(self) -> SplitsConfig:
        total = math.fsum((self.train, self.validation, self.test))
        if abs(total - 1) > 1e-6:
            raise ValueError(f"the shares sum to {total:g} instead of 1")
        return self

    @property
    def shares(self) -> dict[str, float]:
        """The splits that get rows, with their shares."""
        shares = {"train": self.train, "validation": self.validation, "test": self.test}
        return {name: share for name, share in shares.items() if share > 0}


class ExportConfig(StrictModel):
    """A copy of the dataset for another program, written to `exports/` with the dataset."""

    format: Literal["parquet", "jsonl", "csv", "arrow"]
    layout: Literal["messages", "alpaca", "sharegpt", "prompt_completion", "preference", "text"] | None = Field(
        None, description="Training examples in this layout, made by “training”; the tables as they are if left out"
    )

    @model_validator(mode="after")
    def validate_layout(self) -> ExportConfig:
        if self.layout in ("messages", "sharegpt") and self.format == "csv":
            raise ValueError(f"csv cannot hold the nested layout {self.layout}; use jsonl, parquet or arrow")
        return self


class BudgetConfig(StrictModel):
    """Limits that stop a run. What was made by then is kept, and costs nothing when it is asked for again."""

    max_cost_usd: Annotated[float, Field(gt=0)] | None = Field(None, description="US dollars for calls of models")
    max_hours: Annotated[float, Field(gt=0)] | None = Field(
        None, description="Hours that a run may take, counted anew when it is resumed"
    )


class ModelConfig(StrictModel):
    """A generative model that columns write with. A provider reads its own fields beside these."""

    model_config = ConfigDict(extra="allow", frozen=True, strict=False, allow_inf_nan=False)

    provider: Name = Field(description="Who runs the model; `offline` needs none")
    model: str | None = Field(None, description="Name or path of the model, as its provider knows it")


class Spec(StrictModel):
    """A dataset spec."""

    version: Literal[1] = 1
    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$")]
    description: str = ""
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
    models: dict[Name, ModelConfig] = Field(default_factory=dict)
    sources: dict[Name, SourceConfig] = Field(default_factory=dict)
    tables: Annotated[dict[Name, TableConfig], Field(min_length=1)]
    quality: QualityConfig = Field(default_factory=QualityConfig)
    splits: SplitsConfig | None = None
    training: TrainingConfig | None = None
    exports: list[ExportConfig] = Field(default_factory=list)
    budget: BudgetConfig = Field(default_factory=BudgetConfig)

    @field_validator("version", mode="before")
    @classmethod
    def validate_version(cls, value: Any) -> Any:
        if value != 1 or isinstance(value, bool):
            raise ValueError("this program reads version 1")
        return value
