"""Batches and their order: the short way to the loss gives the same loss, and an epoch is every row once."""

from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import AutoModelForCausalLM

from workbench.datasets.training_rows import TrainingRow
from workbench.tuning.batches import Collator, RowOrder, takes_sparse_logits
from workbench.tuning.encoding import encode_rows


def test_logits_at_learned_places_alone_give_the_same_loss_and_gradient(tiny_model: str, tokenizer: Any) -> None:
    model = AutoModelForCausalLM.from_pretrained(tiny_model)
    assert takes_sparse_logits(model)
    rows = [
        TrainingRow(messages=(("user", "one"), ("assistant", "a long answer"), ("user", "b"), ("assistant", "c"))),
        TrainingRow(messages=(("user", "a much longer question than that"), ("assistant", "no"))),
    ]
    encoded = encode_rows(tokenizer, rows, 64).rows
    found = []
    for sparse in (True, False):
        model.zero_grad()
        loss = model(**Collator(tokenizer.pad_token_id, sparse=sparse)(encoded)).loss
        loss.backward()
        found.append((loss.item(), torch.cat([each.grad.flatten() for each in model.parameters()])))
    assert found[0][0] == pytest.approx(found[1][0], abs=1e-6)
    torch.testing.assert_close(found[0][1], found[1][1], atol=1e-6, rtol=1e-4)


@given(st.lists(st.integers(1, 500), min_size=1, max_size=200), st.integers(1, 9), st.integers(0, 3))
def test_an_epoch_is_every_row_once_in_an_order_that_seed_and_epoch_decide(
    lengths: list[int], rows_per_step: int, epoch: int
) -> None:
    order = RowOrder(lengths, rows_per_step, seed=5)
    order.set_epoch(epoch)
    rows = list(order)
    assert sorted(rows) == list(range(len(lengths)))
    assert rows == list(order)
    if (
        epoch == 0
        and len(lengths) >= rows_per_step * 16
        and max(lengths) in [lengths[row] for row in rows[: -(len(lengths) % rows_per_step) or None]]
    ):
        assert max(lengths) in [lengths[row] for row in rows[:rows_per_step]]


def test_each_epoch_and_each_seed_has_an_order_of_its_own() -> None:
    orders = []
    for seed, epoch in ((0, 0), (0, 1), (1, 0)):
        order = RowOrder([7] * 64, 4, seed)
        order.set_epoch(epoch)
        orders.append(tuple(order))
    assert len(set(orders)) == 3
