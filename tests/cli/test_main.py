"""The command as a process: exit codes, two sentences on stderr, JSON on stdout, nothing half-written."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from workbench.cli.main import put_command_first

COMMANDS = {"app", "check", "runs", "doctor"}


def run_workbench(*words: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "workbench", *words], capture_output=True, text=True, cwd=cwd, stdin=subprocess.DEVNULL
    )


def test_help_lists_every_command_and_exits_0() -> None:
    answer = run_workbench("--help")
    assert answer.returncode == 0
    for command in ("demo", "new", "check", "preview", "generate", "inspect", "quality", "methods", "estimate", "tune",
                    "runs", "show", "logs", "stop", "resume", "compare", "doctor"):  # fmt: skip
        assert f"\n    {command} " in answer.stdout or f"\n    {command}\n" in answer.stdout, command


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["spec.yaml"], ["app", "spec.yaml"]),
        ([], ["app"]),
        (["--json", "doctor"], ["doctor", "--json"]),
        (["--workspace", "runs", "check", "a.yaml"], ["check", "--workspace", "runs", "a.yaml"]),
        (["a.yaml", "--workspace", "runs"], ["app", "a.yaml", "--workspace", "runs"]),
        (["--version"], ["--version"]),
    ],
)
def test_shared_options_may_stand_before_the_command(words: list[str], expected: list[str]) -> None:
    assert put_command_first(words, COMMANDS) == expected


def test_a_misspelt_command_names_the_nearest_one() -> None:
    answer = run_workbench("cehck")
    assert answer.returncode == 2
    assert "Did you mean “check”?" in answer.stderr
    assert "Traceback" not in answer.stderr


def test_the_app_in_a_pipe_says_what_to_use_instead(tmp_path: Path) -> None:
    answer = run_workbench(str(tmp_path / "new.yaml"))
    assert answer.returncode == 2
    assert "needs a terminal" in answer.stderr
    assert "workbench preview" in answer.stderr


def test_an_error_with_json_is_one_object_with_cause_and_solution(tmp_path: Path) -> None:
    answer = run_workbench("show", "nothing", "--json", "--workspace", str(tmp_path))
    found = json.loads(answer.stdout)
    assert answer.returncode == found["exit_code"] == 2
    assert set(found["error"]) == {"cause", "solution"}


@pytest.mark.parametrize("name", ["../up", "a/b", ".hidden", "", "x" * 200, "tab\there", "\x1b[31mred"])
def test_a_name_with_a_path_in_it_is_refused_and_writes_nothing(name: str, tmp_path: Path) -> None:
    answer = run_workbench("new", name, "--workspace", str(tmp_path / "ws"))
    assert answer.returncode == 2
    assert "cannot be the name" in answer.stderr
    assert "\x1b" not in answer.stderr
    assert list(tmp_path.iterdir()) == []


def test_new_writes_a_spec_without_problems_and_never_overwrites_one(tmp_path: Path) -> None:
    first = run_workbench("new", "tickets", "--json", "--workspace", str(tmp_path))
    spec = json.loads(first.stdout)["spec"]
    assert run_workbench("check", spec).returncode == 0
    assert "name: tickets" in Path(spec).read_text("utf-8")
    again = run_workbench("new", "tickets", "--workspace", str(tmp_path))
    assert again.returncode == 2
    assert "exists already" in again.stderr


def test_problems_of_a_spec_are_printed_like_a_compiler_prints_them(tmp_path: Path) -> None:
    spec = tmp_path / "bad.yaml"
    spec.write_text("name: bad\nrows: 5\ncolumns:\n  - {name: a, type: nromal, mean: 1, stddev: 1}\n", "utf-8")
    answer = run_workbench("check", str(spec))
    assert answer.returncode == 2
    assert f"{spec}:4:" in answer.stderr
    assert "Did you mean “normal”?" in answer.stderr
    found = json.loads(run_workbench("check", str(spec), "--json").stdout)["problems"]
    assert [(problem["line"], problem["path"]) for problem in found] == [(4, "columns[0].type")]


@pytest.mark.parametrize("command", ["check", "preview", "generate"])
def test_a_missing_file_is_wrong_usage(command: str, tmp_path: Path) -> None:
    answer = run_workbench(command, str(tmp_path / "none.yaml"), "--workspace", str(tmp_path / "ws"))
    assert answer.returncode == 2
    assert "none.yaml" in answer.stderr
    assert "Traceback" not in answer.stderr
    assert not (tmp_path / "ws").exists()


def test_the_json_schema_knows_every_column_type() -> None:
    answer = run_workbench("check", "--schema")
    schema = json.loads(answer.stdout)
    assert answer.returncode == 0
    assert "columns" in schema["properties"]
    assert {"category", "template", "expression"} <= {
        definition["properties"]["type"].get("const")
        for definition in schema["$defs"].values()
        if "type" in definition.get("properties", {})
    }


def test_a_workspace_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", "utf-8")
    answer = run_workbench("runs", "--workspace", str(tmp_path / "file"))
    assert answer.returncode == 2
    assert "is a file" in answer.stderr


def test_the_completion_script_completes_commands() -> None:
    answer = run_workbench("completion", "bash")
    assert answer.returncode == 0
    assert "estimate" in answer.stdout


def test_a_closed_pipe_ends_quietly() -> None:
    answer = subprocess.run(
        f"{sys.executable} -m workbench check --schema | head -c 20", shell=True, capture_output=True, text=True
    )
    assert "Traceback" not in answer.stderr
    assert "Exception" not in answer.stderr
