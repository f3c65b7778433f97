"""What a program uses up: each limit ends it, quickly, and the outcome says which."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from workbench.errors import WorkbenchError
from workbench.sandbox.limits import Limits, Mode, Outcome

Run = Callable[..., Outcome]
MIB = 2**20


def test_a_program_that_ends_says_how(run: Run) -> None:
    outcome = run("import sys; print('out', sys.stdin.read()); print('err', file=sys.stderr); sys.exit(3)", stdin="näh")
    assert (outcome.exit_code, outcome.stdout, outcome.stderr, outcome.ended) == (3, "out näh\n", "err\n", "exit")
    assert 0 < outcome.cpu_seconds < 5
    assert 5 * MIB < outcome.peak_bytes < 512 * MIB
    assert 0 < outcome.seconds < 10


def test_a_program_that_is_killed_by_a_signal_has_no_exit_code(run: Run) -> None:
    outcome = run("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)")
    assert (outcome.exit_code, outcome.ended) == (None, "signal")


def test_an_endless_loop_ends_by_its_processor_time(run: Run) -> None:
    outcome = run("while True: pass", cpu_seconds=1)
    assert (outcome.exit_code, outcome.ended) == (None, "cpu")
    assert 0.5 < outcome.cpu_seconds < 3


def test_an_endless_loop_that_ignores_the_signal_ends_too(run: Run) -> None:
    outcome = run(
        "import signal\nfor s in (24, 15, 2, 1): signal.signal(s, signal.SIG_IGN)\nwhile True: pass", cpu_seconds=1
    )
    assert outcome.ended == "cpu"
    assert outcome.cpu_seconds < 4


def test_waiting_ends_by_the_clock(run: Run) -> None:
    outcome = run("import time; time.sleep(100)", wall_seconds=0.4)
    assert outcome.ended == "timeout"
    assert 0.4 <= outcome.seconds < 5


@pytest.mark.parametrize(
    "code",
    [
        "x = bytearray(2 << 30)",
        "x = []\nwhile True: x.append(bytes(1 << 20))",
        "x = 'a'\nwhile True: x += x",
        "import mmap; m = mmap.mmap(-1, 2 << 30)\nfor i in range(0, 2 << 30, 4096): m[i] = 1",
    ],
)
def test_a_program_that_takes_two_gigabytes_ends_by_memory(run: Run, code: str) -> None:
    outcome = run(code, memory_bytes=256 * MIB)
    assert outcome.ended in {"memory", "exit"} if "mmap" in code else outcome.ended == "memory"
    assert outcome.exit_code != 0
    assert outcome.peak_bytes < 700 * MIB


def test_processes_together_get_no_more_memory_than_one(run: Run, mode: Mode) -> None:
    if mode == "landlock":
        pytest.skip("programs have one process there")
    code = """
import os, time
for _ in range(8):
    if os.fork() == 0:
        x = bytearray(os.urandom(1 << 20)) * 100
        time.sleep(20)
time.sleep(20)
"""
    outcome = run(code, memory_bytes=256 * MIB)
    assert outcome.ended == "memory"
    assert outcome.seconds < 10


def test_processes_together_get_no_more_processor_time_than_one(run: Run, mode: Mode) -> None:
    if mode == "landlock":
        pytest.skip("programs have one process there")
    code = "import os\nfor _ in range(6): os.fork()\nwhile True: pass"
    outcome = run(code, cpu_seconds=1, processes=80)
    assert outcome.ended == "cpu"
    assert outcome.cpu_seconds < 6


def test_a_fork_bomb_ends(run: Run) -> None:
    outcome = run("import os\nwhile True:\n    try: os.fork()\n    except OSError: pass", cpu_seconds=1)
    assert outcome.ended in {"cpu", "memory"}
    assert outcome.seconds < 15


def test_threads_are_counted(run: Run, mode: Mode) -> None:
    code = """
import threading, time
count = 0
try:
    for count in range(1000):
        threading.Thread(target=time.sleep, args=(0.2,), daemon=True).start()
except RuntimeError:
    print("refused", count)
"""
    word, _, count = run(code).stdout.partition(" ")
    assert word == "refused"
    assert int(count) < (34 if mode == "namespaces" else 200)


def test_writing_a_gigabyte_ends(run: Run) -> None:
    outcome = run("f = open('big', 'wb')\nwhile True: f.write(bytes(1 << 20)); f.flush()")
    assert outcome.exit_code != 0
    assert outcome.seconds < 10


def test_many_files_together_are_bounded(run: Run) -> None:
    code = """
import time
for i in range(1000):
    with open(f"f{i}", "wb") as f: f.write(bytes(8 << 20))
    if i > 20: time.sleep(0.05)
"""
    outcome = run(code)
    assert outcome.exit_code != 0
    assert outcome.seconds < 20


def test_many_empty_files_are_bounded(run: Run) -> None:
    code = "import time\nfor i in range(100000):\n    open(f'f{i}', 'w').close()\n    if i > 5000: time.sleep(0.01)"
    assert run(code).exit_code != 0


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_endless_printing_ends(run: Run, stream: str) -> None:
    outcome = run(f"import sys\nwhile True: sys.{stream}.write('x' * 1000)", output_bytes=10_000)
    assert (outcome.ended, outcome.exit_code) == ("output", None)
    assert len(getattr(outcome, stream)) == 10_000
    assert outcome.seconds < 10


def test_too_much_output_is_too_much_even_when_the_program_has_ended(run: Run) -> None:
    outcomes = {run("print('x' * 20_000, flush=True)", output_bytes=10_000).ended for _ in range(5)}
    assert outcomes == {"output"}


def test_open_files_are_counted(run: Run) -> None:
    outcome = run("files = [open('main.py') for _ in range(1000)]")
    assert "Too many open files" in outcome.stderr


def test_the_limits_cannot_be_raised(run: Run) -> None:
    code = """
import resource
for name in ("AS", "DATA", "CPU", "NOFILE", "FSIZE", "CORE", "STACK"):
    which = getattr(resource, "RLIMIT_" + name)
    try: resource.setrlimit(which, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    except (OSError, ValueError): continue
    print(name)
"""
    outcome = run(code)
    assert (outcome.stdout, outcome.stderr, outcome.exit_code) == ("", "", 0)


def test_output_is_free_of_control_characters(run: Run) -> None:
    code = r"import sys; sys.stdout.buffer.write(b'a\x1b[31mred\x1b]0;title\x07\x00\xff b\n\tc\xe2\x80\xae')"
    assert run(code).stdout == "ared� b\n\tc"


def test_deep_recursion_of_the_interpreter_is_an_ending_like_any_other(run: Run) -> None:
    outcome = run("import sys; sys.setrecursionlimit(10**9)\ndef f(): f()\nf()", cpu_seconds=3)
    assert outcome.ended in {"signal", "memory"}


def test_a_limit_below_one_is_refused() -> None:
    with pytest.raises(WorkbenchError, match="below 1"):
        Limits(processes=0)
