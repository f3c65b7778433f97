"""`llm_code`: a program that a model writes to a prompt around other columns of the row. Nothing here runs it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from workbench.columns.column_type import Maker, TableContext, register
from workbench.columns.writing import WrittenConfig, make_written
from workbench.providers.opening import open_writer
from workbench.spec.problems import suggest


class LlmCodeConfig(WrittenConfig):
    """A program written by a model."""

    type: Literal["llm_code"]
    language: Annotated[str, Field(pattern=r"^[a-z][a-z0-9+#_-]{0,30}$")] = Field(
        "python", description="Programming language, for instance python, sql or javascript"
    )


def make(config: LlmCodeConfig, context: TableContext) -> Maker:
    """The answers of the column's model. Raises ValueError for a language that its provider does not know."""
    writer = open_writer(context.models, config.model, "code")
    if writer.languages and config.language not in writer.languages:
        hint = suggest(config.language, writer.languages).rstrip(".")
        raise ValueError(f"its model writes no “{config.language}”. {hint}")
    return make_written(config, context, writer, config.language)


register(
    LlmCodeConfig,
    make,
    group="generated",
    example='{name: code, type: llm_code, language: python, prompt: "Solve this exercise: reverse a string."}',
)
