"""What a run, a preview or a check gives to the columns that ask models: whether they may, and what came of it.

A session belongs to one plan and one thread. Without `live` no model is asked but those that are free: stored answers
are shown, and other rows wait.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

from workbench.calls.failures import Failure, Place
from workbench.calls.keys import hash_identity
from workbench.calls.spending import Budget, Price, find_price
from workbench.calls.store import ResponseStore
from workbench.calls.trail import Trail
from workbench.calls.usage import ModelUsage
from workbench.errors import WorkbenchError
from workbench.providers.opening import MAKES, choose_config, read_config
from workbench.providers.provider import Provider, ProviderConfig, ProviderType
from workbench.providers.requests import Modality, Request
from workbench.spec.model import ModelConfig


class NotAsked(WorkbenchError):
    """A model would have to be asked where only what costs nothing may be done."""


@dataclass(slots=True, eq=False)
class Model:
    """A model of the spec, opened. `name` is its name there, or that of its provider where the spec names none.

    `key` stands for it in the keys of its answers; `price` is None where nobody says what it costs.
    """

    name: str
    type: ProviderType
    config: ProviderConfig
    provider: Provider
    revision: str
    key: str
    price: Price | None

    @property
    def identity(self) -> dict[str, Any]:
        """What decides its answers, ready for JSON."""
        return self.config.identify() | ({"found_revision": self.revision} if self.revision else {})


class ModelPool:
    """Opened models by their configuration, so that weights are loaded once for all columns, plans and previews."""

    def __init__(self) -> None:
        self._providers: dict[str, Provider] = {}

    def open(self, provider: ProviderType, config: ProviderConfig) -> Provider:
        """The provider's opened model. Raises ValueError where its config cannot work."""
        key = json.dumps([provider.name, config.model_dump(mode="json")], sort_keys=True, default=str)
        if key not in self._providers:
            self._providers[key] = provider.open(config)
        return self._providers[key]

    def providers(self) -> list[Provider]:
        """All that are open."""
        return list(self._providers.values())


def _list_made(makes: frozenset[Modality]) -> str:
    return " and ".join(name for modality, name in MAKES.items() if modality in makes)


def _never() -> bool:
    return False


def _say_nothing(*told: object) -> None:
    pass


def _leave(text: str) -> str:
    return text


@dataclass
class Session:
    """`run` names who asks, in the store; `fresh` believes only answers that this run asked for itself.

    `pending` says what a row gets whose model may not be asked: null, or an error. `on_progress` is called after
    answers, often; `on_text(place, row, text)` is told texts as they grow where it is given, and `on_request(model,
    place, rows, requests)` what a model is about to be asked, before stored answers are looked for.
    """

    live: bool = False
    pending: Literal["refuse", "null"] = "refuse"
    store: ResponseStore | None = None
    run: str = ""
    fresh: bool = False
    budget: Budget = field(default_factory=Budget)
    pool: ModelPool = field(default_factory=ModelPool)
    should_stop: Callable[[], bool] = _never
    drain_seconds: float = 20.0
    """How long calls under way are waited for once the session stops: their answers are paid for."""
    on_progress: Callable[[], None] = _say_nothing
    on_text: Callable[[Place, int, str], None] | None = None
    on_request: Callable[[Model, Place, Sequence[int], Sequence[Request]], None] | None = None
    redact: Callable[[str], str] = _leave
    fitted: Path | None = None
    """The folder of fitted synthesizers, where there is one."""
    models: dict[tuple[str, str], Model] = field(default_factory=dict)
    usage: dict[str, ModelUsage] = field(default_factory=dict)
    failed: dict[str, Failure] = field(default_factory=dict)
    """Failures by the key of the row's first request: a row that failed once does so for every column that reads it."""
    lost: dict[Place, set[int]] = field(default_factory=dict)
    waiting: set[Place] = field(default_factory=set)
    """Columns with rows whose model was not asked."""
    media: dict[str, tuple[Model, Place, int, Request]] = field(default_factory=dict)
    """What makes the file of each path of the block in the making."""
    trail: Trail | None = None
    """Where it is noted what the rows of the block in the making come from; None where nobody wants to know."""
    answered: int = 0
    in_flight: int = 0
    _new_failures: dict[str, Failure] = field(default_factory=dict)

    def open(self, models: Mapping[str, ModelConfig], name: str | None, modality: Modality) -> Model:
        """The spec's model `name`, the offline one for None. Raises ValueError with a sentence for the user."""
        config = choose_config(models, name)
        provider, own = read_config(config, modality, name)
        shown = name or provider.name
        opened = self.pool.open(provider, own)
        if opened.makes is not None and modality not in opened.makes:
            raise ValueError(f"the model “{shown}” makes no {MAKES[modality]}; it makes {_list_made(opened.makes)}")
        revision = own.revision or opened.find_revision()
        model = Model(shown, provider, own, opened, revision, hash_identity(own.identify(), revision), find_price(own))
        return self.models.setdefault((shown, model.key), model)

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Within it no model is asked, whatever the session may do otherwise: `NotAsked` is raised instead."""
        before = self.live, self.pending
        self.live, self.pending = False, "refuse"
        try:
            yield
        finally:
            self.live, self.pending = before

    @contextmanager
    def sketching(self, on_request: Callable[[Model, Place, Sequence[int], Sequence[Request]], None]) -> Iterator[None]:
        """Within it rows are made without asking, stored answers used and others null, and nothing of it is counted."""
        kept = {each.name: getattr(self, each.name) for each in fields(self)}
        self.live, self.pending = False, "null"
        self.on_request, self.on_text, self.on_progress = on_request, None, _say_nothing
        self.usage, self.failed, self.lost, self.waiting, self.media, self._new_failures = {}, {}, {}, set(), {}, {}
        self.trail = None
        try:
            yield
        finally:
            for name, value in kept.items():
                setattr(self, name, value)

    @contextmanager
    def tracing(self) -> Iterator[Trail]:
        """Within it the trail of the rows that are made is noted."""
        before, self.trail = self.trail, Trail()
        try:
            yield self.trail
        finally:
            self.trail = before

    def find_usage(self, model: Model) -> ModelUsage:
        """Where the calls of a model are counted."""
        return self.usage.setdefault(model.name, ModelUsage())

    def note_failure(self, model: Model, failure: Failure) -> None:
        """A row has no answer."""
        if failure.key not in self.failed:
            self.failed[failure.key] = self._new_failures[failure.key] = failure
            self.find_usage(model).failed[failure.cause] += 1

    def take_failures(self) -> list[Failure]:
        """The failures since the last call, for the record of the block that is about to be committed."""
        taken = list(self._new_failures.values())
        self._new_failures.clear()
        return taken

    def find_lost(self, place: Place) -> set[int]:
        """The rows of a column that have no answer, of those asked for last."""
        return self.lost.setdefault(place, set())
