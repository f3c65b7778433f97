"""Runs whose columns ask an endpoint, a real server on loopback: paid once, counted, stopped in time, or killed."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as parquet
import pytest

from tests.generation.conftest import Recorder
from tests.providers.fault_server import FaultServer, Rules, change_rules, read_stats, start_server
from workbench.calls import remote
from workbench.datasets.manifest import Manifest, read_manifest
from workbench.errors import GateError, StopRequested, WorkbenchError
from workbench.generation.run import run
from workbench.spec.problems import Problem

Record = Callable[..., Recorder]

SPEC = """name: notes
seed: 5
rows: {rows}
models:
  writer: {{provider: openai, model: test, base_url: "{url}", price: {{per_call: 0.01}}}}
columns:
  - {{name: id, type: id}}
  - {{name: mood, type: category, values: [calm, angry]}}
  - {{name: note, type: llm_text, model: writer, prompt: "Note {{{{ id }}}}, {{{{ mood }}}}.{fault}"{more}}}
  - {{name: length, type: expression, expression: "len(note)"}}
"""


def write_spec(url: str, rows: int, more: str = "", fault: str = "", end: str = "") -> str:
    return SPEC.format(url=url, rows=rows, more=more, fault=fault) + end


@pytest.fixture
def server() -> Iterator[FaultServer]:
    with FaultServer(Rules()) as started:
        yield started


def make(text: str, recorder: Recorder, **arguments: Any) -> tuple[list[dict[str, Any]], Manifest]:
    result = run({"spec": text, "folder": "/", **arguments}, recorder)
    folder = Path(result["dataset"])
    rows = [row for path in sorted((folder / "data").glob("*.parquet")) for row in parquet.read_table(path).to_pylist()]
    return rows, read_manifest(folder)


def test_a_dataset_holds_the_answers_and_says_what_they_took(server: FaultServer, recorder: Record) -> None:
    rows, manifest = make(write_spec(server.url, 300), recorder())
    assert len({row["note"] for row in rows}) == 300
    assert all(row["length"] == len(row["note"]) for row in rows)
    writer = manifest.models["writer"]
    assert (writer.calls, writer.reused, writer.cost_usd, writer.price) == (300, 0, pytest.approx(3), "the spec")
    assert writer.input_tokens > 300
    assert manifest.failed == {}


def test_while_calls_are_made_the_run_tells_rate_money_and_time_left(server: FaultServer, recorder: Record) -> None:
    server.rules.latency = 0.3
    context = recorder()
    make(write_spec(server.url, 400), context)
    told = [values for _, values in context.measured if "calls" in values]
    assert told[0].keys() >= {"calls_per_second", "cost_usd", "eta_seconds", "in_flight", "output_tokens"}
    assert any(0 < done < 400 for done, _ in context.steps)


def test_the_same_spec_under_another_name_costs_nothing_and_a_fresh_run_everything(
    server: FaultServer, recorder: Record
) -> None:
    text = write_spec(server.url, 50)
    first, _ = make(text, recorder("r1"))
    longer = text.replace("seed: 5", "seed: 5\ndescription: other").replace("rows: 50", "rows: 60")
    again, manifest = make(longer, recorder("r2"))
    assert again[:50] == first
    assert (manifest.models["writer"].calls, manifest.models["writer"].reused) == (10, 50)
    make(longer, recorder("r3"), fresh=True)
    assert server.stats().requests == 120


def test_rows_without_an_answer_are_missing_counted_and_named_in_the_ledger(
    server: FaultServer, recorder: Record
) -> None:
    text = write_spec(server.url, 40, more=", retries: 1, must_match: '^[A-M]'", fault="")
    context = recorder()
    rows, manifest = make(text, context)
    lost = [number for number, row in enumerate(rows) if row["note"] is None]
    assert 0 < len(lost) < 40
    assert manifest.failed == {"notes.note: does not match must_match": len(lost)}
    ledger = (context.workspace.datasets / "notes" / manifest.version / "failures.jsonl").read_text().splitlines()
    told = [json.loads(line) for line in ledger]
    assert [each["row"] for each in told] == lost
    assert {each["attempts"] for each in told} == {2}
    assert any("without an answer" in line for _, line in context.lines)


def test_rows_without_an_answer_are_left_out_where_the_spec_says_so(server: FaultServer, recorder: Record) -> None:
    children = """tables:
  notes:
    rows: 40
    primary_key: id
    columns:
      - {name: id, type: id}
      - {name: note, type: llm_text, model: writer, prompt: "Note {{ id }}", must_match: "^[A-M]", on_failure: drop}
  marks:
    foreign_keys: [{column: id, table: notes, per_parent: 2}]
    columns: [{name: mark, type: uniform_int, low: 1, high: 5}]
