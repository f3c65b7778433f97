"""Datasets made for real: generation writes them, quality reads them."""

from collections.abc import Callable
from pathlib import Path

import pytest

from workbench.datasets.store import Dataset, open_dataset
from workbench.generation.run import run as generate
from workbench.progress import Level, Quiet
from workbench.workspace import Workspace

Make = Callable[[str], Dataset]


class Context(Quiet):
    """What a run gives to its work, without a run; keeps the log. `stop` asks the work to stop."""

    attempt = 1

    def __init__(self, root: Path) -> None:
        self.workspace = Workspace(root)
        self.folder = root / "runs" / "test"
        self.folder.mkdir(parents=True, exist_ok=True)
        self.lines: list[tuple[Level, str]] = []
        self.stop = False

    def log(self, message: str, level: Level = "info") -> None:
        self.lines.append((level, message))

    def should_stop(self) -> bool:
        return self.stop


@pytest.fixture
def context(tmp_path: Path) -> Context:
    return Context(tmp_path)


@pytest.fixture
def make(tmp_path: Path, context: Context) -> Make:
    """Makes the dataset of a spec whose folder is `tmp_path`."""

    def make_dataset(spec: str) -> Dataset:
        result = generate({"spec": spec, "folder": str(tmp_path), "rows": None, "out": None}, context)
        return open_dataset(result["dataset"], context.workspace)

    return make_dataset
