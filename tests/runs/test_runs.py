"""The life of a run through the public functions, with real workers and real processes."""

import json
import sqlite3
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from workbench.errors import UsageError
from workbench.files import read_json_lines
from workbench.runs.folder import RunFolder, find_run, list_runs
from workbench.runs.metrics import MetricsTail
from workbench.runs.queue import Queue
from workbench.runs.submit import resume_run, stop_run, submit_run, wait_for_run
from workbench.workspace import Workspace


def test_a_submitted_run_is_executed_and_leaves_its_result(workspace: Workspace) -> None:
    seen: list[str] = []
    run_id = submit_run(workspace, "probe", {"steps": 3}, title="lora · cards")
    state = wait_for_run(workspace, run_id, on_change=lambda state: seen.append(state.state))
    run = find_run(workspace, run_id)
    assert run_id.startswith("probe-lora-")
    assert (state.state, state.step, state.steps, state.attempt, state.exit_code) == ("done", 3, 3, 1, 0)
    assert state.result == {"steps": 3, "begun_at": 0, "attempt": 1}
    assert state.metrics == {"loss": 1 / 3}
    assert seen[-1] == "done"
    assert [step for step, _ in MetricsTail(run.path).read_new()] == [0, 1, 2]
    events = [(event["event"], event.get("state")) for event in read_json_lines(run.path / "events.jsonl")]
    assert events == [("state", "queued"), ("state", "running"), ("stage", None), ("state", "done")]
    assert run.request.versions.keys() >= {"workbench", "python", "torch"}
    assert run.path.stat().st_mode & 0o777 == 0o700


def test_runs_are_taken_in_order_with_higher_priority_first(
    workspace: Workspace, hold: Callable[..., RunFolder]
) -> None:
    first = hold()
    late = submit_run(workspace, "probe", {})
    urgent = submit_run(workspace, "probe", {}, priority=5)
    (first.path / "go").touch()
    ended = [wait_for_run(workspace, each) for each in (late, urgent)]
    assert (ended[0].started or 0) > (ended[1].ended or 0)


def test_a_chain_is_queued_at_once_and_each_run_gets_the_results_before_it(workspace: Workspace) -> None:
    first = submit_run(workspace, "probe", {"give": {"dataset": "/data/cards"}})
    second = submit_run(workspace, "probe", {"give": {"from": {"result_of": first, "key": "dataset"}}})
    state = wait_for_run(workspace, second)
    assert state.after == (first,)
    assert state.result is not None
    assert state.result["from"] == "/data/cards"


def test_a_reference_to_a_result_that_does_not_exist_fails_with_what_there_is(workspace: Workspace) -> None:
    first = submit_run(workspace, "probe", {})
    state = wait_for_run(workspace, submit_run(workspace, "probe", {"give": {"result_of": first, "key": "dataset"}}))
    assert state.state == "failed"
    assert state.error is not None
    assert "has no “dataset”" in state.error["cause"]
    assert "steps" in state.error["solution"]


def test_a_failed_dependency_fails_those_that_wait_for_it(workspace: Workspace) -> None:
    first = submit_run(workspace, "probe", {"fail": "user"})
    second = submit_run(workspace, "probe", {}, after=[first])
    third = submit_run(workspace, "probe", {}, after=[second])
    state = wait_for_run(workspace, third)
    assert state.state == "failed"
    assert state.attempt == 0
    assert state.error is not None
    assert second in state.error["cause"]
    assert "failed" in state.error["cause"]
    assert find_run(workspace, second).read_state().state == "failed"


def test_a_failure_is_two_sentences_and_an_exit_code(workspace: Workspace) -> None:
    expected = {
        "user": ("The flux is low.", 1),
        "gate": ("The gate is shut.", 3),
        "memory": ("The run needed more memory than there is.", 1),
        "disk": ("No disk space left", 1),
        "exit": ("SystemExit: 3", 1),
        "shape": ("unexpected TypeError", 1),
    }
    runs = {way: submit_run(workspace, "probe", {"fail": way}) for way in expected}
    for way, (cause, code) in expected.items():
        state = wait_for_run(workspace, runs[way])
        assert state.state == "failed"
        assert state.error is not None
        assert cause in state.error["cause"]
        assert state.error["solution"].endswith(".")
        assert (state.error["code"], state.exit_code) == (code, code)


