"""`audio`: a text that a model reads aloud. The column holds the path of a WAV in the dataset's folder."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator

from workbench.columns.column_type import Maker, Row, TableContext, register
from workbench.columns.generated import ColumnModel, compile_texts, find_template_names
from workbench.columns.media import MediaConfig, make_media
from workbench.columns.streams import Draws
from workbench.errors import WorkbenchError
from workbench.files import clean_text
from workbench.providers.requests import SpeechRequest
from workbench.spec.problems import suggest

LONGEST_TEXT = 2_000
"""Characters that one row may speak: some two minutes."""


class AudioConfig(MediaConfig):
    """A text read aloud by a model: a WAV file."""

    type: Literal["audio"]
    text: Annotated[str, Field(min_length=1)] = Field(
        description="What is said, in Jinja over columns of the row; an empty text makes no sound"
    )
    voice: str | None = Field(
        None, description="Name of a voice, in Jinja over columns of the row; chosen for each row if left out"
    )

    @field_validator("text", "voice")
    @classmethod
    def validate_template(cls, template: str | None) -> str | None:
        if template is not None:
            find_template_names(template)
        return template

    def templates(self) -> tuple[str, ...]:
        return (self.text,) if self.voice is None else (self.text, self.voice)


def make(config: AudioConfig, context: TableContext) -> Maker:
    """The speech of the column's model. Raises ValueError for a voice that the model does not have."""
    model = ColumnModel(config, context, "speech")
    texts = compile_texts(config, config.text, context)
    voices = compile_texts(config, config.voice or "", context)
    if config.voice and not find_template_names(config.voice):
        reason = explain_voice(config.voice, model.voices)
        if reason:
            raise ValueError(" ".join(reason).rstrip("."))

    def read(draws: Draws, inputs: Row) -> list[SpeechRequest | None]:
        rows = zip(texts(draws, inputs), voices(draws, inputs), draws.bits().tolist(), strict=True)
        requests: list[SpeechRequest | None] = []
        for place, (text, voice, seed) in enumerate(rows):
            if len(text) > LONGEST_TEXT:
                raise WorkbenchError(
                    f"The text of “{config.name}” in row {draws.rows[place]} has {len(text):,} characters; "
                    f"{LONGEST_TEXT:,} can be spoken at once.",
                    "Shorten the text, or the columns it repeats.",
                )
            reason = explain_voice(voice, model.voices) if voice else None
            if reason:
                cause = f"“{config.name}” cannot be spoken in row {draws.rows[place]}: {reason[0]}"
                raise WorkbenchError(cause, reason[1] or "Name a voice that it has.")
            requests.append(SpeechRequest(text, seed, voice or None) if text.strip() else None)
        return requests

    return make_media(config, context, model, "wav", read)


def explain_voice(voice: str, voices: tuple[str, ...]) -> tuple[str, str] | None:
    """Why there is no such voice among `voices`, and the nearest one; None if there may be."""
    if not voices or voice in voices:
        return None
    return f"its model has no voice “{clean_text(voice)}”.", suggest(voice, voices)


register(
    AudioConfig,
    make,
    group="generated",
    example='{name: sound, type: audio, text: "Please turn on the light.", voice: middle}',
)
