"""`embedding`: the vector of a text by a model, for search and for measures of likeness."""

from __future__ import annotations

import math
from typing import Literal

from pydantic import Field, field_validator, model_validator

from workbench.calls.failures import Rejected
from workbench.columns.answered import Question, make_answered
from workbench.columns.column_type import Maker, Row, TableContext, register
from workbench.columns.generated import ColumnModel, NullSkippedConfig, compile_texts, find_template_names
from workbench.columns.streams import Draws
from workbench.providers.requests import Answer, EmbeddingRequest
from workbench.spec.model import Name


class EmbeddingConfig(NullSkippedConfig):
    """The vector of a text, a list of numbers, by an embedding model."""

    type: Literal["embedding"]
    target: Name | None = Field(None, description="The column whose text it is")
    text: str | None = Field(None, description="The text, in Jinja over columns of the row, in place of a target")

    @field_validator("text")
    @classmethod
    def validate_template(cls, template: str | None) -> str | None:
        if template is not None:
            find_template_names(template)
        return template

    @model_validator(mode="after")
    def validate_one_text(self) -> EmbeddingConfig:
        if (self.target is None) == (self.text is None):
            raise ValueError("give either target or text")
        return self

    def templates(self) -> tuple[str, ...]:
        return (self.template,)

    @property
    def template(self) -> str:
        """The text as a template."""
        return self.text if self.text is not None else f"{{{{ {self.target} }}}}"


def make(config: EmbeddingConfig, context: TableContext) -> Maker:
    """One vector a row, null for an empty text."""
    model = ColumnModel(config, context, "embedding")
    texts = compile_texts(config, config.template, context)

    def ask(draws: Draws, inputs: Row) -> list[Question | None]:
        return [(EmbeddingRequest(text), read_vector) if text.strip() else None for text in texts(draws, inputs)]

    return make_answered(config, context, model, ask, "vector")


def read_vector(answer: Answer) -> tuple[float, ...]:
    """The vector of an answer. Raises Rejected where there is none, or one of its numbers is not finite."""
    if not answer.vector:
        raise Rejected("empty answer", "there is no vector")
    if not all(map(math.isfinite, answer.vector)):
        raise Rejected("no vector of finite numbers")
    return answer.vector


register(EmbeddingConfig, make, group="generated", example="{name: meaning, type: embedding, target: merchant}")
