"""The same for a user other than the superuser, and in a container that forbids namespaces, or everything."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

SCRIPT = """
import json, os, struct, sys
sys.path.insert(0, sys.argv[1])
from workbench.sandbox import kernel

def forbid(*numbers):
    code = struct.pack("<HBBI", 0x20, 0, 0, 0)
    for number in numbers:
        code += struct.pack("<HBBIHBBI", 0x15, 0, 1, number, 0x06, 0, 0, 0x00050001)
    code += struct.pack("<HBBI", 0x06, 0, 0, 0x7fff0000)
    kernel.control(kernel.PR_SET_NO_NEW_PRIVS, 1)
    program = kernel.copy_out(code)
    header = kernel.copy_out(struct.pack("<HxxxxxxQ", len(code) // 8, kernel.find_address(program)))
    kernel.control(kernel.PR_SET_SECCOMP, 2, kernel.find_address(header))

forbid(*json.loads(sys.argv[2]))
from workbench.errors import WorkbenchError
from workbench.sandbox.isolation import find_isolation
from workbench.sandbox.limits import Limits
from workbench.sandbox.programs import find_interpreter
from workbench.sandbox.running import run_program

def run(code, **limits):
    try:
        command = [find_interpreter(), "-S", "main.py", str(os.getpid())]
        outcome = run_program({"main.py": code}, command, Limits(**limits))
    except WorkbenchError as error:
        return ["error", str(error)]
    return [outcome.ended, outcome.stdout]

HOSTILE = '''
import os, socket, sys
def attempt(name, action):
    try: action()
    except Exception: print(name, "refused")
    else: print(name, "DONE")
attempt("network", lambda: socket.socket())
attempt("passwords", lambda: open("/etc/passwd").read())
attempt("project", lambda: open(%r).read())
attempt("temporary", lambda: open("/tmp/workbench-left", "w"))
attempt("kill", lambda: os.kill(int(sys.argv[1]), 9))
attempt("root", lambda: os.setuid(0) or os.setresuid(0, 0, 0) or 1 / 0)
open("mine", "w").write("x"); print(open("mine").read())
''' % os.path.join(sys.argv[1], "workbench", "errors.py")
isolation = find_isolation()
print(json.dumps({
    "user": os.getuid(), "mode": isolation.mode, "missing": isolation.missing, "reasons": isolation.reasons,
    "hostile": run(HOSTILE), "memory": run("bytearray(2 << 30)"),
    "bomb": run("import os\\nwhile True:\\n    try: os.fork()\\n    except OSError: pass", cpu_seconds=1),
}))
"""
UNSHARE, LANDLOCK = 272, 444
PROJECT = Path(__file__).parents[2]


def run_as(user: int | None, forbidden: list[int]) -> dict[str, Any]:
    """What the script finds under a user (None: the one who tests) where the kernel refuses some calls."""
    if os.uname().machine != "x86_64":
        pytest.skip("the numbers of system calls in this test are those of x86-64")
    python = shutil.which("python3", path="/usr/bin:/usr/local/bin")
    version = [python or "false", "-c", "import sys; sys.exit(sys.version_info < (3, 11))"]
    if python is None or subprocess.run(version, check=False).returncode:
        pytest.skip("there is no Python 3.11 that every user may read")
    prefix: list[str] = []
    if user is not None:
        if os.getuid() != 0 or shutil.which("setpriv") is None:
            pytest.skip("only the superuser can become another user, and only by setpriv")
        prefix = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups"]
    command = [*prefix, python, "-B", "-c", SCRIPT, str(PROJECT), json.dumps(forbidden)]
    done = subprocess.run(command, capture_output=True, text=True, cwd="/", timeout=120, check=False)
    if "ModuleNotFoundError" in done.stderr:
        pytest.skip("that user may not read the project")
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize(
    ("user", "forbidden"),
    [(None, []), (None, [UNSHARE]), (12345, []), (12345, [UNSHARE]), (65534, [LANDLOCK])],
)
def test_every_user_gets_what_the_kernel_allows(user: int | None, forbidden: list[int]) -> None:
    found = run_as(user, forbidden)
    if found["mode"] is None:
        pytest.skip("; ".join(found["reasons"]))
    assert found["mode"] == ("landlock" if UNSHARE in forbidden else "namespaces")
    assert bool(found["missing"]) == bool(forbidden)
    ended, said = found["hostile"]
    assert (ended, said.count("refused"), "DONE" in said, said.endswith("x\n")) == ("exit", 6, False, True)
    assert found["memory"][0] == "memory"
    assert found["bomb"][0] in {"cpu", "memory"}
    assert not Path("/tmp/workbench-left").exists()


@pytest.mark.parametrize("user", [None, 65534])
def test_where_nothing_can_be_shut_off_nothing_runs(user: int | None) -> None:
    found = run_as(user, [UNSHARE, LANDLOCK])
    assert found["mode"] is None
    assert len(found["reasons"]) == 2
    for what in ("hostile", "memory", "bomb"):
        assert found[what][0] == "error"
        assert "cannot be kept from the network" in found[what][1]
