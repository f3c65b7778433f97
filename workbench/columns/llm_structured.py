"""`llm_structured`: a value under a JSON Schema that a model fills in, such as an order with its items.

{name: patient, type: llm_structured, prompt: "Invent a patient.", schema: {type: object, properties: {age: …}}}
{name: patient, type: llm_structured, prompt: "Invent a patient.", model_class: "my_project.records:Patient"}

Flat objects become structs, other values nested ones. What may be of several types is kept as JSON text inside.
"""

from __future__ import annotations

import importlib
import json
import warnings
from collections.abc import Callable
from dataclasses import replace
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, model_validator

from workbench.calls.failures import Rejected
from workbench.columns.answered import Question, make_answered
from workbench.columns.column_type import Maker, Row, TableContext, register
from workbench.columns.generated import ColumnModel, NullSkippedConfig
from workbench.columns.prompts import PromptedConfig, compile_prompts
from workbench.columns.records import RecordType, compile_schema
from workbench.columns.streams import Draws
from workbench.columns.texts import MAX_CHARACTERS

with warnings.catch_warnings():
    # Pydantic warns of the name, which was that of a method it has since renamed; the word for it is “schema”.
    warnings.simplefilter("ignore", UserWarning)

    class LlmStructuredConfig(NullSkippedConfig, PromptedConfig):
        """A value with named parts, valid under a schema, filled in by a model."""

        type: Literal["llm_structured"]
        schema: dict[str, Any] | None = Field(  # type: ignore[assignment]
            None, description="JSON Schema of the value; a description of a property helps the model"
        )
        model_class: Annotated[str, Field(pattern=r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$")] | None = Field(
            None, description="Pydantic class of the value, in place of a schema: module:Class"
        )
        max_chars: Annotated[int, Field(ge=1, le=MAX_CHARACTERS)] = Field(
            4_000, description="Room for the value as JSON text"
        )

        @model_validator(mode="after")
        def validate_one_schema(self) -> LlmStructuredConfig:
            if (self.schema is None) == (self.model_class is None):
                raise ValueError("give either schema or model_class")
            return self


def make(config: LlmStructuredConfig, context: TableContext) -> Maker:
    """The values of the column's model. Raises ValueError where the schema, or its class, cannot be used."""
    model = ColumnModel(config, context, "text")
    if config.model_class is not None:
        record = _compile_class(config.model_class)
    else:
        assert config.schema is not None
        record = compile_schema(config.schema)
    prompts = compile_prompts(config, context, _compile_example(record))

    def ask(draws: Draws, inputs: Row) -> list[Question | None]:
        return [
            (replace(request, max_chars=config.max_chars, schema=record.text), record.read)
            for request in prompts.ask(draws, inputs)
        ]

    return make_answered(config, context, model, ask, record.kind, record.members, record.nested)


def _compile_example(record: RecordType) -> Callable[[dict[str, Any]], str] | None:
    """A function that writes the members of an object that are columns of a source as its JSON."""
    if not isinstance(record.shape, dict):
        return None
    names = list(record.shape)

    def write(row: dict[str, Any]) -> str:
        return json.dumps({name: row[name] for name in names if name in row}, ensure_ascii=False, default=str)

    return write


def _compile_class(path: str) -> RecordType:
    """What the Pydantic class at `module:Class` makes. Raises ValueError where there is none."""
    from pydantic import BaseModel

    module, name = path.split(":")
    try:
        found = getattr(importlib.import_module(module), name, None)
    except Exception as error:  # a module of the user's may raise anything
        raise ValueError(f"“{module}” cannot be imported: {error}") from None
    if not (isinstance(found, type) and issubclass(found, BaseModel)):
        raise ValueError(f"“{module}” has no Pydantic class “{name}”")
    model: type[BaseModel] = found

    def check(value: Any) -> None:
        try:
            model.model_validate(value)
        except ValidationError as error:
            first = error.errors(include_url=False, include_context=False)[0]
            place = ".".join(map(str, first["loc"]))
            raise Rejected("not valid under the schema", f"{place or 'the value'}: {first['msg']}") from None

    try:
        schema = model.model_json_schema()
    except Exception as error:  # also a class of its own may have no schema, for reasons of its own
        raise ValueError(f"“{path}” has no JSON Schema: {error}") from None
    return compile_schema(schema, check)


register(
    LlmStructuredConfig,
    make,
    group="generated",
    example='{name: order, type: llm_structured, prompt: "Invent an order.", schema: {type: object, required: [item, '
    "count], properties: {item: {type: string, maxLength: 40}, count: {type: integer, minimum: 1, maximum: 9}}}}",
)
