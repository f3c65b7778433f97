"""The peers' own environments: venvs beside the benchmarks, so that what they need does not touch this project's."""

from __future__ import annotations

import hashlib
import json
import os
import resource
import subprocess
import sys
import venv
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
HOME = FOLDER.parent / ".peers"
SYNTHESIZERS_HOME = FOLDER.parent / ".peers-synthesizers"
QUALITY_HOME = FOLDER.parent / ".peers-quality"

_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "LOKY_MAX_CPU_COUNT")
"""Variables that limit threads, and processes that do the work of threads and whose time would not be counted."""

_REQUIREMENTS = {
    HOME: "requirements.txt",
    SYNTHESIZERS_HOME: "requirements-synthesizers.txt",
    QUALITY_HOME: "requirements-quality.txt",
}


def find_python(home: Path = HOME) -> Path:
    """The Python of an environment, which is made on first use and when its requirements have changed."""
    requirements = FOLDER / _REQUIREMENTS[home]
    digest = hashlib.sha256(requirements.read_bytes()).hexdigest()
    python, stamp = home / "bin" / "python", home / "requirements.sha256"
    if not stamp.is_file() or stamp.read_text() != digest:
        print(f"Making the peers' environment in {home} …", file=sys.stderr)
        venv.create(home, with_pip=True, clear=True)
        (home / ".gitignore").write_text("*\n")
        command = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*command, "-r", str(requirements)], check=True)
        stamp.write_text(digest)
    return python


def run_peer(script: str, *arguments: str, own: bool = False) -> dict[str, Any]:
    """What a script of this folder prints as JSON, run in the peers' environment, or in this project's if `own`."""
    return run_script(sys.executable if own else str(find_python()), FOLDER / script, *arguments)


def run_script(python: str, script: Path, *arguments: str, cpu_seconds: int | None = None) -> dict[str, Any]:
    """The last line that a script prints, which is JSON. Raises `subprocess.CalledProcessError` if it fails.

    With `cpu_seconds` it may use one thread and so much time of it, whatever else the machine has to do, and is ended
    by SIGXCPU when that is used up.
    """
    environment = dict(os.environ, HF_HUB_OFFLINE="1")
    if cpu_seconds is not None:
        environment |= dict.fromkeys(_THREADS, "1")

    def limit() -> None:
        if cpu_seconds is not None:
            resource.setrlimit(resource.RLIMIT_CPU, (cpu_seconds, cpu_seconds + 5))

    done = subprocess.run(
        [python, str(script), *arguments],
        check=True, capture_output=True, text=True, env=environment, preexec_fn=limit,
    )  # fmt: skip
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer
