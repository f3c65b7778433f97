"""Rows share a model as far as memory allows: it runs out, fewer go on; a scheduler may do the sharing instead."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from tiny_models import make_language_model, make_roomy_model
from transformers import LlamaConfig
from transformers_support import ask, ask_well, open_model, write

from workbench.providers.provider import CallError
from workbench.providers.requests import TextRequest
from workbench.providers.transformers.memory import BatchLimit, guess_batch_size, work_in_batches

REQUESTS = [TextRequest("x" * (5 * seed % 17 + 1), seed, max_chars=3 if seed % 3 else 2000) for seed in range(16)]


def test_when_memory_runs_out_half_as_many_rows_go_on_and_write_the_same(tmp_path: Path) -> None:
    roomy = make_roomy_model(tmp_path / "roomy", most_rows=3)
    provider = open_model(roomy, trust_remote_code=True, batch_size=16)
    assert write(provider, *REQUESTS) == write(open_model(make_language_model(tmp_path / "plain")), *REQUESTS)


def test_the_smaller_number_of_rows_is_remembered(tmp_path: Path) -> None:
    roomy = make_roomy_model(tmp_path / "roomy", most_rows=3)
    provider = open_model(roomy, trust_remote_code=True, batch_size=16)
    write(provider, *REQUESTS)
    assert provider._worker._limit.size == 2  # type: ignore[union-attr]


def test_only_a_request_that_does_not_fit_alone_fails(tmp_path: Path) -> None:
    roomy = make_roomy_model(tmp_path / "roomy", most_rows=99, most_tokens=60)
    answers = ask(open_model(roomy, trust_remote_code=True), [TextRequest("x" * 50, 1), *REQUESTS[:6]])
    assert isinstance(answers[0], CallError)
    assert answers[0].kind == "request"
    assert "does not fit into memory" in answers[0].message
    assert not any(isinstance(answer, CallError) for answer in answers[1:])


def test_any_work_in_batches_is_halved_where_memory_runs_out() -> None:
    sizes = []

    def work(batch: object) -> list[int]:
        items = list(batch)  # type: ignore[call-overload]
        sizes.append(len(items))
        if len(items) > 3 or 7 in items:
            raise MemoryError
        return [10 * item for item in items]

    done = dict(work_in_batches(range(10), BatchLimit(8), work, lambda: False))
    assert done == {item: None if item == 7 else 10 * item for item in range(10)}
    assert sizes[:3] == [8, 4, 2]


def test_fewer_rows_are_tried_at_once_the_longer_they_are_and_one_always() -> None:
    config = LlamaConfig(num_hidden_layers=32, hidden_size=4096, num_attention_heads=32, num_key_value_heads=8)
    cpu = torch.device("cpu")
    sizes = [guess_batch_size(config, torch.float32, cpu, tokens) for tokens in (1, 10_000, 10**9)]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] > 1 == sizes[2]


def test_an_error_that_has_nothing_to_do_with_memory_is_not_swallowed() -> None:
    def work(batch: object) -> list[int]:
        raise RuntimeError("a defect")

    with pytest.raises(RuntimeError, match="a defect"):
        list(work_in_batches([1], BatchLimit(8), work, lambda: False))


@pytest.mark.parametrize("fields", [{"temperature": 0}, {"top_p": 0.9}, {"top_k": 30, "min_p": 0.01}])
def test_the_scheduler_of_transformers_keeps_the_seed_of_each_row(tmp_path: Path, fields: dict[str, float]) -> None:
    model = make_language_model(tmp_path / "model")
    ours = ask(open_model(model, **fields), REQUESTS)
    provider = open_model(model, continuous_batching=True, batch_size=4, **fields)
    assert ask(provider, REQUESTS) == ours
    assert "continuous_batching_fault" not in provider.describe()


def test_what_the_scheduler_fails_at_is_written_all_the_same(tmp_path: Path) -> None:
    mamba = make_language_model(tmp_path / "model", architecture="mamba")
    texts = write(open_model(mamba), *REQUESTS[:4])
    provider = open_model(mamba, continuous_batching=True)
    assert write(provider, *REQUESTS[:4]) == texts
    assert provider.describe()["continuous_batching_fault"]


def test_the_scheduler_can_be_stopped(tmp_path: Path) -> None:
    provider = open_model(make_language_model(tmp_path / "model"), continuous_batching=True, max_tokens=400)
    given: list[int] = []
    for position, _ in provider.answer(REQUESTS, lambda: bool(given)):
        given.append(position)
    assert 0 < len(given) < len(REQUESTS)
    assert len(ask_well(provider, *REQUESTS[:2])) == 2
