"""`image`: a picture that a model draws to a prompt. The column holds the path of a PNG in the dataset's folder."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator

from workbench.columns.column_type import Maker, Row, TableContext, register
from workbench.columns.generated import ColumnModel, compile_texts, find_template_names
from workbench.columns.media import MediaConfig, make_media
from workbench.columns.streams import Draws
from workbench.providers.requests import ImageRequest

Pixels = Annotated[int, Field(ge=16, le=2048)]


class ImageConfig(MediaConfig):
    """A picture drawn by a model: a PNG file."""

    type: Literal["image"]
    prompt: Annotated[str, Field(min_length=1)] = Field(
        description="What it shows, in Jinja over columns of the row; an empty text makes no picture"
    )
    width: Pixels = Field(256, description="Pixels across")
    height: Pixels = Field(256, description="Pixels down")

    @field_validator("prompt")
    @classmethod
    def validate_template(cls, template: str) -> str:
        find_template_names(template)
        return template

    def templates(self) -> tuple[str, ...]:
        return (self.prompt,)


def make(config: ImageConfig, context: TableContext) -> Maker:
    """The pictures of the column's model."""
    model = ColumnModel(config, context, "image")
    prompts = compile_texts(config, config.prompt, context)

    def read(draws: Draws, inputs: Row) -> list[ImageRequest | None]:
        rows = zip(prompts(draws, inputs), draws.bits().tolist(), strict=True)
        return [
            ImageRequest(prompt, seed, config.width, config.height) if prompt.strip() else None for prompt, seed in rows
        ]

    return make_media(config, context, model, "png", read)


register(
    ImageConfig,
    make,
    group="generated",
    example='{name: picture, type: image, prompt: "two red circles on a blue background", width: 128, height: 128}',
)