def test_secrets_of_the_environment_reach_neither_log_nor_error(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROBE_TOKEN", "hf_verysecretvalue")
    run_id = submit_run(workspace, "probe", {"fail": "defect", "print": "token=hf_verysecretvalue\nhf_verysecret"})
    state = wait_for_run(workspace, run_id)
    run = find_run(workspace, run_id)
    log = run.log_path.read_text()
    assert "token=[PROBE_TOKEN]" in log
    assert "Traceback" in log
    assert state.error is not None
    assert "RuntimeError: key [PROBE_TOKEN] refused" in state.error["cause"]
    for path in run.path.rglob("*"):
        if path.is_file() and path.name != "request.json":
            assert b"hf_verysecretvalue" not in path.read_bytes()


def test_an_unknown_kind_run_or_argument_is_refused_before_anything_is_written(workspace: Workspace) -> None:
    with pytest.raises(UsageError, match="Did you mean “probe”"):
        submit_run(workspace, "prob", {})
    with pytest.raises(UsageError, match="no runs"):
        submit_run(workspace, "probe", {}, after=["nowhere"])
    with pytest.raises(UsageError, match="JSON"):
        submit_run(workspace, "probe", {"steps": {1, 2}})
    with pytest.raises(UsageError, match="plug-in"):
        submit_run(workspace, "broken_plugin", {})
    assert list_runs(workspace) == []


def test_a_plug_in_that_names_no_function_fails_its_run_clearly(workspace: Workspace) -> None:
    state = wait_for_run(workspace, submit_run(workspace, "not_a_target", {}))
    assert state.error is not None
    assert "module:function" in state.error["cause"]


def test_a_queued_run_is_stopped_at_once_and_can_be_resumed(
    workspace: Workspace, hold: Callable[..., RunFolder]
) -> None:
    running = hold()
    waiting = submit_run(workspace, "probe", {})
    assert stop_run(workspace, waiting).state == "stopped"
    assert [row.id for row in Queue(workspace).list_all()] == [running.id]
    assert resume_run(workspace, waiting).state == "queued"
    (running.path / "go").touch()
    assert wait_for_run(workspace, waiting).state == "done"


def test_a_running_run_stops_after_committing_and_goes_on_from_there(
    workspace: Workspace, hold: Callable[..., RunFolder]
) -> None:
    run = hold()
    with pytest.raises(UsageError, match="still running"):
        resume_run(workspace, run.id)
    stop_run(workspace, run.id)
    stopped = wait_for_run(workspace, run.id)
    assert (stopped.state, stopped.exit_code) == ("stopped", 130)
    assert stop_run(workspace, run.id).state == "stopped"
    (run.path / "go").touch()
    resume_run(workspace, run.id)
    done = wait_for_run(workspace, run.id)
    assert done.result == {"steps": 4, "begun_at": 2, "attempt": 2}
    assert [step for step, _ in MetricsTail(run.path).read_new()] == [0, 1, 2, 3]


def test_a_run_that_ignores_the_request_is_killed_with_its_children_after_the_grace(
    workspace: Workspace, hold: Callable[..., RunFolder], wait_until: Callable[..., None]
) -> None:
    run = hold(ignore_stop=True, child=True)
    child = int((run.path / "child").read_text())
    stop_run(workspace, run.id, grace=0.2)
    state = wait_for_run(workspace, run.id)
    assert state.state == "stopped"
    assert state.error is not None
    assert "SIGKILL" in state.error["cause"]
    wait_until(lambda: not _is_running(child))


def test_what_has_ended_is_neither_stopped_nor_resumed(workspace: Workspace) -> None:
    run_id = submit_run(workspace, "probe", {})
    wait_for_run(workspace, run_id)
    with pytest.raises(UsageError, match="it is done"):
        stop_run(workspace, run_id)
    with pytest.raises(UsageError, match="is done"):
        resume_run(workspace, run_id)


def test_a_damaged_queue_is_filled_again_from_the_run_folders(
    workspace: Workspace, hold: Callable[..., RunFolder]
) -> None:
    running = hold()
    waiting = submit_run(workspace, "probe", {})
    path = workspace.runs / "queue.sqlite"
    for content in (b"no database" * 1000, b"", path.read_bytes()[:5000], None):
        for each in workspace.runs.glob("queue.sqlite*"):
            each.unlink()
        if content is not None:
            path.write_bytes(content)
        assert {row.id: row.claimed for row in Queue(workspace).list_all()} == {running.id: True, waiting: False}
    (running.path / "go").touch()
    assert wait_for_run(workspace, waiting).state == "done"
    assert wait_for_run(workspace, running.id).attempt == 1
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_a_damaged_state_reads_as_lost_and_can_be_resumed(workspace: Workspace) -> None:
    run_id = submit_run(workspace, "probe", {"steps": 2})
    wait_for_run(workspace, run_id)
    run = find_run(workspace, run_id)
    (run.path / "state.json").write_text('{"state": "do')
    assert run.read_state().state == "lost"
    assert [state.state for state in list_runs(workspace)] == ["lost"]
    resume_run(workspace, run_id)
    assert wait_for_run(workspace, run_id).result == {"steps": 2, "begun_at": 2, "attempt": 1}


def test_a_run_is_found_by_a_unique_part_of_its_id_or_as_the_last_one(workspace: Workspace) -> None:
    first, second = (_make_run(workspace, f"probe-1122-20145{number}-x7{number}") for number in (5, 6))
    assert find_run(workspace, "probe-1122-201455").id == first
    assert find_run(workspace, "x76").id == second
    assert find_run(workspace, "last").id == second
    with pytest.raises(UsageError, match="fits 2 runs"):
        find_run(workspace, "probe")
    with pytest.raises(UsageError, match=f"Did you mean “{first}”"):
        find_run(workspace, "probe-1122-201455-x77")
    for hostile in ("../workspace", "", "\x1b[2J", "a" * 10_000, "."):
        with pytest.raises(UsageError) as raised:
            find_run(workspace, hostile)
        assert "\x1b" not in str(raised.value)


def test_thousands_of_runs_are_listed_newest_first(workspace: Workspace) -> None:
    for number in range(300):
        _make_run(workspace, f"probe-{number:04d}")
    (workspace.runs / "no-run").mkdir()
    (workspace.runs / "a file").touch()
    states = list_runs(workspace)
    assert len(states) == 300
    assert [state.created for state in states] == sorted((state.created for state in states), reverse=True)


def test_a_dead_run_without_a_worker_is_shown_as_lost_until_a_worker_comes(workspace: Workspace) -> None:
    run_id = _make_run(workspace, "probe-dead", state="running", attempt=1, fruitless=1)
    run = find_run(workspace, run_id)
    assert run.read_state().state == "lost"
    assert run.read_stored_state().state == "running"
    state = wait_for_run(workspace, run_id)
    assert (state.state, state.attempt) == ("done", 2)


def test_metrics_that_are_not_finite_are_kept_and_do_not_break_the_state(workspace: Workspace) -> None:
    run_id = _make_run(workspace, "probe-nan")
    run = find_run(workspace, run_id)
    run.write_state(replace(run.read_stored_state(), metrics={"loss": float("nan"), "scale": float("inf")}))
    metrics = run.read_stored_state().metrics
    assert metrics["loss"] != metrics["loss"]
    assert metrics["scale"] == float("inf")


def _make_run(workspace: Workspace, run_id: str, **fields: object) -> str:
    run = RunFolder(workspace.runs / run_id)
    run.path.mkdir(parents=True)
    base = {"id": run_id, "kind": "probe", "title": "", "created": time.time(), "after": [], "priority": 0}
    (run.path / "request.json").write_text(json.dumps({**base, "arguments": {}, "versions": {}}))
    (run.path / "state.json").write_text(json.dumps({**base, "state": "done", **fields}))
    return run_id


def _is_running(pid: int) -> bool:
    """Whether the process is there and not merely waiting to be collected by its parent."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False
