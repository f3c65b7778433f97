"""What a provider is: a name in `models:` of a spec, its own fields, what it can make, and how it is asked.

There are two kinds. A `LocalProvider` holds a model in this process and takes requests in batches; an
`EndpointProvider` asks a server, one request at a time and many at once. Neither retries, stores, counts or waits for
its turn: `workbench.calls` does that for all alike. Each request carries the seed of its row, so that an answer depends
on the request alone, never on its company.

A built-in provider is a module or package beside this one that calls `register`; other packages give a `ProviderType`
by an entry point of the group `workbench.providers`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Literal

from pydantic import ConfigDict, Field

from workbench.providers.requests import Answer, Modality, Request, TextRequest
from workbench.spec.base import StrictModel
from workbench.spec.model import ModelConfig
from workbench.spec.registry import Registry

FaultKind = Literal["busy", "server", "connection", "timeout", "request", "refused", "fatal"]


class CallError(Exception):
    """Why a request got no answer. `message` is a sentence from the outside: callers clean and redact it.

    `busy`: asked to slow down (HTTP 429 or 503 with Retry-After), `retry_after` in seconds where that was said.
    `server`, `connection`, `timeout`: may go well if asked again. `request`: this request can never go well (too long,
    malformed). `refused`: the model or its filter would not. `fatal`: no request of this model can go well (no such
    model, a wrong key, no money left); `solution` then says what to do.
    """

    def __init__(self, kind: FaultKind, message: str, *, retry_after: float | None = None, solution: str = "") -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.retry_after = retry_after
        self.solution = solution


class Provider(ABC):  # noqa: B024 (its two kinds say how it is asked)
    """An opened model of the spec. Weights are loaded and connections made with the first request."""

    languages: tuple[str, ...] = ()
    """The programming languages it writes, empty where any may be tried."""
    voices: tuple[str, ...] = ()
    """The voices it has, empty where any may be tried."""
    makes: frozenset[Modality] | None = None
    """What this very model makes, where that is less than its provider does."""

    def find_revision(self) -> str:
        """Which version of the model answers, found without loading it; the empty text where that cannot be known.

        It is part of the key of a stored answer, so that new weights under an old name are asked anew.
        """
        return ""

    def describe(self) -> Mapping[str, Any]:
        """What the manifest keeps of the model beside its name and revision, such as licence, dtype and device."""
        return {}


class LocalProvider(Provider):
    """A model in this process."""

    @abstractmethod
    def answer(
        self, requests: Sequence[Request], should_stop: Callable[[], bool]
    ) -> Iterator[tuple[int, Answer | CallError]]:
        """The position of each request with its answer, as it gets ready, in any order.

        Leaves off as soon as `should_stop` says so. Raises CallError of the kind `fatal` where the model cannot be
        used at all.
        """

    def stream(
        self, request: TextRequest, on_text: Callable[[str], None], should_stop: Callable[[], bool]
    ) -> Answer | None:
        """The answer of one request, whose text so far is told to `on_text` as it grows; None if it was stopped."""
        for _, answer in self.answer([request], should_stop):
            if isinstance(answer, CallError):
                raise answer
            on_text(answer.text)
            return answer
        return None

    def release(self) -> None:
        """Let go of weights and memory; the next request loads them again."""


class SerialProvider(LocalProvider):
    """A model in this process that takes one request after the other."""

    @abstractmethod
    def answer_one(self, request: Request, should_stop: Callable[[], bool]) -> Answer | None:
        """The answer, None where it was stopped. Raises CallError."""

    def answer(
        self, requests: Sequence[Request], should_stop: Callable[[], bool]
    ) -> Iterator[tuple[int, Answer | CallError]]:
        for position, request in enumerate(requests):
            if should_stop():
                return
            try:
                answer = self.answer_one(request, should_stop)
            except CallError as error:
                if error.kind == "fatal":
                    raise
                yield position, error
                continue
            if answer is None:
                return
            yield position, answer


class EndpointProvider(Provider):
    """A model behind a connection. All calls come from one event loop."""

    @abstractmethod
    async def answer(self, request: Request) -> Answer:
        """The answer. Raises CallError; does not retry."""

    async def stream(self, request: TextRequest, on_text: Callable[[str], None]) -> Answer:
        """The same, and the text so far is told to `on_text` as it grows."""
        answer = await self.answer(request)
        on_text(answer.text)
        return answer

    async def close(self) -> None:
        """Close connections."""


class PriceConfig(StrictModel):
    """What a call costs, in US dollars."""

    input_per_mtok: Annotated[float, Field(ge=0)] = Field(0, description="A million tokens of the prompt")
    output_per_mtok: Annotated[float, Field(ge=0)] = Field(0, description="A million tokens of the answer")
    per_image: Annotated[float, Field(ge=0)] = Field(0, description="A picture")
    per_mchar: Annotated[float, Field(ge=0)] = Field(0, description="A million characters read aloud")
    per_call: Annotated[float, Field(ge=0)] = Field(0, description="A call, whatever it makes")


class ProviderConfig(ModelConfig):
    """The base of a provider's own fields: what it does not know is refused.

    `ASIDE` names the fields that change no answer (how fast, where, at what price): they are left out of the dataset's
    fingerprint and of the key of a stored answer. A subclass that adds such a field adds it to its own `ASIDE`.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", frozen=True, strict=False, allow_inf_nan=False)
    ASIDE: ClassVar[frozenset[str]] = frozenset({"price", "licence"})

    licence: str | None = Field(None, description="Licence of the model, kept in the manifest")
    revision: str | None = Field(None, description="Version of the model: a commit, a tag or a date")
    price: PriceConfig | None = Field(None, description="What calls cost; else looked up in the dated price file")

    def identify(self) -> dict[str, Any]:
        """The fields that decide answers, ready for JSON; those at their default are left out."""
        return self.model_dump(mode="json", exclude_defaults=True, exclude=set(self.ASIDE)) | {
            "provider": self.provider
        }


