"""Fixtures of tests that watch a model write: a spec whose model is slow, and an endpoint that is."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from workbench.engines.helper_client import HelperClient

PLUGGED = Path(__file__).parent
SPEC = """\
name: tickets
seed: 7
rows: {rows}
models:
  writer: {{provider: slow_writer, words: {words}, seconds: {seconds}, journal: {journal}, price: {{per_call: 0.01}}}}
columns:
  - {{name: ticket, type: id, pattern: "T{{n:03d}}"}}
  - {{name: reply, type: llm_text, model: writer, prompt: "Answer {{{{ ticket }}}}"}}
"""


@dataclass(frozen=True)
class Slow:
    """The folder of a test, and what its slow model has done."""

    folder: Path

    @property
    def journal(self) -> list[str]:
        """The first word of each line."""
        path = self.folder / "journal"
        return [line.split()[0] for line in path.read_text().splitlines()] if path.exists() else []

    def write_spec(self, words: int = 5, seconds: float = 0.0, rows: int = 40) -> str:
        """A spec with one slow column."""
        return SPEC.format(words=words, seconds=seconds, rows=rows, journal=self.folder / "journal")

    def make_question(self, words: int = 5, seconds: float = 0.0, rows: int = 3) -> dict[str, Any]:
        """The arguments of `preview_models` and `preview`."""
        text = self.write_spec(words, seconds)
        return {"text": text, "folder": str(self.folder), "workspace": str(self.folder), "rows": rows}


@pytest.fixture
def slow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Slow:
    """Processes started from here on have the provider `slow_writer`."""
    monkeypatch.setenv("PYTHONPATH", str(PLUGGED))
    return Slow(tmp_path)


@pytest.fixture
async def slow_helper(slow: Slow) -> AsyncIterator[HelperClient]:
    """A helper process that has it."""
    client = HelperClient(log=slow.folder / "helper.log")
    yield client
    await client.close()


@pytest.fixture
def endpoint() -> Iterator[str]:
    """The address of a server that takes half a second to begin an answer, and some time for each token."""
    command = [sys.executable, "-m", "tests.providers.fault_server", "--set=latency=0.5", "--set=token_latency=0.05"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[3]) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        process.kill()
