"""Topics: listed trees with shares, and trees that a model grows once, the same for any row alone and for nothing."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from workbench.calls.session import Session
from workbench.calls.store import ResponseStore
from workbench.columns.column_type import Maker, TableContext
from workbench.columns.streams import Draws
from workbench.columns.topic import TopicConfig, make, read_topics
from workbench.columns.values import Values
from workbench.errors import WorkbenchError
from workbench.providers.provider import LocalProvider, ProviderType
from workbench.providers.requests import Answer, Request, TextRequest

GROWN = "{name: topic, type: topic, grow: {root: customer support for a bank, depth: 2, breadth: 5}}"


def test_the_lowest_topics_of_a_list_are_drawn_evenly_or_by_their_shares(make: Callable[..., Values]) -> None:
    line = "{name: a, type: topic, topics: {cards: [lost, {fees: 2}], accounts: {closing: , opening: 0}}}"
    counts = Counter(make(line, 40_000).to_list())
    shares = {name: count / 40_000 for name, count in counts.items()}
    expected = {"cards > lost": 0.25, "cards > fees": 0.5, "accounts > closing": 0.25}
    assert shares == pytest.approx(expected, abs=0.02)
    assert set(make(line[:-1] + ", path: false}", 100).to_list()) == {"lost", "fees", "closing"}


def test_a_listed_topic_names_its_options(compile_line: Callable[..., Maker]) -> None:
    maker = compile_line("{name: a, type: topic, topics: [a, {b: [c, d]}]}")
    assert maker.options == ("a", "b > c", "b > d")
    assert maker.shares is not None
    assert sum(maker.shares) == pytest.approx(1)
    same = compile_line("{name: a, type: topic, topics: {a: [x], b: [x]}, path: false}")
    assert (same.options, same.shares) == (("x",), None)


WRONG: dict[str, tuple[Any, str]] = {
    "empty": ([], "there are no topics"),
    "empty below": ({"a": []}, "there are no topics under “a”"),
    "twice": (["Cards", "cards"], "“cards” stands twice"),
    "no text": ([3], "is no text: 3"),
    "bad share": ({"a": "b"}, "neither topics nor a share"),
    "no share": ({"a": 0}, "must sum to more than 0"),
}


@pytest.mark.parametrize("name", WRONG)
def test_trees_that_are_none_are_refused(name: str) -> None:
    tree, told = WRONG[name]
    with pytest.raises(ValueError, match=told):
        read_topics(tree)


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({}, "give either topics or grow"),
        ({"topics": ["a"], "grow": {"root": "b"}}, "give either topics or grow"),
        ({"topics": ["a"], "model": "writer"}, "need no model"),
        ({"grow": {"root": "a", "depth": 4, "breadth": 20}}, "take fewer"),
    ],
)
def test_configs_that_cannot_work_say_why(fields: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        TopicConfig.model_validate({"name": "a", "type": "topic", **fields})


def test_a_grown_tree_is_the_same_for_any_row_alone(make: Callable[..., Values]) -> None:
    whole = make(GROWN, 400).to_list()
    assert make(GROWN, (123, 130)).to_list() == whole[123:130]
    assert len({text.split(" > ")[0] for text in whole}) == 5
    assert 20 <= len(set(whole)) <= 25
    assert make(GROWN, 400, seed=2).to_list() != whole


class Writer(LocalProvider):
    """Answers each prompt by `answer(prompt, seed)`, and remembers what it was asked."""

    def __init__(self, answer: Callable[[str, int], list[str]]) -> None:
        self._answer = answer
        self.asked: list[str] = []

    def answer(self, requests: Sequence[Request], should_stop: Callable[[], bool]) -> Iterator[tuple[int, Answer]]:
        for position, request in enumerate(requests):
            assert isinstance(request, TextRequest)
            self.asked.append(request.prompt)
            yield position, Answer(json.dumps({"topics": self._answer(request.prompt, request.seed)}))


def grow(
    writer: Writer, monkeypatch: pytest.MonkeyPatch, session: Session, *, free: bool = True, retries: int = 4
) -> list[str | None]:
    """The topics of 60 rows of a tree with two levels of two topics."""
    monkeypatch.setattr(session.pool, "open", lambda provider, config: writer)
    grow_config = {"root": "cats", "depth": 2, "breadth": 2}
    config = TopicConfig.model_validate({"name": "t", "type": "topic", "grow": grow_config, "retries": retries})
    maker = make(config, TableContext(rows=60, session=session))
    return maker.values(Draws(1, "t", "topic", np.arange(60)), {}).to_list()


def test_a_topic_named_twice_is_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    tries = Counter[str]()

    def answer(prompt: str, seed: int) -> list[str]:
        tries[prompt] += 1
        return (
            ["Food", "food"] if tries[prompt] == 1 else ["food", "play"] if prompt.startswith("cats.") else ["xx", "yy"]
        )

    writer = Writer(answer)
    assert set(grow(writer, monkeypatch, Session())) == {"food > xx", "food > yy", "play > xx", "play > yy"}
    assert (len(writer.asked), set(tries.values())) == (6, {2})


def test_a_topic_without_parts_stays_undivided(monkeypatch: pytest.MonkeyPatch) -> None:
    session = Session()
    writer = Writer(lambda prompt, seed: ["same", "same"] if prompt.startswith("play") else [f"a {prompt[:4]}", "play"])
    # Below “a cats” the second name is one of its own, below “play” no answer can be used.
    topics = set(grow(writer, monkeypatch, session))
    assert topics == {"a cats > a a ca", "a cats > play", "play"}
    assert [failure.cause for failure in session.failed.values()] == ["the same topic twice"]


def test_a_root_without_topics_ends_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    writer = Writer(lambda prompt, seed: ["cats", "dogs"])
    with pytest.raises(WorkbenchError, match="gave no 2 different topics for “topic”"):
        grow(writer, monkeypatch, Session(), retries=1)
    assert len(writer.asked) == 2


def test_a_second_run_asks_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(ProviderType, "free", False, raising=False)
    writer = Writer(lambda prompt, seed: [f"a {prompt[:5]}", f"b {prompt[:5]}"])
    store = ResponseStore(tmp_path / "answers.db")
    first = grow(writer, monkeypatch, Session(live=True, store=store, run="one"))
    asked = len(writer.asked)
    assert grow(writer, monkeypatch, Session(live=True, store=store, run="two")) == first
    assert len(writer.asked) == asked == 3
    store.close()


def test_a_session_that_may_not_ask_shows_nulls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ProviderType, "free", False, raising=False)
    writer = Writer(lambda prompt, seed: ["a", "b"])
    assert grow(writer, monkeypatch, Session(pending="null")) == [None] * 60
    assert writer.asked == []
