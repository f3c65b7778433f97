"""Answers are durable once their future is done, found by key, and a damaged or newer file is explained."""

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.calls.keys import hash_identity, hash_request, renew_request
from workbench.calls.store import ResponseStore, StoredAnswer
from workbench.errors import WorkbenchError
from workbench.providers.requests import Answer, EmbeddingRequest, ImageRequest, TextRequest, Turn, Usage

ANSWERS = [
    Answer("a text", usage=Usage(12, 3), notes={"served": "x"}),
    Answer(data=b"\x89PNG\x00", finish="filter", usage=Usage(images=1)),
    Answer(vector=(0.5, -0.25, 1.0)),
    Answer(score=0.75),
    Answer("", finish="length"),
]


def keep(key: str, answer: Answer, run: str = "r", cost: float | None = 0.5) -> StoredAnswer:
    return StoredAnswer(key, run, "writer", answer, cost)


def test_every_kind_of_answer_comes_back_as_it_was(store: ResponseStore) -> None:
    store.put_all(keep(str(place), answer) for place, answer in enumerate(ANSWERS))
    found = store.find([str(place) for place in range(len(ANSWERS))])
    assert [found[str(place)].answer for place in range(len(ANSWERS))] == ANSWERS


def test_thousands_of_answers_are_found_and_unknown_keys_are_not(store: ResponseStore) -> None:
    store.put_all(keep(f"k{number}", Answer(str(number))) for number in range(2_500))
    found = store.find([f"k{number}" for number in range(3_000)])
    assert len(found) == 2_500
    assert found["k2499"].answer.text == "2499"


def test_a_run_that_asks_afresh_sees_its_own_answers_alone(store: ResponseStore) -> None:
    store.put_all([keep("a", Answer("old"), "first"), keep("b", Answer("new"), "second")])
    assert set(store.find(["a", "b"], run="second")) == {"b"}


def test_costs_are_summed_by_run_and_unknown_ones_count_as_nothing(store: ResponseStore) -> None:
    store.put_all([keep("a", ANSWERS[0]), keep("b", ANSWERS[0], cost=None), keep("c", ANSWERS[0], "other", 9)])
    assert store.sum_cost("r") == 0.5


def test_an_answer_is_on_the_disk_when_its_future_is_done_whatever_kills_the_process(tmp_path: Path) -> None:
    path = tmp_path / "responses.sqlite"
    code = (
        "import os, sys; from pathlib import Path; from workbench.calls.store import *; "
        "from workbench.providers.requests import Answer; store = ResponseStore(Path(sys.argv[1])); "
        "store.put(StoredAnswer('k', 'r', 'm', Answer('kept'), None)).result(); os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", code, str(path)], check=False, timeout=60)
    store = ResponseStore(path)
    assert store.find(["k"])["k"].answer.text == "kept"
    store.close()


def test_the_file_can_be_read_by_its_owner_alone(store: ResponseStore) -> None:
    assert store.path.stat().st_mode & 0o777 == 0o600


def test_a_damaged_file_and_one_of_a_newer_version_are_explained(tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.sqlite"
    damaged.write_bytes(b"no database at all, but long enough to be taken for one" * 20)
    with pytest.raises(WorkbenchError, match=r"is damaged.*Move it away"):
        ResponseStore(damaged)
    newer = tmp_path / "newer.sqlite"
    with sqlite3.connect(newer) as connection:
        connection.execute("PRAGMA user_version = 99")
    with pytest.raises(WorkbenchError, match="newer version"):
        ResponseStore(newer)


def test_a_key_changes_with_everything_that_decides_the_answer() -> None:
    model = hash_identity({"provider": "x", "model": "m"}, "1")
    base = TextRequest("p", 1)
    others = [
        TextRequest("q", 1),
        TextRequest("p", 2),
        TextRequest("p", 1, system_prompt="s"),
        TextRequest("p", 1, history=(Turn("user", "h"),)),
        TextRequest("p", 1, schema="{}"),
        TextRequest("p", 1, images=(b"1",)),
        ImageRequest("p", 1, 64, 64),
        EmbeddingRequest("p"),
    ]
    keys = {hash_request(model, request) for request in [base, *others]}
    keys.add(hash_request(hash_identity({"provider": "x", "model": "m"}, "2"), base))
    assert len(keys) == len(others) + 2


@given(st.integers(0, 2**64 - 1))
def test_each_try_has_a_seed_of_its_own_within_64_bits(seed: int) -> None:
    seeds = {renewed.seed for attempt in range(20) if (renewed := renew_request(TextRequest("p", seed), attempt))}
    assert len(seeds) == 20
    assert all(0 <= each < 2**64 for each in seeds)


def test_a_request_without_a_seed_has_one_try() -> None:
    assert renew_request(EmbeddingRequest("p"), 1) is None
