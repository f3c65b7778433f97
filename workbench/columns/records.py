"""Values under a JSON Schema as columns: what `llm_structured`, `llm_judge` and `llm_rows` make of answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from workbench.columns.answers import read_json
from workbench.columns.schemas import (
    Schema,
    Shape,
    bound_schema,
    compile_check,
    find_column,
    find_nested,
    find_shape,
    fit,
    plain_schema,
    write_schema,
)
from workbench.columns.values import Kind, Nested
from workbench.providers.requests import Answer


def _accept_any(value: Any) -> None:
    pass


@dataclass(frozen=True, slots=True)
class RecordType:
    """What a value under a schema is: `text` is the schema as it is sent, the rest that of the column."""

    text: str
    shape: Shape
    kind: Kind
    members: Mapping[str, Kind] | None
    nested: Nested | None
    check: Callable[[Any], None]
    also: Callable[[Any], None] = _accept_any
    """A second check, of a class; raises Rejected."""

    def read(self, answer: Answer) -> Any:
        """The value of an answer as the column holds it. Raises Rejected where it is not valid under the schema."""
        value = read_json(answer)
        self.check(value)
        self.also(value)
        return fit(value, self.shape)


def compile_schema(schema: Schema, also: Callable[[Any], None] = _accept_any) -> RecordType:
    """What a schema, as it stands in a spec, makes. Raises ValueError with a sentence for the user."""
    plain = plain_schema(schema)
    shape = find_shape(plain)
    return RecordType(
        write_schema(bound_schema(plain)), shape, *find_column(find_nested(shape)), compile_check(plain), also
    )
