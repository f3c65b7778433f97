"""`provider: transformers`: any model in this process, by the libraries torch and transformers.

This module is imported with every command and stays light: it finds the model and reads its config.json. What loads
and runs weights lies in the modules beside it, one for each kind of model, imported with the first request.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field, field_validator

from workbench.providers.provider import CallError, LocalProvider, ProviderConfig, Readiness, register
from workbench.providers.requests import (
    AgreementRequest,
    Answer,
    EmbeddingRequest,
    ImageRequest,
    Modality,
    Request,
    SpeechRequest,
    TextRequest,
)
from workbench.providers.transformers.kinds import ModelKind, find_kind

if TYPE_CHECKING:
    from workbench.models.finding import FoundModel
    from workbench.providers.transformers.worker import Worker

_LIBRARIES = ("torch", "transformers")
_ASKED: dict[type[Request], Modality] = {
    TextRequest: "text",
    EmbeddingRequest: "embedding",
    SpeechRequest: "speech",
    AgreementRequest: "agreement",
    ImageRequest: "image",
}


class TransformersConfig(ProviderConfig):
    """A model in this process: text, code, vectors, speech, and how well a picture fits a text.

    `continuous_batching` hands texts to the scheduler that transformers has for GPUs, with paged memory. `auto` takes
    it on a CUDA device with a flash attention library (without one it computes masks over all memory and is slow),
    where no request has a schema and neither `stop` nor `repetition_penalty` is set, which it cannot honour; `true`
    takes it on any device. Rows keep their seeds there too. Otherwise this provider's own batches are used, which also
    fill the place of an answer that has ended with the next row.
    """

    ASIDE: ClassVar[frozenset[str]] = ProviderConfig.ASIDE | {
        "batch_size",
        "device",
        "attention",
        "continuous_batching",
    }

    model: str | None = Field(
        None, validate_default=True, description="A folder, a .gguf file, a hub id in the cache, or a packaged model"
    )
    max_tokens: Annotated[int, Field(ge=1, le=1_000_000)] = Field(512, description="Most tokens of one answer")
    temperature: Annotated[float, Field(ge=0, le=10)] = Field(0.8, description="0 takes the likeliest token always")
    top_p: Annotated[float, Field(gt=0, le=1)] = Field(1.0, description="Share of probability that is drawn from")
    top_k: Annotated[int, Field(ge=1)] | None = Field(None, description="How many likeliest tokens are drawn from")
    min_p: Annotated[float, Field(gt=0, le=1)] | None = Field(
        None, description="Least probability of a token, as a share of the likeliest token's"
    )
    repetition_penalty: Annotated[float, Field(gt=0, le=10)] | None = Field(
        None, description="Above 1: tokens of the prompt and of the answer so far get less likely"
    )
    stop: tuple[Annotated[str, Field(min_length=1, max_length=200)], ...] = Field(
        (), max_length=16, description="Texts that end an answer, and are not part of it"
    )
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = Field(
        "auto",
        description="Precision; auto is 16 bits on GPUs that compute in them, else float32. "
        "In float32 a text stays the same in any batch; in 16 bits rounding lets it differ",
    )
    device: Annotated[str, Field(pattern=r"^(auto|cpu|mps|cuda(:\d+)?)$")] = Field(
        "auto", description="auto, cpu, mps, cuda or cuda:N; auto takes the GPU with the most free memory"
    )
    attention: Literal["eager", "sdpa", "flex_attention", "flash_attention_2", "flash_attention_3"] | None = Field(
        None, description="How attention is computed; transformers chooses if left out"
    )
    batch_size: Annotated[int, Field(ge=1, le=65_536)] | None = Field(
        None, description="Most requests at once; chosen by device and free memory if left out"
    )
    continuous_batching: bool | Literal["auto"] = Field("auto", description="Use the scheduler of transformers")
    trust_remote_code: bool = Field(False, description="Run code that comes with the model. Off unless you trust it")

    @field_validator("model")
    @classmethod
    def validate_model(cls, model: str | None) -> str | None:
        if not model:
            raise ValueError("it needs a “model”: a folder, a .gguf file, or a name that `workbench models list` shows")
        return model


class TransformersProvider(LocalProvider):
    """A model that was found. `makes` says which kinds of requests it can answer."""

    def __init__(self, config: TransformersConfig, found: FoundModel, kind: ModelKind) -> None:
        self.config = config
        self.makes = kind.makes
        self.voices = kind.voices
        self._found = found
        self._kind = kind
        self._worker: Worker | None = None

    def answer(
        self, requests: Sequence[Request], should_stop: Callable[[], bool]
    ) -> Iterator[tuple[int, Answer | CallError]]:
        for request in requests:
            self._check_kind(request)
        if requests and not should_stop():
            yield from self._open_worker().answer(requests, should_stop)

    def stream(
        self, request: TextRequest, on_text: Callable[[str], None], should_stop: Callable[[], bool]
    ) -> Answer | None:
        from workbench.providers.transformers.text import TextWriter

        self._check_kind(request)
        if should_stop():
            return None
        worker = self._open_worker()
        assert isinstance(worker, TextWriter)
        return worker.stream(request, on_text, should_stop)

    def find_revision(self) -> str:
        return self._found.revision

    def describe(self) -> Mapping[str, Any]:
        """`dtype`, `device` and `parameters` are there once the model is loaded."""
        facts: dict[str, Any] = {
            "architecture": self._kind.architecture,
            "origin": self._found.origin,
            "licence": self.config.licence or self._found.licence,
            "trust_remote_code": self.config.trust_remote_code,
            "versions": {name: text for name in (*_LIBRARIES, "llguidance") if (text := _find_version(name))},
        }
        return {**facts, **(self._worker.describe() if self._worker is not None else {})}

    def release(self) -> None:
        self._worker = None
        torch = sys.modules.get("torch")
        if torch is not None:
            import gc

            gc.collect()
            if torch.cuda.is_available():
                torch.cuda.empty_cache()

    def _check_kind(self, request: Request) -> None:
        asked = _ASKED[type(request)]
        if asked not in self._kind.makes:
            raise CallError(
                "fatal",
                f"The model {self._found.name} is {self._kind.title}, and was asked for {_WANTED[asked]}.",
                solution="Name another model for this column under “models”.",
            )

    def _open_worker(self) -> Worker:
        if self._worker is None:
            from workbench.providers.transformers.worker import open_worker

            self._worker = open_worker(self.config, self._found, self._kind)
        return self._worker


_WANTED: dict[Modality, str] = {
    "text": "a text",
    "code": "code",
    "embedding": "the vector of a text",
    "speech": "speech",
    "agreement": "how well a picture fits a text",
    "image": "a picture",
}


def open_provider(config: TransformersConfig) -> TransformersProvider:
    """Find the model. Raises ValueError where it is not here, or is of no kind that this provider runs."""
    from workbench.models.finding import find_model

    assert config.model is not None
    found = find_model(config.model, revision=config.revision)
    return TransformersProvider(config, found, find_kind(found.path, trusted=config.trust_remote_code))


def check_libraries() -> Readiness:
    """Whether torch and transformers are installed, found without importing them."""
    found = {name: _find_version(name) for name in _LIBRARIES}
    missing = [name for name, text in found.items() if not text]
    if missing:
        names = " and ".join(missing)
        return Readiness(False, f"Missing: {names}. `pip install {' '.join(missing)}` installs what it needs.")
    reason = ", ".join(f"{name} {text}" for name, text in found.items())
    schemas = _find_version("llguidance")
    return Readiness(True, f"{reason}, {f'llguidance {schemas}' if schemas else 'no llguidance, hence no schemas'}")


def _find_version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


register(
    "transformers",
    {"text", "code", "embedding", "speech", "agreement"},
    TransformersConfig,
    open_provider,
    check=check_libraries,
)
