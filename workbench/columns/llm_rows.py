"""`llm_rows`: tabular data by a language model, a batch of rows per call, conditioned on real rows.

{name: patient, type: llm_rows, prompt: "Invent patients of a heart clinic.", source: real, examples: 5,
 fields: {age: {type: integer, minimum: 0, maximum: 100}, sex: {enum: [female, male]}}}

Rows are asked for in groups of `batch`: row i takes place i % batch of the answer for group i // batch. One answer
shows the model its own rows, so that they differ, and costs one prompt. A group is asked for as a whole whichever of
its rows are made, so that a row never depends on the block it stands in. Members become columns by the type `field`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator, model_validator

from workbench.calls.asking import Accept
from workbench.calls.failures import Place, Rejected
from workbench.columns.answered import collect
from workbench.columns.answers import read_json
from workbench.columns.column_type import Maker, Row, TableContext, register
from workbench.columns.generated import ColumnModel, NullSkippedConfig, compile_skip, find_template_names
from workbench.columns.prompts import MAX_EXAMPLES, note_examples, pick_records
from workbench.columns.records import RecordType, compile_schema
from workbench.columns.schemas import fit, write_schema
from workbench.columns.streams import Draws
from workbench.columns.values import Values
from workbench.providers.requests import Answer, TextRequest
from workbench.spec.model import Name

_ROWS = "rows"
_CHARS_PER_VALUE = 60
"""Room for a value with its name as JSON text; texts with a `maxLength` get that more."""


class LlmRowsConfig(NullSkippedConfig):
    """Rows of a table as structs, several per call, by a language model that is shown real rows."""

    type: Literal["llm_rows"]
    prompt: Annotated[str, Field(min_length=1)] = Field(description="What the rows are of; it names no columns")
    system_prompt: str = Field("", description="What the model is told before")
    fields: Annotated[dict[str, dict[str, Any]], Field(min_length=1)] = Field(
        description="Name to JSON Schema, for instance {age: {type: integer, minimum: 0, maximum: 100}}"
    )
    batch: Annotated[int, Field(ge=1, le=100)] = Field(10, description="Rows per call")
    source: Name | None = Field(None, description="Source whose rows are shown; those of its holdout never are")
    examples: Annotated[int, Field(ge=1, le=MAX_EXAMPLES)] = Field(
        5, description="How many rows of the source are shown, others to each call"
    )

    @field_validator("prompt", "system_prompt")
    @classmethod
    def validate_plain(cls, text: str) -> str:
        names = find_template_names(text)
        if names:
            raise ValueError(
                f"one call makes several rows, so it cannot hold “{min(names)}” of one row; use llm_structured for that"
            )
        return text

    @model_validator(mode="after")
    def validate_examples(self) -> LlmRowsConfig:
        if self.source is None and "examples" in self.model_fields_set:
            raise ValueError("examples need a source to be taken from")
        return self


def make(config: LlmRowsConfig, context: TableContext) -> Maker:
    """One struct a row. Raises ValueError where the fields are no JSON Schema, or the source has none of them."""
    model = ColumnModel(config, context, "text")
    record = compile_schema(
        {"type": "object", "properties": config.fields, "required": list(config.fields), "additionalProperties": False}
    )
    batch = _write_batch_schema(record, config.batch)
    show = _compile_examples(config, context)
    is_asked = compile_skip(config, context)
    room = _measure_room(config)

    def values(draws: Draws, inputs: Row) -> Values:
        asked = is_asked(draws, inputs)
        heads = np.unique(_find_heads(draws.rows[asked], config.batch))
        groups = replace(draws, rows=heads, family=None)
        shown = show(groups)
        requests = [
            TextRequest(_write_prompt(config, examples), seed, config.system_prompt, max_chars=room, schema=batch)
            for examples, seed in zip(shown, groups.bits().tolist(), strict=True)
        ]
        answers = model.ask(groups, requests, [_compile_accept(config, record, examples) for examples in shown])
        if context.session.trail is not None:
            rows = draws.rows[asked]
            place = Place(draws.table, draws.column)
            context.session.trail.share_answers(place, rows, _find_heads(rows, config.batch))
        made = dict(zip(heads.tolist(), answers, strict=True))
        found: list[Any] = []
        for row, said in zip(draws.rows.tolist(), asked.tolist(), strict=True):
            answer = made.get(row // config.batch * config.batch) if said else None
            found.append(None if answer is None else answer[row % config.batch])
        return collect(record.kind, found)

    def find_lost(draws: Draws) -> NDArray[np.bool_]:
        return model.find_lost(replace(draws, rows=_find_heads(draws.rows, config.batch)))

    return Maker(
        record.kind,
        values,
        members=record.members,
        nested=record.nested,
        find_lost=None if model.dropper is None else find_lost,
        costly=model.is_costly,
        calls=1 / config.batch,
    )


def _write_batch_schema(record: RecordType, batch: int) -> str:
    """The schema of an answer: an object around the list, since some endpoints give nothing but objects."""
    rows = {"type": "array", "items": json.loads(record.text), "minItems": batch, "maxItems": batch}
    answer = {"type": "object", "properties": {_ROWS: rows}, "required": [_ROWS], "additionalProperties": False}
    return write_schema(answer)


def _find_heads(rows: NDArray[np.int64], batch: int) -> NDArray[np.int64]:
    """The first row of each row's group, which stands for the group."""
    return rows // batch * batch