class EndpointConfig(ProviderConfig):
    """The base of the fields of an EndpointProvider: how it is called."""

    ASIDE: ClassVar[frozenset[str]] = ProviderConfig.ASIDE | {"timeout", "max_parallel_requests", "api_key_env"}

    timeout: Annotated[float, Field(gt=0, le=86_400)] = Field(300, description="Seconds that one call may take")
    max_parallel_requests: Annotated[int, Field(ge=1, le=4096)] = Field(
        128, description="Most calls at once; how many really are depends on how the server keeps up"
    )


@dataclass(frozen=True, slots=True)
class Readiness:
    """Whether a provider can be used on this machine; `reason` says what was found, or what is missing."""

    usable: bool
    reason: str = ""


def _is_ready() -> Readiness:
    return Readiness(True)


@dataclass(frozen=True, slots=True)
class ProviderType:
    """`open(config)` gives a LocalProvider or an EndpointProvider.

    It raises ValueError with a sentence for the user where the config cannot work, and loads nothing large: it runs at
    each check. `free`: it has no model, so that its answers are made again instead of stored, at any time and in any
    process. `check()` tells `workbench doctor` whether it can be used here; it imports nothing heavy either.
    """

    name: str
    makes: frozenset[Modality]
    config: type[ProviderConfig]
    open: Callable[[Any], Provider]
    summary: str
    free: bool = False
    check: Callable[[], Readiness] = field(default=_is_ready)


PROVIDERS: Registry[ProviderType] = Registry("workbench.providers")


def register(
    name: str,
    makes: set[Modality],
    config: type[ProviderConfig],
    open_provider: Callable[[Any], Provider],
    *,
    free: bool = False,
    check: Callable[[], Readiness] = _is_ready,
) -> ProviderType:
    """Add a provider; its summary is the first line of its config's doc."""
    summary = (config.__doc__ or "").strip().splitlines()[0]
    return PROVIDERS.add(name, ProviderType(name, frozenset(makes), config, open_provider, summary, free, check))
