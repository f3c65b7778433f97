"""What kills a terminal, a command, the worker or the run's own process, and what is left of the run afterwards."""

import json
import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from workbench.errors import WorkbenchError
from workbench.files import read_json_lines
from workbench.runs.folder import RunFolder, list_runs
from workbench.runs.launch import is_worker_alive
from workbench.runs.lock import FileLock, is_held, read_holder
from workbench.runs.process import ProcessIdentity, describe_exit, identify_self, kill_group
from workbench.runs.submit import ensure_worker, stop_run, submit_run, wait_for_run
from workbench.workspace import Workspace

SUBMIT = """
import sys
from pathlib import Path
from workbench.runs.submit import submit_run, wait_for_run
from workbench.workspace import Workspace
workspace = Workspace(Path(sys.argv[1]))
run = submit_run(workspace, "probe", {"steps": 4, "hold_at": 2})
print(run, flush=True)
wait_for_run(workspace, run)
"""

Hold = Callable[..., RunFolder]
WaitUntil = Callable[..., None]


def test_a_run_outlives_the_hang_up_of_the_terminal_it_was_started_in(
    workspace: Workspace, wait_until: WaitUntil
) -> None:
    child, terminal = pty.fork()
    if child == 0:
        os.execv(sys.executable, [sys.executable, "-c", SUBMIT, str(workspace.root)])
    wait_until(lambda: any(state.step == 2 for state in list_runs(workspace)))
    run = RunFolder(workspace.runs / list_runs(workspace)[0].id)
    os.close(terminal)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGHUP
    assert run.read_state().state == "running"
    assert is_worker_alive(workspace)
    (run.path / "go").touch()
    state = wait_for_run(workspace, run.id)
    assert (state.state, state.attempt) == ("done", 1)


