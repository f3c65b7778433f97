"""`llm_text`: a text that a model writes to a prompt around other columns of the row."""

from __future__ import annotations

from functools import partial
from typing import Literal

from workbench.columns.column_type import Maker, TableContext, register
from workbench.columns.generated import ColumnModel
from workbench.columns.writing import WrittenConfig, make_written, read_text


class LlmTextConfig(WrittenConfig):
    """A text written by a model."""

    type: Literal["llm_text"]


def make(config: LlmTextConfig, context: TableContext) -> Maker:
    """The answers of the column's model."""
    accept = partial(read_text, config)
    return make_written(
        config, context, ColumnModel(config, context, "text"), lambda draws, inputs: [accept] * len(draws)
    )


register(
    LlmTextConfig,
    make,
    group="generated",
    example='{name: note, type: llm_text, prompt: "Write a customer message about a late parcel.", max_chars: 300}',
)
