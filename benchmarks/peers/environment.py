"""The peers' own environment: a venv beside the benchmarks, so that what they need does not touch this project's."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import venv
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
HOME = FOLDER.parent / ".peers"


def find_python() -> Path:
    """The Python of the environment, which is made on first use and when `requirements.txt` has changed."""
    requirements = FOLDER / "requirements.txt"
    digest = hashlib.sha256(requirements.read_bytes()).hexdigest()
    python, stamp = HOME / "bin" / "python", HOME / "requirements.sha256"
    if not stamp.is_file() or stamp.read_text() != digest:
        print(f"Making the peers' environment in {HOME} …", file=sys.stderr)
        venv.create(HOME, with_pip=True, clear=True)
        command = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*command, "-r", str(requirements)], check=True)
        stamp.write_text(digest)
    return python


def run_peer(script: str, *arguments: str, own: bool = False) -> dict[str, Any]:
    """What a script of this folder prints as JSON, run in the peers' environment, or in this project's if `own`."""
    command = [sys.executable if own else str(find_python()), str(FOLDER / script), *arguments]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer
