"""`llm_text`: a text that a model writes to a prompt around other columns of the row."""

from __future__ import annotations

from typing import Literal

from workbench.columns.column_type import Maker, TableContext, register
from workbench.columns.writing import WrittenConfig, make_written
from workbench.providers.opening import open_writer


class LlmTextConfig(WrittenConfig):
    """A text written by a model."""

    type: Literal["llm_text"]


def make(config: LlmTextConfig, context: TableContext) -> Maker:
    """The answers of the column's model."""
    return make_written(config, context, open_writer(context.models, config.model, "text"), None)


register(
    LlmTextConfig,
    make,
    group="generated",
    example='{name: note, type: llm_text, prompt: "Write a customer message about a late parcel.", max_chars: 300}',
)