def _compile_examples(config: LlmRowsConfig, context: TableContext) -> Callable[[Draws], list[list[dict[str, Any]]]]:
    """A function that gives the real rows to show to each group, as members of `fields` alone."""
    if config.source is None:
        return lambda draws: [[] for _ in range(len(draws))]
    frame = context.read_source(config.source)
    names = [str(name) for name in frame.columns if str(name) in config.fields]
    if not names:
        raise ValueError(f"“{config.source}” has none of the fields as columns, so its rows cannot be shown")
    return pick_records(frame[names], config.examples, note=note_examples(context, config.source))


def _write_prompt(config: LlmRowsConfig, examples: list[dict[str, Any]]) -> str:
    lines = [config.prompt.strip()]
    if examples:
        shown = [json.dumps(example, ensure_ascii=False, default=str) for example in examples]
        lines += ["", "Some real rows, to show what values go together. Do not repeat them:", *shown]
    names = ", ".join(config.fields)
    lines += ["", f"Answer with a JSON object whose “{_ROWS}” are {config.batch} different objects of {names}."]
    return "\n".join(lines)


def _compile_accept(
    config: LlmRowsConfig, record: RecordType, examples: list[dict[str, Any]]
) -> Accept[list[dict[str, Any]]]:
    """What reads a batch: all rows must be valid, and most be neither copies of what was shown nor of each other."""
    known = {_make_key(example) for example in examples}
    names = list(examples[0]) if examples else []

    def accept(answer: Answer) -> list[dict[str, Any]]:
        value = read_json(answer)
        if isinstance(value, dict):
            value = value.get(_ROWS)
        if not isinstance(value, list) or len(value) < config.batch:
            count = len(value) if isinstance(value, list) else 1
            raise Rejected("fewer rows than asked for", f"{count} of {config.batch}")
        rows = value[: config.batch]
        for row in rows:
            record.check(row)
        copies = sum(_make_key({name: row.get(name) for name in names}) in known for row in rows) if names else 0
        if copies * 2 > len(rows):
            raise Rejected("copies of the examples shown", f"{copies} of {len(rows)} rows")
        different = len({_make_key(row) for row in rows})
        if different * 2 < len(rows):
            raise Rejected("the same rows again and again", f"{different} different rows of {len(rows)}")
        return [fit(row, record.shape) for row in rows]

    return accept


def _make_key(row: dict[str, Any]) -> str:
    return json.dumps(row, sort_keys=True, ensure_ascii=False, default=str)


def _measure_room(config: LlmRowsConfig) -> int:
    """Characters that a batch may take."""
    lengths = (len(name) + _CHARS_PER_VALUE + int(part.get("maxLength", 0)) for name, part in config.fields.items())
    return config.batch * sum(lengths)


register(
    LlmRowsConfig,
    make,
    group="generated",
    example='{name: patient, type: llm_rows, prompt: "Invent patients.", fields: {age: {type: integer, minimum: 0, '
    "maximum: 100}, sex: {enum: [female, male]}}, batch: 5}",
)
