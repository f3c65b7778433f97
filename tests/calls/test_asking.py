"""Rows ask models: nothing is paid twice, faults are retried, failures counted; budgets and breakers stop in time."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.calls.conftest import ScriptedEndpoint, ScriptedModel, make_requests, open_model
from tests.providers.tiny_models import make_encoder
from workbench.calls import remote
from workbench.calls.asking import ask
from workbench.calls.failures import Place, Rejected
from workbench.calls.session import Model, NotAsked, Session
from workbench.calls.spending import Budget
from workbench.errors import GateError, StopRequested, WorkbenchError
from workbench.providers.provider import CallError, PriceConfig
from workbench.providers.requests import Answer, TextRequest
from workbench.spec.model import ModelConfig

PLACE = Place("t", "c")
DOLLAR = PriceConfig(per_call=1.0)


def read(answer: Answer) -> str:
    if not answer.text:
        raise Rejected("empty answer")
    return answer.text


def ask_rows(session: Session, model: Model, count: int, tries: int = 2) -> list[str | None]:
    return ask(session, model, PLACE, range(count), make_requests(count), [read] * count, tries)


def echo(request: TextRequest) -> str:
    return f"to {request.prompt}"


Provider = Callable[[Callable[[TextRequest], str]], ScriptedEndpoint | ScriptedModel]
BOTH = pytest.mark.parametrize("make", [ScriptedEndpoint, ScriptedModel], ids=["endpoint", "local"])


@BOTH
def test_each_row_gets_its_answer_and_a_second_time_costs_nothing(session: Session, make: Provider) -> None:
    provider = make(echo)
    model = open_model(provider, DOLLAR)
    expected = [f"to row {row}" for row in range(50)]
    assert ask_rows(session, model, 50) == expected
    again = Session(live=True, store=session.store, run="run-2")
    assert ask_rows(again, model, 50) == expected
    assert len(provider.prompts) == 50
    assert (session.usage["writer"].paid_usd, again.usage["writer"].paid_usd) == (50.0, 0.0)
    assert (again.usage["writer"].reused, again.usage["writer"].cost_usd) == (50, 50.0)


@BOTH
def test_a_fresh_run_asks_again_but_never_twice_itself(session: Session, make: Provider) -> None:
    provider = make(echo)
    ask_rows(session, open_model(provider), 5)
    fresh = Session(live=True, store=session.store, run="run-2", fresh=True)
    ask_rows(fresh, open_model(provider), 5)
    ask_rows(fresh, open_model(provider), 5)
    assert len(provider.prompts) == 10


@BOTH
def test_an_answer_that_cannot_be_used_is_asked_again_with_another_seed(session: Session, make: Provider) -> None:
    provider = make(lambda request: "" if request.seed == 3 else str(request.seed))
    rows = ask_rows(session, open_model(provider), 5)
    assert rows[2] == "2"
    assert rows[3] not in (None, "3")
    assert Counter(provider.prompts)["row 3"] == 2
    assert session.usage["writer"].retried == 1


@BOTH
def test_a_row_that_is_never_answered_fails_with_cause_and_attempts(session: Session, make: Provider) -> None:
    provider = make(lambda request: "" if request.prompt == "row 3" else "text")
    assert ask_rows(session, open_model(provider), 5) == ["text", "text", "text", None, "text"]
    [failure] = session.take_failures()
    assert (failure.row, failure.column, failure.cause, failure.attempts) == (3, "c", "empty answer", 3)
    assert session.find_lost(PLACE) == {3}
    assert session.take_failures() == []
    assert ask_rows(session, open_model(provider), 5)[3] is None
    assert Counter(provider.prompts)["row 3"] == 3


@BOTH
def test_what_a_refused_request_says_is_kept_without_secrets_and_control_characters(
    session: Session, make: Provider
) -> None:
    def refuse(request: TextRequest) -> str:
        raise CallError("refused", "\x1b[31mkey sk-secret-1 is not for this")

    session.redact = lambda text: text.replace("sk-secret-1", "[KEY]")
    assert ask_rows(session, open_model(make(refuse)), 1) == [None]
    [failure] = session.take_failures()
    assert (failure.cause, failure.message) == ("the model refused", "key [KEY] is not for this")


@BOTH
def test_a_model_that_cannot_be_used_stops_everything_and_says_what_to_do(session: Session, make: Provider) -> None:
    def refuse(request: TextRequest) -> str:
        raise CallError("fatal", "no such model", solution="Name another one.")

    with pytest.raises(WorkbenchError, match=r"“writer” cannot be used: no such model\. Name another one"):
        ask_rows(session, open_model(make(refuse)), 5)


def test_without_leave_stored_answers_are_shown_and_other_rows_wait_or_are_refused(session: Session) -> None:
    provider = ScriptedEndpoint(echo)
    ask_rows(session, open_model(provider), 2)
    still = Session(store=session.store, pending="null")
    assert ask_rows(still, open_model(provider), 3) == ["to row 0", "to row 1", None]
    assert still.waiting == {PLACE}
    with pytest.raises(NotAsked):
        ask_rows(Session(), open_model(provider), 1)
    with session.paused(), pytest.raises(NotAsked):
        ask_rows(session, open_model(provider), 3)
    assert len(provider.prompts) == 2


@pytest.mark.parametrize("kind", ["server", "connection", "timeout"])
def test_a_passing_fault_costs_no_row(session: Session, kind: str) -> None:
    seen: Counter[str] = Counter()

    def stumble(request: TextRequest) -> str:
        seen[request.prompt] += 1
        if seen[request.prompt] == 1 and request.seed % 5 == 0:
            raise CallError(kind, "stumbled")  # type: ignore[arg-type]
        return echo(request)

    assert ask_rows(session, open_model(ScriptedEndpoint(stumble)), 20) == [f"to row {row}" for row in range(20)]


def test_a_busy_server_costs_no_row_however_often_it_says_so(session: Session) -> None:
    seen: Counter[str] = Counter()

    def refuse(request: TextRequest) -> str:
        seen[request.prompt] += 1
        if seen[request.prompt] <= 12:
            raise CallError("busy", "slow down", retry_after=0.01)
        return echo(request)

    assert None not in ask_rows(session, open_model(ScriptedEndpoint(refuse)), 3)


def test_a_row_that_the_server_always_fails_on_is_given_up_while_the_others_are_answered(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote, "_LONGEST_PAUSE", 0.05)

    def poison(request: TextRequest) -> str:
        if request.prompt == "row 7":
            raise CallError("server", "HTTP 500")
        return echo(request)

    rows = ask_rows(session, open_model(ScriptedEndpoint(poison)), 20)
    assert [row for row, text in enumerate(rows) if text is None] == [7]
    [failure] = session.take_failures()
    assert (failure.cause, failure.attempts) == ("the server failed", remote.MAX_FAULTS)


def test_an_endpoint_that_is_down_stops_the_run_and_loses_no_row(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote, "_LONGEST_PAUSE", 0.05)
    monkeypatch.setattr(remote, "MAX_FAULTS_ALONE", 1_000)
    monkeypatch.setattr(remote, "MAX_FAULTS", 1_000)
    monkeypatch.setattr(remote, "SECONDS_NEVER_UP", 1.2)

    def refuse(request: TextRequest) -> str:
        raise CallError("connection", "connection refused")

    with pytest.raises(WorkbenchError, match=r"answered nobody .* connection refused\..*generate again"):
        ask_rows(session, open_model(ScriptedEndpoint(refuse)), 40)
    assert session.take_failures() == []


def test_rows_refused_one_after_the_other_stop_the_run(session: Session) -> None:
    def refuse(request: TextRequest) -> str:
        raise CallError("request", "temperature must be 1")

    with pytest.raises(WorkbenchError, match="refused 25 requests one after the other"):
        ask_rows(session, open_model(ScriptedEndpoint(refuse)), 400)


def test_a_server_that_asks_to_wait_for_hours_stops_the_run(session: Session) -> None:
    def refuse(request: TextRequest) -> str:
        raise CallError("busy", "daily limit", retry_after=7_200)

    with pytest.raises(WorkbenchError, match=r"asks to wait 120 minutes\. It said: daily limit"):
        ask_rows(session, open_model(ScriptedEndpoint(refuse)), 3)


def test_a_call_ends_at_its_time_limit(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote, "_LONGEST_PAUSE", 0.01)
    monkeypatch.setattr(remote, "MAX_FAULTS", 2)
    monkeypatch.setattr(remote, "MAX_FAULTS_ALONE", 2)
    provider = ScriptedEndpoint(echo, seconds=30)
    assert ask_rows(session, open_model(provider, timeout=0.05), 1) == [None]
    [failure] = session.take_failures()
    assert (failure.cause, failure.message) == ("no answer in time", "no answer in 0.05 seconds")


def test_many_calls_run_at_once_but_never_more_than_asked_for(session: Session) -> None:
    provider = ScriptedEndpoint(echo, seconds=0.02)
    ask_rows(session, open_model(provider, max_parallel_requests=24), 600)
    assert 16 <= provider.most <= 24


@BOTH
def test_a_run_that_is_stopped_keeps_what_was_answered(session: Session, make: Provider) -> None:
    stop = threading.Event()

    def answer(request: TextRequest) -> str:
        if request.seed == 30:
            stop.set()
        return echo(request)

    session.should_stop = stop.is_set
    provider = make(answer)
    if isinstance(provider, ScriptedEndpoint):
        provider.seconds = 0.05
    with pytest.raises(StopRequested):
        ask_rows(session, open_model(provider), 5_000)
    assert session.store is not None
    assert 30 <= session.store.count() == len(set(provider.prompts)) < 5_000
    session.should_stop = lambda: False
    assert None not in ask_rows(session, open_model(provider), 100)
    assert max(Counter(provider.prompts).values()) == 1


@pytest.mark.parametrize(
    "provider",
    [ScriptedEndpoint(echo), ScriptedEndpoint(echo, 0.02), ScriptedModel(echo)],
    ids=["endpoint", "slow endpoint", "local"],
)
def test_a_budget_is_never_exceeded_and_what_it_paid_for_is_kept(
    session: Session, provider: ScriptedEndpoint | ScriptedModel
) -> None:
    session.budget = Budget(max_cost_usd=30.0)
    with pytest.raises(GateError, match=r"The budget of \$30 is used up"):
        ask_rows(session, open_model(provider, DOLLAR), 200)
    assert session.store is not None
    assert len(provider.prompts) == session.store.count() == 30
    assert session.budget.spent == pytest.approx(30)


def test_a_budget_of_hours_stops_a_local_model(session: Session) -> None:
    session.budget = Budget(max_hours=1e-5)

    def slow(request: TextRequest) -> str:
        time.sleep(0.02)
        return echo(request)

    with pytest.raises(GateError, match="hours is used up"):
        ask_rows(session, open_model(ScriptedModel(slow)), 100)
    assert session.store is not None
    assert 0 < session.store.count() < 100


@BOTH
def test_texts_are_told_to_whoever_watches(session: Session, make: Provider) -> None:
    told: list[tuple[Place, int, str]] = []
    session.on_text = lambda place, row, text: told.append((place, row, text))
    ask_rows(session, open_model(make(echo)), 2)
    assert sorted(told, key=lambda each: each[1]) == [(PLACE, 0, "to row 0"), (PLACE, 1, "to row 1")]


def test_a_model_that_does_not_make_what_a_column_wants_is_refused_before_the_run(tmp_path: Path) -> None:
    folder = make_encoder(tmp_path / "encoder")
    config = ModelConfig.model_validate({"provider": "transformers", "model": str(folder)})
    with pytest.raises(ValueError, match="“embedder” makes no texts; it makes embeddings"):
        Session().open({"embedder": config}, "embedder", "text")
