"""The shape of a spec as pydantic models. They hold data only: nothing here generates, trains or reads files.

`ColumnConfig` is the base of every column type; the registry of `workbench.columns` supplies the rest of the union
(`loading.spec_model`), so that a new column type is known to the loader and to the JSON Schema by being registered.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

Name = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,62}$")]
Share = Annotated[float, Field(ge=0, le=1)]
Scalar = bool | int | float | str | None


class StrictModel(BaseModel):
    """A mapping in the YAML. Unknown keys are errors; values are never changed after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=False, allow_inf_nan=False)


class ColumnConfig(StrictModel):
    """What every column has. A column type adds its own fields and a `type: Literal["its_name"]`."""

    name: Name
    type: str
    drop: bool = Field(False, description="Make the values for other columns to use, but leave them out of the dataset")

    def references(self) -> frozenset[str]:
        """Names of the columns of the same row that this one is computed from. Raises ValueError if unreadable."""
        return frozenset()


class SourceConfig(StrictModel):
    """Real data: a file of the user's, or a dataset that an installed package ships."""

    path: str | None = Field(None, description="csv, jsonl or parquet file, relative to the spec")
    packaged: str | None = Field(None, description="Name of a dataset that an installed package ships")
    holdout: Annotated[float, Field(ge=0, lt=1)] = Field(
        0.2, description="Share of the rows kept away from generation and training, to measure on"
    )
    stratify_by: Name | None = Field(None, description="Column whose shares are kept on both sides of the split")
    columns: list[str] | None = Field(None, description="Columns to read, all if left out")

    @model_validator(mode="after")
    def validate_one_origin(self) -> SourceConfig:
        if (self.path is None) == (self.packaged is None):
            raise ValueError("give either path or packaged")
        return self


class ConstraintConfig(StrictModel):
    """A rule that every row keeps: `inequality` (low < high, both columns) or `range` (low <= column <= high)."""

    type: Literal["inequality", "range"]
    column: Name | None = Field(None, description="range: the column that is bounded")
    low: float | Name | None = Field(None, description="inequality: the smaller column; range: the lower bound")
    high: float | Name | None = Field(None, description="inequality: the larger column; range: the upper bound")
    strict: bool = Field(False, description="inequality: equal values are not allowed either")

    @model_validator(mode="after")
    def validate_fields(self) -> ConstraintConfig:
        if self.type == "inequality":
            if not isinstance(self.low, str) or not isinstance(self.high, str) or self.column is not None:
                raise ValueError("inequality needs low and high, both names of columns, and no column")
        elif self.column is None or isinstance(self.low, str) or isinstance(self.high, str):
            raise ValueError("range needs column, and numbers as low and high")
        elif self.low is None and self.high is None:
            raise ValueError("range needs low, high or both")
        elif self.low is not None and self.high is not None and self.low > self.high:
            raise ValueError(f"no value can satisfy this: low {self.low:g} is above high {self.high:g}")
        return self


class ScenarioConfig(StrictModel):
    """A named rare event: exactly `share` of the rows get the values of `set`."""

    name: Name
    share: Annotated[float, Field(gt=0, le=1)]
    set: dict[Name, Any] = Field(
        description="Column to value, or to a sampler such as {type: uniform, low: 1, high: 2}"
    )


class TableConfig(StrictModel):
    """One table: how many rows, of which columns, under which rules."""

    rows: Annotated[int, Field(ge=1, le=10_000_000_000)]
    primary_key: Name | None = None
    columns: Annotated[list[ColumnConfig], Field(min_length=1)]
    constraints: list[ConstraintConfig] = Field(default_factory=list)
    scenarios: list[ScenarioConfig] = Field(default_factory=list)


class QualityConfig(StrictModel):
    """Gates: a dataset that misses one is refused by `tune`."""

    min_fidelity: Share | None = Field(None, description="Lowest column shape similarity to the real data")
    max_exact_match: Share | None = Field(None, description="Highest share of rows equal to a real row")
    max_duplicates: Share | None = Field(None, description="Highest share of rows equal to an earlier row")


class Message(StrictModel):
    """One turn of a conversation; `content` is a Jinja template over the columns of a row."""

    role: Literal["system", "user", "assistant"]
    content: str


class TrainingConfig(StrictModel):
    """How a row becomes a training example. Loss is taken on the completion or the assistant's turns alone."""

    task: Literal["chat", "prompt_completion", "text"]
    table: Name | None = Field(None, description="The table to train on, needed if there are several")
    messages: list[Message] | None = Field(None, description="chat: the turns")
    prompt: str | None = Field(None, description="prompt_completion: template of the prompt")
    completion: str | None = Field(None, description="prompt_completion: template of the completion")
    text: str | None = Field(None, description="text: template of the whole example")
    label: Name | None = Field(
        None, description="Column the completion states: the model is then scored by which of its values it prefers"
    )

    @model_validator(mode="after")
    def validate_templates(self) -> TrainingConfig:
        wanted = {"chat": {"messages"}, "prompt_completion": {"prompt", "completion"}, "text": {"text"}}[self.task]
        given = {name for name in ("messages", "prompt", "completion", "text") if getattr(self, name) is not None}
        if given != wanted:
            raise ValueError(f"the task {self.task} needs {' and '.join(sorted(wanted))}, and no other template")
        if self.messages is not None and (not self.messages or self.messages[-1].role != "assistant"):
            raise ValueError("the last message must be the assistant's")
        return self


class Spec(StrictModel):
    """A dataset spec."""

    version: Literal[1] = 1
    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$")]
    description: str = ""
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
    sources: dict[Name, SourceConfig] = Field(default_factory=dict)
    tables: Annotated[dict[Name, TableConfig], Field(min_length=1)]
    quality: QualityConfig = Field(default_factory=QualityConfig)
    training: TrainingConfig | None = None

    @field_validator("version", mode="before")
    @classmethod
    def validate_version(cls, value: Any) -> Any:
        if value != 1 or isinstance(value, bool):
            raise ValueError("this program reads version 1")
        return value