def test_a_run_outlives_the_kill_of_the_process_that_submitted_it(workspace: Workspace) -> None:
    with subprocess.Popen([sys.executable, "-c", SUBMIT, str(workspace.root)], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        run = RunFolder(workspace.runs / process.stdout.readline().decode().strip())
        process.kill()
    (run.path / "go").touch()
    assert wait_for_run(workspace, run.id).attempt == 1


def test_a_run_goes_on_without_its_worker_and_the_next_worker_adopts_it(
    workspace: Workspace, hold: Hold, wait_until: WaitUntil
) -> None:
    run = hold()
    _kill_worker(workspace, wait_until)
    assert run.read_state().state == "running"
    ensure_worker(workspace)
    wait_until(lambda: f"{run.id}: adopted" in (workspace.runs / "worker.log").read_text())
    (run.path / "go").touch()
    state = wait_for_run(workspace, run.id)
    assert (state.state, state.attempt) == ("done", 1)


def test_the_queue_goes_on_after_the_worker_was_killed_though_nobody_watches(
    workspace: Workspace, hold: Hold, wait_until: WaitUntil
) -> None:
    run = hold()
    second = RunFolder(workspace.runs / submit_run(workspace, "probe", {}))
    _kill_worker(workspace, wait_until)
    (run.path / "go").touch()
    wait_until(lambda: second.read_state().state == "done")


def test_a_killed_run_goes_on_from_its_checkpoint_by_itself(
    workspace: Workspace, hold: Hold, wait_until: WaitUntil
) -> None:
    run = hold()
    _kill_run(run)
    (run.path / "go").touch()
    state = wait_for_run(workspace, run.id)
    assert state.result == {"steps": 4, "begun_at": 2, "attempt": 2}
    died = [event for event in read_json_lines(run.path / "events.jsonl") if event["event"] == "died"]
    assert "SIGKILL" in died[0]["how"]
    assert "The run goes on from its last checkpoint." in run.log_path.read_text()


def test_a_run_killed_together_with_its_worker_is_resumed_by_the_next_worker(
    workspace: Workspace, hold: Hold, wait_until: WaitUntil
) -> None:
    run = hold()
    _kill_worker(workspace, wait_until)
    _kill_run(run)
    wait_until(lambda: run.read_state().state == "lost")
    (run.path / "go").touch()
    state = wait_for_run(workspace, run.id)
    assert state.result == {"steps": 4, "begun_at": 2, "attempt": 2}


def test_a_run_that_dies_at_the_same_place_again_and_again_is_given_up(workspace: Workspace) -> None:
    arguments = {"die_at": 1, "signal": int(signal.SIGSEGV)}
    run = RunFolder(workspace.runs / submit_run(workspace, "probe", arguments))
    state = wait_for_run(workspace, run.id)
    assert state.state == "lost"
    assert 3 <= state.attempt <= 5
    assert state.error is not None
    assert "SIGSEGV" in state.error["cause"]
    assert "Fatal Python error: Segmentation fault" in run.log_path.read_text()


def test_a_run_that_dies_before_its_first_step_is_given_up_after_three_attempts(
    workspace: Workspace, wait_until: WaitUntil
) -> None:
    run = RunFolder(workspace.runs / submit_run(workspace, "probe", {}, after=[submit_run(workspace, "probe", {})]))
    run.log_path.mkdir()  # the log cannot be opened, so its process fails before it can write any state
    state = wait_for_run(workspace, run.id)
    assert (state.state, state.attempt) == ("lost", 3)
    assert state.error is not None
    assert "exit code 1" in state.error["cause"]


def test_a_new_worker_kills_an_adopted_run_that_does_not_stop(
    workspace: Workspace, hold: Hold, wait_until: WaitUntil
) -> None:
    run = hold(ignore_stop=True)
    _kill_worker(workspace, wait_until)
    stop_run(workspace, run.id, grace=0.1)
    assert wait_for_run(workspace, run.id).state == "stopped"


def test_a_second_worker_says_so_and_leaves(workspace: Workspace) -> None:
    ensure_worker(workspace)
    first = read_holder(workspace.runs / "worker.lock")
    second = _run_worker(workspace)
    assert second.returncode == 0
    assert first is not None
    assert f"a worker (process {first.pid} on {first.host}) serves {workspace.root} already" in second.stderr


def test_a_worker_with_nothing_to_do_ends(workspace: Workspace) -> None:
    ended = _run_worker(workspace)
    assert ended.returncode == 0
    assert "nothing to do" in ended.stderr
    assert not is_worker_alive(workspace)


def test_lock_files_of_the_dead_lock_nothing(workspace: Workspace, wait_until: WaitUntil) -> None:
    with subprocess.Popen(["true"]) as process:
        identity = {"pid": process.pid, "start_ticks": 1, "boot_id": "another", "host": identify_self().host}
    workspace.runs.mkdir()
    (workspace.runs / "worker.lock").write_text(json.dumps(identity))
    run_id = submit_run(workspace, "probe", {"hold_at": 9})
    assert wait_for_run(workspace, run_id).state == "done"
    wait_until(lambda: not is_held(workspace.runs / run_id / "lock"))
    assert (workspace.runs / run_id / "lock").exists()


def test_a_run_is_a_folder_and_a_command_that_any_engine_can_start_stop_and_start_again(
    workspace: Workspace, wait_until: WaitUntil
) -> None:
    run = _make_queued_run(workspace, {"steps": 4, "hold_at": 2})
    command = [sys.executable, "-m", "workbench.runs.execute", str(run.path)]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        wait_until(lambda: run.read_stored_state().step == 2)
        process.send_signal(signal.SIGHUP)
        process.send_signal(signal.SIGTERM)
        assert process.wait() == 75
    assert run.read_state().state == "stopped"
    (run.path / "go").touch()
    for _ in range(2):  # the second time there is nothing left to do
        assert subprocess.run(command, check=False, capture_output=True).returncode == 0
    assert run.read_state().result == {"steps": 4, "begun_at": 2, "attempt": 2}
    assert not is_worker_alive(workspace)


def test_a_run_cannot_be_executed_twice_at_once(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    from workbench.runs import execute

    monkeypatch.setattr(execute, "LOCK_SECONDS", 0.0)
    run = _make_queued_run(workspace, {})
    with run.lock() as lock:
        assert lock.acquire()
        assert execute.main([str(run.path)]) == 1
    assert run.read_state().state == "queued"
    assert execute.main([str(workspace.root)]) == 2
    assert execute.main([]) == 2


def test_a_workspace_that_cannot_be_written_is_refused_in_two_sentences(tmp_path: Path) -> None:
    with _without_write_permission(tmp_path), pytest.raises(WorkbenchError, match="No permission") as raised:
        submit_run(Workspace(tmp_path / "workspace"), "probe", {})
    assert "--workspace" in raised.value.solution
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_loses_lines_of_the_log_and_not_the_run() -> None:
    script = (
        "import os\nfrom pathlib import Path\nfrom workbench.runs.log_pump import LogPump\n"
        "from workbench.secrets import Redactor\npump = LogPump(Path('/dev/full'), Redactor(os.environ))\n"
        "for _ in range(20000):\n    print('a line of the log')\npump.finish()\n"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False, timeout=60).returncode == 0


def test_a_log_is_bounded_and_a_secret_in_an_endless_line_is_taken_out(tmp_path: Path) -> None:
    script = (
        "import sys\nfrom pathlib import Path\nfrom workbench.runs import log_pump\n"
        "from workbench.secrets import Redactor\nfolder = Path(sys.argv[1])\n"
        "pump = log_pump.LogPump(folder / 'secret.txt', Redactor({'A_TOKEN': 'secret' * 9}))\n"
        "print('x' * 65520, 'secret' * 9, end='')\npump.finish()\n"
        "log_pump.ROTATE_BYTES = 5000\npump = log_pump.LogPump(folder / 'log.txt', Redactor({}))\n"
        "for _ in range(100):\n    print('y' * 900)\nprint('end')\npump.finish()\n"
    )
    subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=True, timeout=60)
    assert (tmp_path / "secret.txt").read_text() == "x" * 65520 + " [A_TOKEN]"
    assert (tmp_path / "log.1.txt").read_text().startswith("yyy")
    assert "".join(path.read_text() for path in tmp_path.glob("log*")).count("end") == 1


def test_only_the_process_that_was_meant_is_ever_killed() -> None:
    me = identify_self()
    with subprocess.Popen(["sleep", "1000"], start_new_session=True) as process:
        reused = ProcessIdentity(process.pid, 1, me.boot_id, me.host)
        assert not kill_group(reused)
        assert not kill_group(ProcessIdentity(process.pid, 1, "another boot", me.host))
        assert not kill_group(ProcessIdentity(process.pid, 1, me.boot_id, "another host"))
        assert process.poll() is None
        process.kill()
    assert describe_exit(-11) == "was killed by SIGSEGV"
    assert describe_exit(3) == "ended with exit code 3"


def test_a_forked_child_does_not_keep_the_lock_of_its_dead_parent(tmp_path: Path, wait_until: WaitUntil) -> None:
    path = tmp_path / "lock"
    script = (
        "import os, sys, time\nfrom pathlib import Path\nfrom workbench.runs.lock import FileLock\n"
        "lock = FileLock(Path(sys.argv[1])); assert lock.acquire(); lock.close_in_children()\n"
        "child = os.fork()\nif child == 0:\n    time.sleep(1000)\nprint(child, flush=True)\ntime.sleep(1000)\n"
    )
    with subprocess.Popen([sys.executable, "-c", script, str(path)], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        orphan = int(process.stdout.readline())
        assert is_held(path)
        assert not FileLock(path).acquire()
        process.kill()
    wait_until(lambda: not is_held(path))
    os.kill(orphan, signal.SIGKILL)


def _kill_worker(workspace: Workspace, wait_until: WaitUntil) -> None:
    holder = read_holder(workspace.runs / "worker.lock")
    assert holder is not None
    os.kill(holder.pid, signal.SIGKILL)
    wait_until(lambda: not is_worker_alive(workspace))


def _kill_run(run: RunFolder) -> None:
    holder = read_holder(run.lock_path)
    assert holder is not None
    os.kill(holder.pid, signal.SIGKILL)


def _run_worker(workspace: Workspace) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "workbench.runs.worker", str(workspace.root), "--idle", "0"]
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)


def _make_queued_run(workspace: Workspace, arguments: dict[str, object]) -> RunFolder:
    run = RunFolder(workspace.runs / "probe-by-hand")
    run.path.mkdir(parents=True)
    base = {"id": run.id, "kind": "probe", "title": "", "created": time.time(), "after": [], "priority": 0}
    (run.path / "request.json").write_text(json.dumps({**base, "arguments": arguments, "versions": {}}))
    (run.path / "state.json").write_text(json.dumps({**base, "state": "queued"}))
    return run


@contextmanager
def _without_write_permission(folder: Path) -> Iterator[None]:
    """Root may write anywhere, so it becomes nobody for the while."""
    mode = folder.stat().st_mode
    folder.chmod(0o555)
    if os.geteuid() == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        with suppress(PermissionError):
            os.seteuid(os.getuid())
        folder.chmod(mode)
