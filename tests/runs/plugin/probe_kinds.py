"""A kind of run for tests, installed as another package would install its own: counts steps and commits each one.

Arguments: `steps`; `hold_at`, a step before which it waits for the file `go` in its folder; `ignore_stop`; `die_at`, a
step before which it kills itself by signal `signal`, in its first `deaths` attempts; `print`, a text; `fail`, a way to
fail; `give`, its result.
"""

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from workbench.errors import GateError, StopRequested, WorkbenchError
from workbench.files import write_atomic
from workbench.progress import RunContext

PROBE = "probe_kinds:run_probe"
NOT_A_TARGET = "probe_kinds"


def run_probe(arguments: dict[str, Any], context: RunContext) -> dict[str, Any]:
    committed = context.folder / "checkpoints" / "step"
    begin = int(committed.read_text()) if committed.exists() else 0
    steps = int(arguments.get("steps", 3))
    if "print" in arguments:
        sys.stdout.write(arguments["print"])
    fail(str(arguments.get("fail", "")), context.folder)
    if arguments.get("child"):
        child = subprocess.Popen(["sleep", "1000"])
        (context.folder / "child").write_text(str(child.pid))
    context.stage("count")
    for step in range(begin, steps):
        if step == arguments.get("die_at") and context.attempt <= arguments.get("deaths", 10**9):
            context.step(step, steps)
            os.kill(os.getpid(), arguments.get("signal", 9))
        while step == arguments.get("hold_at") and not (context.folder / "go").exists():
            stop(arguments, context)
            time.sleep(0.01)
        stop(arguments, context)
        write_atomic(committed, str(step + 1))
        context.metrics({"loss": 1 / (step + 1)}, step)
        context.step(step + 1, steps)
    return {"steps": steps, "begun_at": begin, "attempt": context.attempt, **arguments.get("give", {})}


def stop(arguments: dict[str, Any], context: RunContext) -> None:
    if context.should_stop() and not arguments.get("ignore_stop"):
        raise StopRequested


def fail(way: str, folder: Path) -> None:
    if way == "user":
        raise WorkbenchError("The flux is low.", "Add flux.")
    if way == "gate":
        raise GateError("The gate is shut.", "Open it.")
    if way == "defect":
        raise RuntimeError(f"key {os.environ.get('PROBE_TOKEN', '')} refused")
    if way == "memory":
        raise MemoryError
    if way == "exit":
        raise SystemExit(3)
    if way == "disk":
        raise OSError(28, "No space left on device", str(folder / "result" / "model.bin"))
    if way == "shape":
        raise TypeError
