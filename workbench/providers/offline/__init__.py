"""`provider: offline`: no model at all. Seeded grammars write, draw and hum well enough for demos and tests.

It needs no download and no network, and what it makes is the same on every machine. It understands nothing: it finds
known words in the prompt and builds on them. Name a real model under `models:` for data worth training on.
"""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import field_validator

from workbench.providers.provider import (
    ImageRequest,
    ProviderConfig,
    SpeechRequest,
    TextAnswer,
    TextRequest,
    register,
)

LANGUAGES = ("python", "javascript", "sql")
VOICES = ("low", "middle", "high", "child")


class OfflineConfig(ProviderConfig):
    """No model: seeded grammars for demos and tests."""

    @field_validator("model")
    @classmethod
    def validate_no_model(cls, model: str | None) -> str | None:
        if model is not None:
            raise ValueError("it runs without a model; take “model” out, or name another provider")
        return model


class OfflineProvider:
    """Writes, draws and speaks from grammars. Each is imported with its first request."""

    languages = LANGUAGES
    voices = VOICES

    def write(self, requests: Sequence[TextRequest]) -> list[TextAnswer]:
        """A few sentences around the words of each prompt, or the solution of the exercise that it names."""
        from workbench.providers.offline.code import write_code
        from workbench.providers.offline.prose import write_prose

        return [TextAnswer(write_prose(request) if request.language is None else write_code(request))
                for request in requests]  # fmt: skip

    def draw(self, requests: Sequence[ImageRequest]) -> list[bytes]:
        """The shapes, or the road, that each prompt names."""
        from workbench.providers.offline.pictures import draw_picture

        return [draw_picture(request) for request in requests]

    def speak(self, requests: Sequence[SpeechRequest]) -> list[bytes]:
        """Speech-like sound as long as the text; nobody can understand it."""
        from workbench.providers.offline.voices import speak

        return [speak(request) for request in requests]


register("offline", {"text", "code", "image", "speech"}, OfflineConfig, lambda config: OfflineProvider())
