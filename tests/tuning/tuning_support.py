"""A small spec, its dataset, and a run context that remembers what it was told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from workbench.generation.run import run as generate
from workbench.workspace import Workspace

SPEC = """
name: animals
seed: 3
rows: 120
columns:
  - {name: kind, type: category, values: [bird, fish]}
  - {name: place, type: category, given: kind, values: {bird: [a tree, a nest, the air], fish: [a river, the sea]}}
  - {name: weight, type: uniform_int, low: 1, high: 999}
training:
  task: prompt_completion
  prompt: "It weighs {{ weight }} and lives in {{ place }}:"
  completion: " {{ kind }}"
  label: kind
"""


@dataclass
class RecordingContext:
    """A `RunContext` that keeps all it is told. It asks to stop once `stop_at` steps are done."""

    folder: Path
    workspace: Workspace
    attempt: int = 1
    stop_at: int | None = None
    stages: list[str] = field(default_factory=list)
    figures: dict[int, dict[str, float]] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)
    steps: tuple[int, int] = (0, 0)

    def stage(self, name: str) -> None:
        self.stages.append(name)

    def step(self, done: int, total: int) -> None:
        self.steps = (done, total)

    def metrics(self, values: Mapping[str, float], step: int) -> None:
        self.figures.setdefault(step, {}).update(values)

    def log(self, message: str, level: str = "info") -> None:
        self.lines.append(message)

    def should_stop(self) -> bool:
        return self.stop_at is not None and self.steps[0] >= self.stop_at

    @property
    def losses(self) -> list[float]:
        """The training loss of each step told so far, in order."""
        return [self.figures[step]["loss"] for step in sorted(self.figures)]


def make_context(workspace: Workspace, name: str, **fields: Any) -> RecordingContext:
    folder = workspace.runs / name
    folder.mkdir(parents=True, exist_ok=True)
    return RecordingContext(folder, workspace, **fields)


def make_dataset(workspace: Workspace, spec: str = SPEC, folder: Path | None = None) -> str:
    """Generate the dataset of `spec`; returns its folder."""
    arguments = {"spec": spec, "folder": str(folder or workspace.root), "rows": None, "out": None}
    return str(generate(arguments, make_context(workspace, "generate"))["dataset"])
