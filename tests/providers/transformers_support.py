"""A provider opened on a folder, and its answers in the order of the requests."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

import pytest

from workbench.providers.provider import CallError
from workbench.providers.requests import Answer, Request
from workbench.providers.transformers import TransformersConfig, TransformersProvider, open_provider


def open_model(model: Path | str, **fields: Any) -> TransformersProvider:
    """On the CPU in float32, where texts do not depend on the rows beside them."""
    settings = {"device": "cpu", "dtype": "float32", "max_tokens": 24, **fields}
    return open_provider(
        TransformersConfig.model_validate({"provider": "transformers", "model": str(model), **settings})
    )


def ask(provider: TransformersProvider, requests: Sequence[Request]) -> list[Answer | CallError]:
    answers = dict(provider.answer(requests, lambda: False))
    return [answers[position] for position in range(len(requests))]


def ask_well(provider: TransformersProvider, *requests: Request) -> list[Answer]:
    answers = ask(provider, requests)
    for answer in answers:
        assert isinstance(answer, Answer), answer
    return [answer for answer in answers if isinstance(answer, Answer)]


def write(provider: TransformersProvider, *requests: Request) -> list[str]:
    return [answer.text for answer in ask_well(provider, *requests)]


def need_package(name: str) -> None:
    """Skip the test where a package that carries weights is not installed."""
    try:
        distribution(name)
    except PackageNotFoundError:
        pytest.skip(f"the package {name}, which carries the model, is not installed")
