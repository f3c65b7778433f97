"""`agreement`: how well a picture of the row shows what a text of the row says, from 0 to 1.

{name: fits, type: agreement, image: picture, text: "{{ caption }}", model: clip}

With it a rule such as `fits >= 0.3` keeps only the pairs of caption and picture that belong together.
"""

from __future__ import annotations

import math
from typing import Annotated, Literal

from pydantic import Field, field_validator

from workbench.calls.failures import Rejected
from workbench.columns.answered import Question, make_answered
from workbench.columns.column_type import Maker, Row, TableContext, register
from workbench.columns.generated import ColumnModel, NullSkippedConfig, compile_texts, find_template_names
from workbench.columns.media import read_media
from workbench.columns.streams import Draws
from workbench.providers.requests import AgreementRequest, Answer
from workbench.spec.model import Name


class AgreementConfig(NullSkippedConfig):
    """How well a picture shows what a text says, from 0 to 1, judged by a model."""

    type: Literal["agreement"]
    image: Name = Field(description="The column of the picture")
    text: Annotated[str, Field(min_length=1)] = Field(
        description="What it should show, in Jinja over columns of the row"
    )

    @field_validator("text")
    @classmethod
    def validate_template(cls, template: str) -> str:
        find_template_names(template)
        return template

    def templates(self) -> tuple[str, ...]:
        return (self.text,)

    def references(self) -> frozenset[str]:
        return super().references() | {self.image}


def make(config: AgreementConfig, context: TableContext) -> Maker:
    """One number a row, null where there is no picture. Raises ValueError where its column is none of pictures."""
    pictures = context.makers.get(config.image)
    if pictures is not None and pictures.files is None:
        raise ValueError(f"“{config.image}” holds no pictures; name a column of the type image")
    model = ColumnModel(config, context, "agreement")
    texts = compile_texts(config, config.text, context)

    def ask(draws: Draws, inputs: Row) -> list[Question | None]:
        images = read_media(context.session, inputs[config.image].to_list())
        return [
            None if image is None else (AgreementRequest(image, text), read_score)
            for image, text in zip(images, texts(draws, inputs), strict=True)
        ]

    maker = make_answered(config, context, model, ask, "double")
    return Maker(maker.kind, maker.values, (0.0, 1.0), find_lost=maker.find_lost, costly=maker.costly)


def read_score(answer: Answer) -> float:
    """The score of an answer, at most 1 and at least 0. Raises Rejected where there is none."""
    if answer.score is None or not math.isfinite(answer.score):
        raise Rejected("empty answer", "there is no score")
    return min(max(answer.score, 0.0), 1.0)


register(
    AgreementConfig,
    make,
    group="generated",
    example='{name: fits, type: agreement, image: picture, text: "a red circle"}',
)