"""
    text = write_spec(server.url, 40).split("rows:")[0] + "models:\n  writer: {provider: openai, model: t, base_url: "
    result = run({"spec": text + f'"{server.url}"}}\n' + children, "folder": "/"}, recorder())
    left = result["rows"]["notes"]
    assert 0 < left < 40
    assert result["rows"]["marks"] == 2 * left
    assert result["rejected"]["“note” got no answer"] == 40 - left


def test_a_budget_stops_the_run_and_a_higher_one_goes_on_without_paying_twice(
    server: FaultServer, recorder: Record
) -> None:
    text = write_spec(server.url, 100, end="budget: {max_cost_usd: 0.4}\n")
    with pytest.raises(GateError, match=r"budget of \$0.4 is used up"):
        make(text, recorder("r1"))
    assert server.stats().answered == 40
    make(text.replace("0.4}", "2}"), recorder("r2"))
    assert server.stats().answered == 100


def test_a_budget_needs_prices(problems_of: Callable[[str], list[Problem]]) -> None:
    text = write_spec("http://models.example/v1", 10, end="budget: {max_cost_usd: 1}\n")
    assert problems_of(text) == []
    [problem] = problems_of(text.replace(", price: {per_call: 0.01}", ""))
    assert (problem.line, "Nobody says what the model “writer” costs" in problem.message) == (5, True)


def test_a_run_that_is_stopped_goes_on_where_it_was(server: FaultServer, recorder: Record) -> None:
    server.rules.latency = 0.05
    text = write_spec(server.url, 2_000)
    context = recorder(stop_after=2)
    with pytest.raises(StopRequested):
        make(text, context)
    assert 0 < server.stats().answered < 2_000
    rows, _ = make(text, recorder())
    assert server.stats().answered == 2_000
    assert len(rows) == 2_000


def test_an_endpoint_that_goes_down_stops_the_run_with_what_to_do(
    recorder: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote, "SECONDS_NEVER_UP", 1.0)
    monkeypatch.setattr(remote, "_LONGEST_PAUSE", 0.1)
    monkeypatch.setattr(remote, "MAX_FAULTS", 1_000)
    monkeypatch.setattr(remote, "MAX_FAULTS_ALONE", 1_000)
    with pytest.raises(WorkbenchError, match=r"“writer” was given up: it has answered nobody"):
        make(write_spec("http://127.0.0.1:9/v1", 30), recorder())


@pytest.mark.parametrize(
    "fault", ["429:0.05 429", "500 502", "cut", "reset", "malformed", "empty-choices", "no-content"]
)
def test_no_row_is_lost_to_a_fault_that_passes(
    server: FaultServer, recorder: Record, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote, "_LONGEST_PAUSE", 0.1)
    rows, manifest = make(write_spec(server.url, 12, fault=f" [fault: {fault}]"), recorder())
    assert all(row["note"] for row in rows)
    assert manifest.failed == {}


def test_a_key_is_in_no_file_and_no_message(
    server: FaultServer, recorder: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = "sk-test-4f9d1c2b7a"
    monkeypatch.setenv("WRITER_API_KEY", key)
    text = write_spec(server.url, 20).replace("model: test,", "model: test, api_key_env: WRITER_API_KEY,")
    context = recorder()
    make(text, context)
    server.rules.key = "another"
    with pytest.raises(WorkbenchError) as caught:
        make(text.replace("seed: 5", "seed: 6"), recorder("r2"))
    assert key not in f"{caught.value} {context.lines}"
    for path in context.workspace.root.rglob("*"):
        assert not path.is_file() or key.encode() not in path.read_bytes()


def test_a_killed_run_asks_again_for_no_more_than_was_in_flight(tmp_path: Path) -> None:
    with start_server(Rules(latency=0.1)) as url:
        spec = tmp_path / "spec.yaml"
        spec.write_text(write_spec(url, 3_000), "utf-8")
        command = [sys.executable, "-m", "tests.generation.killed_run", str(tmp_path), str(spec)]
        most = 0
        for chance in (0.2, 0.5, 0.8):
            process = subprocess.Popen(command, cwd=Path(__file__).parents[2])
            goal = chance * 3_000 + random.Random(chance).uniform(-200, 200)
            while read_stats(url)["answered"] < goal and process.poll() is None:
                time.sleep(0.01)
            process.kill()
            process.wait()
            most = read_stats(url)["most_at_once"]
        change_rules(url, latency=0.0)
        subprocess.run(command, cwd=Path(__file__).parents[2], check=True, timeout=120)
        stats = read_stats(url)
        assert len(stats["calls"]) == 3_000
        assert stats["requests"] - 3_000 <= 3 * most
        assert max(stats["calls"].values()) <= 4
