"""`provider: offline`: no model at all. Seeded grammars write, draw and hum well enough for demos and tests.

It needs no download and no network, and what it makes is the same on every machine. It understands nothing: it finds
known words in the prompt and builds on them. Name a real model under `models:` for data worth training on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from pydantic import field_validator

from workbench import __version__
from workbench.providers.provider import CallError, LocalProvider, ProviderConfig, register
from workbench.providers.requests import (
    AgreementRequest,
    Answer,
    EmbeddingRequest,
    ImageRequest,
    Request,
    SpeechRequest,
    TextRequest,
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


class OfflineProvider(LocalProvider):
    """Writes, draws and speaks from grammars. Each is imported with its first request."""

    languages = LANGUAGES
    voices = VOICES

    def describe(self) -> Mapping[str, Any]:
        revision = f"Synthetic Workbench {__version__}"
        return {"model": "seeded grammars, no trained model", "revision": revision, "licence": "Apache-2.0"}

    def answer(
        self, requests: Sequence[Request], should_stop: Callable[[], bool]
    ) -> Iterator[tuple[int, Answer | CallError]]:
        for position, request in enumerate(requests):
            yield position, make_answer(request)


def make_answer(request: Request) -> Answer:
    """A few sentences around the words of a prompt, the exercise that it names, the shapes or the road that it shows,
    or a speech-like sound as long as a text, which nobody can understand.
    """
    if isinstance(request, TextRequest):
        if request.schema is not None:
            from workbench.providers.offline.structures import write_structure

            return Answer(write_structure(request))
        if request.language is not None:
            from workbench.providers.offline.code import write_code

            return Answer(write_code(request))
        from workbench.providers.offline.prose import write_prose

        return Answer(write_prose(request))
    if isinstance(request, ImageRequest):
        from workbench.providers.offline.pictures import draw_picture

        return Answer(data=draw_picture(request))
    if isinstance(request, SpeechRequest):
        from workbench.providers.offline.voices import speak

        return Answer(data=speak(request))
    if isinstance(request, EmbeddingRequest):
        from workbench.providers.offline.vectors import embed_text

        return Answer(vector=embed_text(request.text))
    assert isinstance(request, AgreementRequest)
    from workbench.providers.offline.agreement import compare_picture

    return Answer(score=compare_picture(request.image, request.text))


register(
    "offline",
    {"text", "code", "image", "speech", "embedding", "agreement"},
    OfflineConfig,
    lambda config: OfflineProvider(),
    free=True,
)
