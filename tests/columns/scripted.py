"""A model whose answers a test writes itself: a function from request to text, in place of weights."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from workbench.calls.session import Model, Session
from workbench.columns.column_type import Maker, TableContext
from workbench.columns.registry import COLUMNS
from workbench.columns.streams import Draws
from workbench.columns.values import Values
from workbench.providers.offline import make_answer
from workbench.providers.provider import CallError, LocalProvider, ProviderConfig, ProviderType
from workbench.providers.requests import Answer, Modality, Request
from workbench.spec.model import ModelConfig
from workbench.spec.yaml_nodes import load_plain

Script = Callable[[Request], Answer]
SOURCE = pd.DataFrame({"title": [f"title {n}" for n in range(20)], "body": [f"body {n}" for n in range(20)]})


class ScriptedProvider(LocalProvider):
    """Answers as the script says, and remembers what it was asked."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.asked: list[Request] = []

    def answer(
        self, requests: Sequence[Request], should_stop: Callable[[], bool]
    ) -> Iterator[tuple[int, Answer | CallError]]:
        self.asked += requests
        yield from ((position, self.script(request)) for position, request in enumerate(requests))


@dataclass
class ScriptedSession(Session):
    """Every model of the spec is the scripted one."""

    provider: ScriptedProvider = field(default_factory=lambda: ScriptedProvider(make_answer))

    def open(self, models: Mapping[str, ModelConfig], name: str | None, modality: Modality) -> Model:
        config = ProviderConfig(provider="scripted")
        kind = ProviderType(
            "scripted", frozenset({modality}), ProviderConfig, lambda config: self.provider, "Scripted.", free=True
        )
        return Model("scripted", kind, config, self.provider, "", "scripted", None)


def make_scripted(
    line: str, script: Script = make_answer, inputs: Mapping[str, Maker] | None = None, source: pd.DataFrame = SOURCE
) -> tuple[Maker, ScriptedSession]:
    """The maker of a column's line and the session that it asks."""
    data = load_plain(line)
    column_type = COLUMNS.get(data["type"])
    assert column_type is not None
    session = ScriptedSession(live=True, provider=ScriptedProvider(script))
    context = TableContext(inputs or {}, session=session, read_source=lambda name: source)
    return column_type.make(column_type.config.model_validate(data), context), session


def make_rows(maker: Maker, start: int, stop: int, inputs: Mapping[str, Values] | None = None) -> Values:
    """The values of the rows [start, stop)."""
    return maker.values(Draws(1, "table", "column", np.arange(start, stop)), inputs or {})
