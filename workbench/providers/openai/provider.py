"""The provider itself: which endpoint of the server answers which kind of request."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from workbench.providers.forms import ask_in_forms
from workbench.providers.judging import make_question, read_score
from workbench.providers.openai.connection import Connection
from workbench.providers.openai.pictures import Painter
from workbench.providers.openai.sounds import Speaker
from workbench.providers.openai.structured import FORMS, Form, make_form
from workbench.providers.openai.texts import Writer, estimate_usage, read_usage
from workbench.providers.provider import CallError, EndpointProvider
from workbench.providers.requests import (
    AgreementRequest,
    Answer,
    EmbeddingRequest,
    ImageRequest,
    Request,
    SpeechRequest,
    TextRequest,
)

if TYPE_CHECKING:
    from workbench.providers.openai import OpenAIConfig


class OpenAIProvider(EndpointProvider):
    """A model of a server. A text under a schema may take up to three calls, until its server is known."""

    def __init__(self, config: OpenAIConfig) -> None:
        self._config = config
        self._connection = Connection(config)
        self._writer = Writer(config, self._connection)
        self._painter = Painter(config, self._connection)
        self._speaker = Speaker(config, self._connection)
        self.voices = config.voices or ()

    def find_revision(self) -> str:
        return self._config.revision or ""

    def describe(self) -> Mapping[str, Any]:
        return {"endpoint": self._connection.shown}

    async def answer(self, request: Request) -> Answer:
        if isinstance(request, TextRequest):
            return await self._write(request, None)
        if isinstance(request, ImageRequest):
            return await self._painter.paint(request)
        if isinstance(request, SpeechRequest):
            return await self._speaker.speak(request)
        if isinstance(request, EmbeddingRequest):
            return await self._embed(request)
        return await self._judge(request)

    async def stream(self, request: TextRequest, on_text: Callable[[str], None]) -> Answer:
        return await self._write(request, on_text)

    async def close(self) -> None:
        await self._connection.close()

    async def _write(self, request: TextRequest, on_text: Callable[[str], None] | None) -> Answer:
        schema = request.schema
        if schema is None:
            return await self._writer.write(request, {}, on_text=on_text)

        async def ask(form: Form) -> Answer:
            more, ending = make_form(form, schema, self._connection.is_openai)
            return await self._writer.write(request, more, ending, on_text)

        wanted = self._config.structured
        forms: Sequence[Form] = FORMS if wanted == "auto" else (wanted,)
        if self._config.api == "completion":  # that endpoint has no response format
            forms = ("prompt",)
        return await ask_in_forms(ask, forms, schema, (self._connection.address, self._config.model))

    async def _embed(self, request: EmbeddingRequest) -> Answer:
        body = {"model": self._config.model, "input": request.text, "encoding_format": "float"}
        answer = await self._connection.post("/embeddings", body | self._config.extra_body, {"encoding_format": None})
        data = answer.get("data")
        first = data[0] if isinstance(data, list) and data else None
        vector = first.get("embedding") if isinstance(first, dict) else None
        try:
            numbers = tuple(float(number) for number in vector or ())
        except (TypeError, ValueError):
            numbers = ()
        if not numbers or not all(map(math.isfinite, numbers)):
            raise CallError("server", "the server's answer holds no vector of numbers")
        usage = read_usage(answer)
        if usage is None:
            return Answer(
                vector=numbers, usage=estimate_usage({"prompt": request.text}, ""), notes={"usage": "estimated"}
            )
        return Answer(vector=numbers, usage=usage)

    async def _judge(self, request: AgreementRequest) -> Answer:
        """A model that sees is asked for a score: an opinion of that model, which `notes` name as its judge."""
        answer = await self._write(make_question(request), None)
        notes = {**answer.notes, "judge": answer.notes.get("served_model", self._config.model)}
        return Answer(score=read_score(answer.text), usage=answer.usage, notes=notes)
