"""Scenes for `test_crashes`: runs in forked children that die, lose their rights or their disk. Prints JSON.

It runs in a process of its own: the interpreter is forked before it has made a thread, and a child dies by SIGKILL
just before one of its file operations, found by Python's audit events, so each moment of a run can be met exactly.
"""

from __future__ import annotations

import json
import os
import random
import resource
import shutil
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet  # noqa: F401 - imported before forking, as is all below
import scipy.special  # noqa: F401

import workbench.generation.plan as plan
import workbench.generation.run as generation
from workbench.errors import WorkbenchError
from workbench.generation.check import check_text
from workbench.progress import Quiet
from workbench.workspace import Workspace

plan.BLOCK_ROWS = 200  # type: ignore[misc]
EVENTS = {"open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "tempfile.mkstemp"}
SPEC = """name: bank
seed: 3
rows: 1500
columns:
  - {name: id, type: id}
  - {name: amount, type: lognormal, mean: 3, stddev: 1}
  - {name: who, type: faker, method: pystr}
  - {name: memo, type: template, template: "{{ who }}: {{ amount }}"}
scenarios: [{name: rich, share: 0.1, set: {amount: 1000}}]
"""


class Context(Quiet):
    def __init__(self, root: Path) -> None:
        self.folder, self.workspace, self.attempt = root / "runs" / "r1", Workspace(root), 1


def generate(root: Path) -> None:
    generation.run({"spec": SPEC, "folder": "/", "rows": None, "out": None, "workers": 1}, Context(root))


def fork(work: Callable[[], None]) -> int:
    """Exit status of `work` in a child as `subprocess` gives it: the negative signal where one ended it."""
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            work()
            status = 0
        except WorkbenchError as error:
            sys.stderr.write(f"{error}\n")
            status = 3
        except Exception:
            traceback.print_exc()
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def count_events(limit: int | None = None) -> list[int]:
    """A list whose one entry counts this process's file operations. It is killed before number `limit`."""
    seen = [0]

    def watch(event: str, _: tuple[Any, ...]) -> None:
        if event in EVENTS:
            seen[0] += 1
            if seen[0] == limit:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(watch)
    return seen


def read_bytes(root: Path) -> dict[str, str]:
    """Every file below `root` as text of its bytes, without the times that manifest and Croissant file hold."""
    found = {}
    for path in sorted(root.rglob("*")):
        if path.is_file():
            content = path.read_bytes()
            if path.name == "manifest.json":
                manifest = {**json.loads(content), "created": "", "seconds": 0, "extras": []}
                content = json.dumps(manifest).encode()
            if path.name == "croissant.json":
                content = json.dumps({**json.loads(content), "datePublished": ""}).encode()
            found[str(path.relative_to(root))] = content.hex()
    return found


def main(base: Path, kills: int) -> None:
    """Play all scenes in folders below `base`."""
    # Imports what a spec needs, before a child loses the right to read it.
    assert check_text(SPEC, Path("/")).plan is not None
    whole, counted = base / "whole", base / "counted"

    def run_whole() -> None:
        seen = count_events()
        generate(whole)
        counted.write_text(str(seen[0]))

    assert fork(run_whole) == 0
    expected = read_bytes(whole)
    operations = int(counted.read_text())
    chance = random.Random(5)
    moments = [*sorted(chance.sample(range(1, operations + 1), kills - 2)), operations - 1, operations]
    outcomes = []
    for moment in moments:
        root = base / f"killed-{moment}"

        def die(root: Path = root, moment: int = moment) -> None:
            count_events(moment)
            generate(root)

        statuses = [fork(die), fork(lambda root=root: generate(root))]  # type: ignore[misc]
        outcomes.append({"moment": moment, "statuses": statuses, "equal": read_bytes(root) == expected})
        shutil.rmtree(root)

    def lack_disk() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (6_000, 6_000))
        generate(base / "full")

    def lack_rights() -> None:
        base.chmod(0o755)
        if os.getuid() == 0:
            os.setgid(65534)
            os.setuid(65534)
        else:
            base.chmod(0o555)
        generate(base / "denied")

    full = fork(lack_disk)
    left = [path.name for path in (base / "full").rglob("*") if path.is_file()]
    denied = fork(lack_rights)
    base.chmod(0o700)
    resumed = fork(lambda: generate(base / "full"))
    report = {
        "operations": operations,
        "kills": outcomes,
        "full": {"status": full, "left": left, "resumed": resumed, "equal": read_bytes(base / "full") == expected},
        "denied": {"status": denied, "made": (base / "denied").exists()},
    }
    sys.stdout.write(json.dumps(report))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
