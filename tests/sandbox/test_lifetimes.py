"""Nothing that a program starts outlives it, nothing outlives the workbench, and many run side by side."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from workbench.sandbox.limits import Mode, Outcome

Run = Callable[..., Outcome]


def test_children_left_in_the_background_are_dead_afterwards(run: Run, mode: Mode) -> None:
    code = """
import os, time
try:
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.close(1); os.close(2)
            marker = "workbench-" + "background"
            os.execv(sys.executable, [sys.executable, "-S", "-c", "import time; time.sleep(300)", marker])
        os._exit(0)
    time.sleep(0.3)
    print("started")
except PermissionError:
    print("refused")
"""
    outcome = run("import sys" + code)
    assert outcome.stdout == ("started\n" if mode == "namespaces" else "refused\n")
    assert outcome.seconds < 10
    assert not find_processes("workbench-background")


def find_processes(word: str) -> list[str]:
    """Command lines of running processes that hold `word`."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_bytes().decode("utf-8", "replace")
        except OSError:
            continue
        if word in line:
            found.append(line)
    return found


def test_a_workbench_that_is_killed_takes_its_program_along(mode: Mode, tmp_path: Path) -> None:
    code = f"""
from workbench.sandbox.launching import launch
from workbench.sandbox.limits import Limits
from workbench.sandbox.programs import find_interpreter
print("ready", flush=True)
launch({mode!r}, {{}}, [find_interpreter(), "-S", "-c", "import time; time.sleep(300)", "workbench-orphan"],
       Limits(wall_seconds=300), b"", ())
"""
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, env=environment)
    assert process.stdout is not None
    process.stdout.readline()
    deadline = time.monotonic() + 20
    while not any("time.sleep" in line and "-I" not in line for line in find_processes("workbench-orphan")):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    while find_processes("workbench-orphan"):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_many_threads_run_programs_at_once(run: Run) -> None:
    results: dict[int, str] = {}

    def work(number: int) -> None:
        results[number] = run(f"open('x', 'w').write('{number}'); print(open('x').read())").stdout

    threads = [threading.Thread(target=work, args=(number,)) for number in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == {number: f"{number}\n" for number in range(24)}
