"""Plans from YAML, and a run's context that remembers what it was told."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from workbench.generation.check import check_text
from workbench.generation.plan import Plan
from workbench.progress import Level
from workbench.spec.problems import Problem
from workbench.workspace import Workspace


class Recorder:
    """A `RunContext` without a run: everything it is told stays in lists. It stops after `stop_after` blocks."""

    def __init__(self, root: Path, name: str = "r1", stop_after: int | None = None) -> None:
        self.folder = root / "runs" / name
        self.workspace = Workspace(root)
        self.attempt = 1
        self.stop_after = stop_after
        self.stages: list[str] = []
        self.steps: list[tuple[int, int]] = []
        self.lines: list[tuple[str, str]] = []
        self.measured: list[tuple[int, dict[str, float]]] = []

    def stage(self, name: str) -> None:
        self.stages.append(name)

    def step(self, done: int, total: int) -> None:
        self.steps.append((done, total))

    def metrics(self, values: Mapping[str, float], step: int) -> None:
        self.measured.append((step, dict(values)))

    def log(self, message: str, level: Level = "info") -> None:
        self.lines.append((level, message))

    def should_stop(self) -> bool:
        return self.stop_after is not None and len(self.measured) >= self.stop_after


@pytest.fixture
def recorder(tmp_path: Path) -> Callable[..., Recorder]:
    """recorder(name=…, stop_after=…) with the test's folder as the workspace."""
    return lambda name="r1", stop_after=None: Recorder(tmp_path, name, stop_after)


@pytest.fixture
def plan_of(tmp_path: Path) -> Callable[[str], Plan]:
    """The plan of a spec that is expected to be sound."""

    def make_plan(text: str) -> Plan:
        checked = check_text(text, tmp_path)
        assert not checked.errors, checked.errors
        assert checked.plan is not None
        return checked.plan

    return make_plan


@pytest.fixture
def problems_of(tmp_path: Path) -> Callable[[str], list[Problem]]:
    """The problems of a spec."""
    return lambda text: check_text(text, tmp_path).problems
