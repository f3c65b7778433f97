"""What a provider is asked and what it answers: plain values, so that an answer can be stored under its request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Modality = Literal["text", "code", "image", "speech", "embedding", "agreement"]


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn of a conversation before the prompt."""

    role: Literal["user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True)
class TextRequest:
    """A text, or code in `language`, of `min_chars` to `max_chars` characters. `seed` has 64 bits.

    `history` stands between the system prompt and the prompt: few-shot examples, or the conversation so far. `schema`
    is a JSON Schema as JSON text: the answer must then be one JSON value that is valid under it. `images` are PNG or
    JPEG files that belong to the prompt, for models that can see.
    """

    prompt: str
    seed: int
    system_prompt: str = ""
    min_chars: int = 0
    max_chars: int = 2_000
    language: str | None = None
    history: tuple[Turn, ...] = ()
    schema: str | None = None
    images: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class ImageRequest:
    """A picture of `width` x `height` pixels, as a PNG file."""

    prompt: str
    seed: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class SpeechRequest:
    """A text read aloud, as a WAV file; without `voice` the seed chooses one."""

    text: str
    seed: int
    voice: str | None = None


@dataclass(frozen=True, slots=True)
class EmbeddingRequest:
    """The vector of a text."""

    text: str


@dataclass(frozen=True, slots=True)
class AgreementRequest:
    """How well a picture (PNG or JPEG) shows what a text says, from 0 to 1."""

    image: bytes
    text: str


Request = TextRequest | ImageRequest | SpeechRequest | EmbeddingRequest | AgreementRequest


@dataclass(frozen=True, slots=True)
class Usage:
    """What a call used up. `images` and `characters` (read aloud) are counted where they are what is paid for."""

    input_tokens: int = 0
    output_tokens: int = 0
    images: int = 0
    characters: int = 0


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back for one request, as the model gave it: callers clean and bound it.

    One of `text`, `data` (a file's content), `vector` and `score` is set, by the kind of request. `finish` is `length`
    where the text was cut by the limit of tokens and `filter` where a filter held it back or changed it. `notes` are
    short facts worth keeping, ready for JSON, such as the safety flag of a picture.
    """

    text: str = ""
    data: bytes = b""
    vector: tuple[float, ...] = ()
    score: float | None = None
    usage: Usage = Usage()
    finish: Literal["stop", "length", "filter"] = "stop"
    notes: Mapping[str, Any] = field(default_factory=dict)
