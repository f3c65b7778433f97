"""The client and the real helper process, and what the client makes of processes that crash, hang or babble."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from workbench.engines.helper_client import HelperClient

SPEC = """\
name: tickets
seed: 7
rows: 50
columns:
  - {name: ticket_id, type: id}
  - {name: product, type: category, values: {router: 0.5, modem: 0.5}}
"""
# Servers that misbehave, each a program that reads questions and does one thing wrong.
ANSWER = "import json,sys\nfor line in sys.stdin:\n    q = json.loads(line)\n"
CRASHES = ANSWER + "    sys.exit(3)\n"
HANGS = ANSWER + "    import time; time.sleep(600)\n"
BABBLES = ANSWER + '    print("not JSON"); print(json.dumps({"id": q["id"], "result": {"ok": 1}}), flush=True)\n'
CRASHES_ON_BAD = (
    ANSWER + '    if q["op"] == "bad": sys.exit(3)\n    print(json.dumps({"id": q["id"], "result": {}}), flush=True)\n'
)


def make_client(program: str, **seconds: float) -> HelperClient:
    return HelperClient(command=[sys.executable, "-c", program], seconds=seconds)


@pytest.fixture
async def helper() -> AsyncIterator[HelperClient]:
    client = HelperClient()
    yield client
    await client.close()


async def test_a_preview_has_the_rows_of_the_spec(helper: HelperClient, tmp_path: Path) -> None:
    answer = await helper.ask("preview", {"text": SPEC, "folder": str(tmp_path), "rows": 3})
    assert answer.error is None
    assert answer.result is not None
    assert [set(row) for row in answer.result["tables"]["tickets"]] == [{"ticket_id", "product"}] * 3
    assert answer.result["problems"] == []


async def test_problems_have_their_place_and_the_nearest_word(helper: HelperClient, tmp_path: Path) -> None:
    answer = await helper.ask("check", {"text": SPEC.replace("rows:", "rowz:"), "folder": str(tmp_path)})
    assert answer.result is not None
    problem = next(problem for problem in answer.result["problems"] if "rowz" in problem["message"])
    assert (problem["line"], problem["column"]) == (3, 1)
    assert "rows" in problem["hint"]


async def test_an_unknown_operation_is_an_error_value(helper: HelperClient) -> None:
    answer = await helper.ask("juggle", {})
    assert answer.result is None
    assert answer.error is not None
    assert "juggle" in answer.error.cause
    assert not answer.error.restarted


async def test_a_missing_argument_is_an_error_value_and_the_process_goes_on(
    helper: HelperClient, tmp_path: Path
) -> None:
    assert (await helper.ask("preview", {})).error is not None
    pid = helper.pid
    answer = await helper.ask("preview", {"text": SPEC, "folder": str(tmp_path)})
    assert answer.result is not None
    assert helper.pid == pid


async def test_questions_of_both_lanes_are_answered_side_by_side(helper: HelperClient, tmp_path: Path) -> None:
    preview = helper.ask("preview", {"text": SPEC, "folder": str(tmp_path), "rows": 1})
    datasets = helper.ask("datasets", {"workspace": str(tmp_path)})
    answers = await asyncio.gather(preview, datasets, helper.ask("methods", {}))
    assert [answer.error for answer in answers] == [None, None, None]
    assert answers[1].result == {"datasets": []}


async def test_one_process_serves_all_questions(helper: HelperClient) -> None:
    await asyncio.gather(*(helper.ask("juggle", {}) for _ in range(5)))
    assert helper.pid is not None


async def test_a_crash_is_an_error_value_and_the_next_question_starts_afresh() -> None:
    client = make_client(CRASHES_ON_BAD)
    assert (await client.ask("good", {})).result == {}
    first = client.pid
    answer = await client.ask("bad", {})
    assert answer.error is not None
    assert answer.error.restarted
    assert "exit code 3" in answer.error.cause
    assert (await client.ask("good", {})).result == {}
    assert client.pid not in (None, first)
    await client.close()


async def test_everyone_waiting_is_told_of_a_crash() -> None:
    client = make_client(CRASHES)
    answers = await asyncio.gather(client.ask("a", {}), client.ask("b", {}))
    assert all(answer.error is not None and answer.error.restarted for answer in answers)
    await client.close()


async def test_a_hang_times_out_and_the_process_is_replaced() -> None:
    client = make_client(HANGS, slow=0.2)
    answer = await client.ask("slow", {})
    assert answer.error is not None
    assert answer.error.restarted
    assert "slow" in answer.error.cause
    assert client.pid is None
    await client.close()


async def test_lines_that_are_not_json_are_passed_over() -> None:
    client = make_client(BABBLES)
    assert (await client.ask("any", {})).result == {"ok": 1}
    await client.close()


async def test_a_program_that_cannot_be_started_is_an_error_value(tmp_path: Path) -> None:
    client = HelperClient(command=[str(tmp_path / "missing")])
    answer = await client.ask("any", {})
    assert answer.error is not None
    await client.close()


async def test_a_closed_client_answers_with_an_error() -> None:
    client = make_client(BABBLES)
    await client.close()
    assert (await client.ask("any", {})).error is not None
