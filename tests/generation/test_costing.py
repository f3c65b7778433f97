"""What models will be asked and what it will cost: by rule of thumb, by stored answers, and by nothing at all."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from workbench.calls.keys import hash_request
from workbench.calls.session import Session
from workbench.calls.store import ResponseStore, StoredAnswer
from workbench.generation.check import check_text
from workbench.generation.costing import CallEstimate, describe_estimates, estimate_calls, read_estimates, sum_costs
from workbench.generation.plan import Plan
from workbench.generation.preview import preview_table
from workbench.providers.requests import Answer, Usage

SPEC = """\
name: tickets
rows: 1000
models:
  writer:
    {{provider: openai, model: m, base_url: "https://models.invalid/v1"{price}}}
columns:
  - {{name: ticket, type: id, pattern: "T{{n:04d}}"}}
  - {{name: urgent, type: bernoulli, p: 0.5}}
  - {{name: reply, type: llm_text, model: writer, max_chars: 400, prompt: "Answer {{{{ ticket }}}}"{skip}}}
  - {{name: note, type: llm_text, prompt: "Note on {{{{ ticket }}}}"}}
"""
PRICE = ", price: {input_per_mtok: 1, output_per_mtok: 10}"


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    made = Session(pending="null", store=ResponseStore(tmp_path / "responses.sqlite"))
    yield made
    assert made.store is not None
    made.store.close()


def plan(session: Session, price: str = PRICE, skip: str = "") -> Plan:
    checked = check_text(SPEC.format(price=price, skip=skip), Path(), session)
    assert checked.plan is not None, checked.problems
    return checked.plan


def store_answers(session: Session, made: Plan, count: int) -> None:
    """Keep an answer of 5 tokens in and 50 out for the first rows."""
    keys: list[str] = []
    with session.sketching(
        lambda model, place, rows, requests: keys.extend(
            hash_request(model.key, request) for request in requests if not model.type.free
        )
    ):
        preview_table(made, "tickets", 20)
    assert session.store is not None
    answer = Answer("Thanks.", usage=Usage(5, 50))
    session.store.put_all(StoredAnswer(key, "preview", "writer", answer, None) for key in keys[:count])


def test_without_answers_a_rule_of_thumb_is_scaled_to_all_rows_and_says_so(session: Session) -> None:
    (estimate,) = estimate_calls(plan(session), session)
    assert (estimate.model, estimate.column) == ("writer", "tickets.reply")
    assert (estimate.calls, estimate.reused, estimate.evidence) == (1000, 0, "formula")
    assert estimate.output_tokens == 1000 * 50
    assert estimate.cost_usd == pytest.approx(estimate.input_tokens / 1e6 + 0.5)
    assert "assumed" in estimate.note


def test_stored_answers_are_measured_and_not_paid_for_again(session: Session) -> None:
    made = plan(session)
    store_answers(session, made, 8)
    (estimate,) = estimate_calls(made, session)
    assert (estimate.calls, estimate.reused, estimate.evidence) == (992, 8, "measured")
    assert (estimate.input_tokens, estimate.output_tokens) == (992 * 5, 992 * 50)
    assert estimate.cost_usd == pytest.approx(992 * (5e-6 + 50e-5))
    session.fresh = True
    (fresh,) = estimate_calls(made, session)
    assert (fresh.calls, fresh.reused, fresh.evidence) == (1000, 0, "measured")


def test_skipped_rows_are_no_calls(session: Session) -> None:
    (estimate,) = estimate_calls(plan(session, skip=", skip: {when: urgent}"), session)
    assert 200 < estimate.calls < 800


def test_a_model_without_a_price_has_no_cost(session: Session) -> None:
    estimates = estimate_calls(plan(session, price=""), session)
    assert sum_costs(estimates) is None
    (line,) = describe_estimates(estimates)
    assert "no price known" in line


def test_an_estimate_counts_nothing_and_asks_nobody(session: Session) -> None:
    made = plan(session)
    store_answers(session, made, 3)
    estimate_calls(made, session)
    assert (session.usage, session.failed, session.waiting, session.answered) == ({}, {}, set(), 0)
    assert session.on_request is None


def test_estimates_survive_their_way_as_json(session: Session) -> None:
    estimates = estimate_calls(plan(session), session)
    assert read_estimates([each.as_json() for each in estimates]) == estimates


def test_costs_are_summed_and_written_by_model() -> None:
    one = CallEstimate("writer", "t.a", 10, 0, 100, 200, 1.5, "formula", "Guessed.")
    two = CallEstimate("writer", "t.b", 5, 2, 10, 20, 0.25, "measured", "Measured.")
    assert sum_costs([one, two]) == 1.75
    (line,) = describe_estimates([one, two])
    assert line == (
        "writer: 15 calls to make (2 answers are stored), 110 tokens in, 220 out, about $1.75. Guessed. Measured."
    )
