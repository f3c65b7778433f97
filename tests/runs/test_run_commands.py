"""`runs`, `show`, `logs`, `stop`, `resume`: what they print and the codes they exit with."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable

import pytest

from workbench.cli.main import main
from workbench.runs.folder import RunFolder
from workbench.runs.submit import submit_run, wait_for_run
from workbench.workspace import Workspace


def test_the_commands_tell_of_a_run_that_is_done(workspace: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    run = submit_run(workspace, "probe", {"print": "\x1b[31mhello\n"}, title="first try")
    wait_for_run(workspace, run)
    place = ["--workspace", str(workspace.root)]
    capsys.readouterr()
    shown = json.loads(_call(capsys, ["show", run, "--json", *place]))
    assert shown.keys() >= {"run", "kind", "state", "step", "steps", "metrics", "result", "error"}
    assert (shown["run"], shown["state"], shown["step"], shown["error"]) == (run, "done", 3, None)
    assert json.loads(_call(capsys, [*place, "runs", "show", "last", "--json"])) == shown
    listed = json.loads(_call(capsys, ["runs", "--json", *place]))
    assert [each["run"] for each in listed["runs"]] == [run]
    assert json.loads(_call(capsys, ["runs", "list", "--state", "failed", "--json", *place]))["runs"] == []
    assert run in _call(capsys, ["runs", *place])
    assert "first try" in _call(capsys, ["runs", "show", run, *place])
    log = _call(capsys, ["logs", run, *place])
    assert log.startswith("hello\n")
    assert "INFO    count" in log
    assert json.loads(_call(capsys, ["logs", run, "-n", "1", "--json", *place]))["lines"][0].endswith("count")
    assert _call(capsys, ["logs", "-f", run, *place]) == log
    assert main(["stop", run, *place]) == 2
    assert main(["resume", run, *place]) == 2
    assert "is done" in capsys.readouterr().err


def test_wrong_words_exit_with_two_sentences_and_code_2(
    workspace: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    place = ["--workspace", str(workspace.root)]
    assert main(["show", "nowhere", *place]) == 2
    assert "There are no runs" in capsys.readouterr().err
    run = submit_run(workspace, "probe", {"fail": "gate"})
    assert wait_for_run(workspace, run).state == "failed"
    assert main(["show", run[:-3] + "???", *place]) == 2
    assert f"Did you mean “{run}”" in capsys.readouterr().err
    assert main(["logs", "-f", run, *place]) == 3
    assert "The gate is shut. Open it." in capsys.readouterr().err
    for words in (["runs", "--state", "faild"], ["logs", "-f", "--json", run], ["stop", run, "--grace", "-1"]):
        assert main([*words, *place]) == 2
    with pytest.raises(SystemExit) as raised:
        main(["runs", "shwo", run, *place])
    assert raised.value.code == 2


def test_interrupting_a_follower_leaves_the_run_alone_and_stop_and_resume_work(
    workspace: Workspace, hold: Callable[..., RunFolder], capsys: pytest.CaptureFixture[str]
) -> None:
    run = hold(print="begun\n")
    place = ["--workspace", str(workspace.root)]
    command = [sys.executable, "-m", "workbench", "logs", "-f", run.id, *place]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as follower:
        assert follower.stdout is not None
        assert follower.stderr is not None
        assert follower.stdout.readline() == "begun\n"
        follower.send_signal(signal.SIGINT)
        assert follower.wait(30) == 130
        assert "The run goes on" in follower.stderr.read()
    assert run.read_state().state == "running"
    assert json.loads(_call(capsys, ["stop", run.id, "--json", *place]))["run"] == run.id
    assert wait_for_run(workspace, run.id).state == "stopped"
    (run.path / "go").touch()
    assert json.loads(_call(capsys, ["resume", "last", "--json", *place]))["state"] == "queued"
    assert wait_for_run(workspace, run.id).state == "done"


def _call(capsys: pytest.CaptureFixture[str], words: list[str]) -> str:
    assert main(words) == 0
    return capsys.readouterr().out
