"""`topic`: what a row is about, from a tree of topics that is listed or that a model grows: seeds for prompts.

{name: topic, type: topic, topics: {cards: [lost card, card fees: 3], accounts: [closing an account]}}
{name: topic, type: topic, grow: {root: customer support for a bank, depth: 2, breadth: 6}, model: writer}

A model asked for the same thing row after row repeats itself; asked about a topic that the row draws, it cannot. A tree
is grown once per table, from the root down: each topic's parts are asked for by one request, whose seed comes from the
column and the topic's place in the tree, so every row alone sees the same tree and stored answers grow it again.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field, field_validator, model_validator

from workbench.calls.asking import ask
from workbench.calls.failures import Place, Rejected
from workbench.calls.session import Model, Session
from workbench.columns.column_type import Maker, Row, TableContext, register
from workbench.columns.records import RecordType, compile_schema
from workbench.columns.sampling import SamplerConfig, drop_missing
from workbench.columns.streams import Draws, derive_key
from workbench.columns.values import Values, fill_nulls, make_text_array
from workbench.errors import WorkbenchError
from workbench.providers.requests import Answer, TextRequest
from workbench.spec.base import Name, StrictModel

_MAX_LEAVES = 10_000
_MAX_DEPTH = 12
_MAX_CHARACTERS = 60
_BETWEEN = " > "
_ORDER = (
    "Divide what you are given into {} topics that do not overlap. Each is named by one to five words, no two the same."
)
_ANGLES = "Think of its kinds, occasions, steps, people, places, costs, causes, problems, mistakes and remedies."

Path = tuple[str, ...]
"""A topic with those above it, the topmost first."""


class GrowConfig(StrictModel):
    """How a model grows the tree."""

    root: Annotated[str, Field(min_length=1, max_length=500)] = Field(
        description="What all topics are parts of, for instance customer support for a bank; no part of the values"
    )
    depth: Annotated[int, Field(ge=1, le=4)] = Field(2, description="Levels of topics below the root")
    breadth: Annotated[int, Field(ge=2, le=20)] = Field(6, description="Topics below each one")

    @model_validator(mode="after")
    def validate_size(self) -> GrowConfig:
        if self.breadth**self.depth > _MAX_LEAVES:
            raise ValueError(
                f"{self.breadth} topics on each of {self.depth} levels are more than {_MAX_LEAVES:,}; take fewer"
            )
        return self


class TopicConfig(SamplerConfig):
    """A topic from a tree that is listed or that a model grows."""

    type: Literal["topic"]
    topics: list[Any] | dict[str, Any] | None = Field(
        None, description="The tree: topics under topics, lists or mappings; a number beside a lowest one is its share"
    )
    grow: GrowConfig | None = Field(None, description="Let a model grow the tree, in place of topics")
    model: Name | None = Field(
        None, description="Which of the spec's models grows it; the offline provider if left out"
    )
    retries: Annotated[int, Field(ge=0, le=100)] = Field(
        4, description="How often the parts of a topic are asked for again, with another seed, where two are the same"
    )
    path: bool = Field(True, description="The value has the topics above it too: cards > lost card")

    @field_validator("topics")
    @classmethod
    def validate_topics(cls, topics: list[Any] | dict[str, Any] | None) -> list[Any] | dict[str, Any] | None:
        if topics is not None:
            read_topics(topics)
        return topics

    @model_validator(mode="after")
    def validate_choice(self) -> TopicConfig:
        if (self.topics is None) == (self.grow is None):
            raise ValueError("give either topics or grow")
        if self.model is not None and self.grow is None:
            raise ValueError("listed topics need no model; take “model” out")
        return self


def make(config: TopicConfig, context: TableContext) -> Maker:
    """One of the lowest topics of the tree. Raises ValueError where the spec has no such model."""
    if config.grow is None:
        assert config.topics is not None
        leaves = read_topics(config.topics)
        total = math.fsum(leaves.values())
        shares = tuple(share / total for share in leaves.values())
        ends = np.cumsum(shares)[:-1]
        texts = [_name_value(path, config) for path in leaves]
        pool = make_text_array(texts)

        def choose(draws: Draws, inputs: Row) -> Values:
            return drop_missing(config, draws, pool[np.searchsorted(ends, draws.uniform(), side="right")])

        distinct = len(set(texts)) == len(texts)
        options = tuple(dict.fromkeys(texts))
        return Maker("string", choose, options=options, shares=shares if distinct else None)

    model = context.session.open(context.models, config.model, "text")
    grower = _Grower(
        config.grow, context.session, model, config.retries, _compile_answer(config.grow.breadth), context.rows
    )
    grown: dict[tuple[int, str, str], list[Path]] = {}

    def choose_grown(draws: Draws, inputs: Row) -> Values:
        key = (draws.seed, draws.table, draws.column)
        if key not in grown:
            found = grower.grow(draws)
            if found is None:
                return fill_nulls("string", len(draws))
            grown[key] = found
        pool = make_text_array([_name_value(path, config) for path in grown[key]])
        return drop_missing(config, draws, pool[(draws.uniform() * len(pool)).astype(np.int64)])

    return Maker("string", choose_grown, costly=not model.type.free)


def read_topics(tree: list[Any] | dict[str, Any]) -> dict[Path, float]:
    """The lowest topics of a listed tree with their shares, which are 1 where none is given.

    Raises ValueError with a sentence for the user.
    """
    leaves: dict[Path, float] = {}
    _read_level(tree, (), leaves)
    if not math.fsum(leaves.values()) > 0:
        raise ValueError("the shares must sum to more than 0")
    return {path: share for path, share in leaves.items() if share > 0}


def _read_level(tree: Any, above: Path, leaves: dict[Path, float]) -> None:
    where = f" under “{above[-1]}”" if above else ""
    if len(above) >= _MAX_DEPTH:
        raise ValueError(f"topics lie more than {_MAX_DEPTH} deep{where}")
    entries: list[tuple[Any, Any]] = []
    for item in tree.items() if isinstance(tree, dict) else tree:
        if isinstance(item, dict):
            entries += item.items()
        else:
            entries.append(item if isinstance(item, tuple) else (item, None))
    if not entries:
        raise ValueError(f"there are no topics{where}")
    seen = set()
    for name, below in entries:
        if not isinstance(name, str) or not name.strip():
            raise ValueError(f"a topic{where} is no text: {name}")
        if name.strip().casefold() in seen:
            raise ValueError(f"“{name}” stands twice{where}")
        seen.add(name.strip().casefold())
        path = (*above, name.strip())
        if isinstance(below, (list, dict)):
            _read_level(below, path, leaves)
            continue
        share = 1.0 if below is None else below
        if isinstance(share, bool) or not isinstance(share, (int, float)) or not 0 <= share <= 1e300:
            raise ValueError(f"what stands under “{name}” is neither topics nor a share of 0 or more")
        leaves[path] = float(share)


def _name_value(path: Path, config: TopicConfig) -> str:
    return _BETWEEN.join(path) if config.path else path[-1]


@dataclass(frozen=True, slots=True)
class _Grower:
    """Asks a model for the topics below a topic."""

    config: GrowConfig
    session: Session
    model: Model
    retries: int
    record: RecordType
    first_row: int
    """The row numbers of its requests begin here, after those of the table, so that they belong to no row of it."""

    def grow(self, draws: Draws) -> list[Path] | None:
        """The lowest topics, None while the model may not be asked. A topic without an answer stays undivided.

        Raises WorkbenchError where the root has none.
        """
        level: list[Path] = [()]
        leaves: list[Path] = []
        asked = 0
        for _ in range(self.config.depth):
            parts = self._ask(level, draws, self.first_row + asked)
            if parts is None:
                return None
            asked += len(level)
            leaves += [path for path, names in zip(level, parts, strict=True) if names is None]
            level = [
                (*path, name) for path, names in zip(level, parts, strict=True) if names is not None for name in names
            ]
        if leaves == [()]:
            raise WorkbenchError(
                f"The model “{self.model.name}” gave no {self.config.breadth} different topics for “{draws.column}”.",
                "Ask for fewer by breadth, raise retries, or name another model.",
            )
        return sorted([*leaves, *level])

    def _ask(self, paths: Sequence[Path], draws: Draws, first_row: int) -> list[list[str] | None] | None:
        """The topics below each of `paths`; None for one without an answer, and for all while one waits."""
        place = Place(draws.table, draws.column)
        rows = list(range(first_row, first_row + len(paths)))
        requests = [self._write_request(path, draws) for path in paths]
        accepts = [partial(self._read, path) for path in paths]
        found = ask(self.session, self.model, place, rows, requests, accepts, self.retries)
        lost = self.session.find_lost(place)
        if any(names is None and row not in lost for row, names in zip(rows, found, strict=True)):
            return None
        return found

    def _write_request(self, path: Path, draws: Draws) -> TextRequest:
        count = self.config.breadth
        above = [self.config.root, *path]
        prompt = f"{above[-1]}{f', a part of {_BETWEEN.join(above[:-1])}' if path else ''}. {_ANGLES}"
        key = derive_key(draws.seed, draws.table, draws.column, "topics", *path)
        longest = 40 + count * (_MAX_CHARACTERS + 4)
        return TextRequest(prompt, int(key[0]), _ORDER.format(count), max_chars=longest, schema=self.record.text)

    def _read(self, path: Path, answer: Answer) -> list[str]:
        """The topics below `path`. Raises Rejected where two are the same, or one is that of `path`."""
        names = [" ".join(name.replace(">", " ").split()) for name in self.record.read(answer)["topics"]]
        known = {name.casefold() for name in names}
        if "" in known or len(known) < len(names) or known & {name.casefold() for name in (self.config.root, *path)}:
            raise Rejected("the same topic twice", ", ".join(names))
        return names


def _compile_answer(breadth: int) -> RecordType:
    """An object, since not every model can be held to a bare list."""
    item = {"type": "string", "minLength": 2, "maxLength": _MAX_CHARACTERS}
    topics = {"type": "array", "items": item, "minItems": breadth, "maxItems": breadth}
    return compile_schema({"type": "object", "properties": {"topics": topics}, "required": ["topics"]})


register(
    TopicConfig,
    make,
    group="generated",
    example="{name: topic, type: topic, topics: {cards: [lost card, card fees], accounts: [closing an account]}}",
)
