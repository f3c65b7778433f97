"""`run_program`, as the rest of the workbench calls it."""

from __future__ import annotations

from pathlib import Path

import pytest

from workbench.errors import WorkbenchError
from workbench.sandbox.isolation import Isolation, find_isolation
from workbench.sandbox.limits import Limits
from workbench.sandbox.programs import find_interpreter, list_needs
from workbench.sandbox.running import run_program

needs_sandbox = pytest.mark.skipif(find_isolation().mode is None, reason="; ".join(find_isolation().reasons))


@needs_sandbox
def test_files_in_folders_and_programs_by_name_are_found() -> None:
    files = {"a/b.txt": "näh\n", "c.txt": "x"}
    assert run_program(files, ["cat", "a/b.txt", "c.txt"]).stdout == "näh\nx"


@needs_sandbox
def test_paths_that_are_named_can_be_read_and_not_written(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir(mode=0o755)
    (tmp_path / "data" / "x.txt").write_text("shown", encoding="utf-8")
    (tmp_path / "beside.txt").write_text("hidden", encoding="utf-8")
    data = tmp_path / "data"
    code = """
import sys
print(open(sys.argv[1] + "/x.txt").read())
for path, mode in ((sys.argv[1] + "/../beside.txt", "r"), (sys.argv[1] + "/x.txt", "a"), (sys.argv[1] + "/new", "w")):
    try: open(path, mode)
    except OSError: print("refused")
"""
    command = [find_interpreter(), "-S", "-c", code, str(data)]
    outcome = run_program({}, command, readable=[str(data)])
    assert outcome.stdout == "shown\nrefused\nrefused\nrefused\n"
    assert run_program({}, command).exit_code == 1


@needs_sandbox
@pytest.mark.parametrize("name", ["/etc/x", "../x", "a/../../x", "", "a\0b"])
def test_a_file_that_leads_out_of_the_folder_is_refused(name: str) -> None:
    with pytest.raises(WorkbenchError, match="is no file of the sandbox"):
        run_program({name: ""}, ["true"])


@needs_sandbox
@pytest.mark.parametrize("program", ["no-such-program", "/no/such/program", "/etc/passwd"])
def test_a_program_that_is_not_there_is_an_error_of_two_sentences(program: str) -> None:
    with pytest.raises(WorkbenchError, match="There is no program") as caught:
        run_program({}, [program])
    assert caught.value.solution


@needs_sandbox
def test_files_beyond_their_limit_are_an_error_and_no_outcome() -> None:
    with pytest.raises(WorkbenchError, match="could not be set up"):
        run_program({"big": "x" * 5_000_000}, ["true"], Limits(folder_bytes=1_000_000))


def test_where_programs_cannot_be_kept_apart_none_is_run(monkeypatch: pytest.MonkeyPatch) -> None:
    nothing = Isolation(None, 0, True, (), ("namespaces: Operation not permitted", "Landlock: this kernel has none"))
    monkeypatch.setattr("workbench.sandbox.running.find_isolation", lambda: nothing)
    with pytest.raises(WorkbenchError, match="cannot be kept from the network") as caught:
        run_program({}, ["true"])
    assert "Landlock: this kernel has none" in caught.value.cause
    assert nothing.describe() == "cannot be set up"


def test_a_program_of_the_system_needs_nothing_more_and_another_one_its_libraries(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "lib").mkdir()
    assert list_needs("/usr/bin/env") == ()
    assert list_needs(str(tmp_path / "bin" / "tool")) == (str(tmp_path / "bin" / "tool"), str(tmp_path / "lib"))
