"""Sessions on a store in a temporary folder, and endpoints and models whose answers and faults a test writes down."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from workbench.calls.session import Model, Session
from workbench.calls.spending import find_price
from workbench.calls.store import ResponseStore
from workbench.providers.provider import (
    CallError,
    EndpointConfig,
    EndpointProvider,
    LocalProvider,
    PriceConfig,
    Provider,
    ProviderConfig,
    ProviderType,
)
from workbench.providers.requests import Answer, Request, TextRequest, Usage


class ScriptedEndpoint(EndpointProvider):
    """Answers `text(request)`, or raises what it raises. Counts the calls by prompt, and how many run at once."""

    def __init__(self, text: Callable[[TextRequest], str], seconds: float = 0.0) -> None:
        self.text, self.seconds = text, seconds
        self.prompts: list[str] = []
        self.now = self.most = 0

    async def answer(self, request: Request) -> Answer:
        assert isinstance(request, TextRequest)
        self.prompts.append(request.prompt)
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            await asyncio.sleep(self.seconds)
            return Answer(self.text(request), usage=Usage(input_tokens=100, output_tokens=10))
        finally:
            self.now -= 1


class ScriptedModel(LocalProvider):
    """The same in this process."""

    def __init__(self, text: Callable[[TextRequest], str]) -> None:
        self.text = text
        self.prompts: list[str] = []

    def answer(
        self, requests: Sequence[Request], should_stop: Callable[[], bool]
    ) -> Iterator[tuple[int, Answer | CallError]]:
        for position, request in enumerate(requests):
            if should_stop():
                return
            assert isinstance(request, TextRequest)
            self.prompts.append(request.prompt)
            try:
                answer: Answer | CallError = Answer(self.text(request), usage=Usage(input_tokens=100, output_tokens=10))
            except CallError as error:
                answer = error
            yield position, answer


def open_model(provider: Provider, price: PriceConfig | None = None, **fields: object) -> Model:
    """A model of the spec that `provider` runs."""
    local = isinstance(provider, LocalProvider)
    config_type: type[ProviderConfig] = ProviderConfig if local else EndpointConfig
    config = config_type.model_validate({"provider": "scripted", "model": "m", "price": price, **fields})
    kind = ProviderType("scripted", frozenset({"text"}), config_type, lambda given: provider, "Scripted.")
    return Model("writer", kind, config, provider, "", "identity", find_price(config))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ResponseStore]:
    opened = ResponseStore(tmp_path / "responses.sqlite")
    yield opened
    opened.close()


@pytest.fixture
def session(store: ResponseStore) -> Session:
    return Session(live=True, store=store, run="run-1")


def make_requests(count: int) -> list[TextRequest]:
    return [TextRequest(f"row {row}", seed=row) for row in range(count)]
