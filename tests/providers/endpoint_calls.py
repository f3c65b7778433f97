"""Calling an endpoint's provider from tests: one answer, one fault, many answers at once."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from workbench.providers.openai import OpenAIConfig, open_provider
from workbench.providers.provider import CallError, EndpointProvider
from workbench.providers.requests import Answer, Request


def open_openai(url: str | None, **fields: Any) -> EndpointProvider:
    """The provider `openai` for a server, with a short timeout."""
    return open_provider(OpenAIConfig(**{"provider": "openai", "model": "m", "base_url": url, "timeout": 5, **fields}))


def ask(provider: EndpointProvider, *requests: Request) -> list[Answer]:
    """The answers to requests that are all asked at once."""

    async def run(asked: Sequence[Request]) -> list[Answer]:
        try:
            return list(await asyncio.gather(*map(provider.answer, asked)))
        finally:
            await provider.close()

    return asyncio.run(run(requests))


def fail(provider: EndpointProvider, request: Request) -> CallError:
    """The fault of a request that gets no answer."""
    with pytest.raises(CallError) as caught:
        ask(provider, request)
    return caught.value
