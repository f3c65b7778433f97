r"""`text_pattern`: a text that a pattern describes, such as a number plate or a serial number.

{name: plate, type: text_pattern, pattern: "[A-Z]{2}-\\d{4}"}
{name: serial, type: text_pattern, pattern: "(EU|US)[0-9A-F]{8}", unique: true}

The pattern is a regular expression of letters and signs, classes [a-z] and [^a-z], . \d \w \s \D \W \S, groups ( )
and (?: ), alternatives with |, and the repetitions ? * + {3} {2,5}. It describes whole texts, so ^ and $ at its ends
change nothing. All of it is ASCII unless the pattern says otherwise: . and [^…] take visible characters, \s is one
blank, * and + end at 8 times.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from workbench.columns.column_type import Maker, Row, TableContext, register
from workbench.columns.sampling import SamplerConfig, drop_missing
from workbench.columns.streams import Draws, derive_key, permute
from workbench.columns.text_pattern_language.drawing import count_numbered, draw_texts
from workbench.columns.text_pattern_language.parsing import MAX_LENGTH, parse_pattern
from workbench.columns.text_pattern_language.uniqueness import is_unambiguous
from workbench.columns.values import Values, make_text_array


class TextPatternConfig(SamplerConfig):
    """A text that a pattern describes, a regular expression."""

    type: Literal["text_pattern"]
    pattern: Annotated[str, Field(min_length=1, max_length=MAX_LENGTH)] = Field(
        description="A regular expression for the whole text, for instance [A-Z]{2}-[0-9]{4}"
    )
    unique: bool = Field(False, description="No two rows get the same text")

    @model_validator(mode="after")
    def validate_pattern(self) -> TextPatternConfig:
        node = parse_pattern(self.pattern)
        if self.unique and not is_unambiguous(node):
            raise ValueError(
                "the pattern cannot be proved to give different texts, as one text may arise in two ways; "
                "give its parts fixed lengths, or put a sign between them that they do not hold"
            )
        return self


def make(config: TextPatternConfig, context: TableContext) -> Maker:
    """Each choice drawn by itself; with `unique`, row i gets the text with the number at place i of a random order."""
    node = parse_pattern(config.pattern)
    size = count_numbered(node)
    if config.unique and size < context.rows:
        raise ValueError(
            f"the pattern gives {size:,} different texts, and the table has {context.rows:,} rows; make it longer"
        )

    def values(draws: Draws, inputs: Row) -> Values:
        numbers = None
        if config.unique:
            # Without the attempt: a row drawn again in another order would take the text of a row that keeps its own.
            key = derive_key(draws.seed, draws.table, draws.column, draws.branch, "unique")
            numbers = permute(draws.rows, size, key)
        return drop_missing(config, draws, make_text_array(draw_texts(node, draws, numbers)))

    return Maker("string", values, unique=config.unique and not config.missing)


register(
    TextPatternConfig, make, group="samplers", example="{name: plate, type: text_pattern, pattern: '[A-Z]{2}-[0-9]{4}'}"
)
