"""Shared by the tests of imports: real tables as files, and a spec as the command writes it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from workbench.generation.check import check_text
from workbench.generation.preview import preview_text
from workbench.importing.from_data import infer_spec
from workbench.importing.settling import settle_draft
from workbench.spec.yaml_nodes import load_plain

Infer = Callable[..., "Inferred"]


class Inferred:
    """A spec inferred from tables: its text, what it says, and the rows that a preview shows."""

    def __init__(self, folder: Path, frames: dict[str, pd.DataFrame], **options: Any) -> None:
        paths = []
        for name, frame in frames.items():
            paths.append(folder / f"{name}.parquet")
            frame.to_parquet(paths[-1], index=False)
        draft = infer_spec("inferred", paths, folder, **options)
        self.folder, self.notes = folder, draft.notes
        self.text = settle_draft(draft, lambda text: [])
        self.data = load_plain(self.text)

    def table(self, name: str | None = None) -> dict[str, Any]:
        """The mapping of a table, that of the whole spec where there is one."""
        found: dict[str, Any] = self.data if name is None else self.data["tables"][name]
        return found

    def column(self, name: str, table: str | None = None) -> dict[str, Any]:
        """The column of that name."""
        found: dict[str, Any] = next(each for each in self.table(table)["columns"] if each["name"] == name)
        return found

    def comment(self, name: str) -> str:
        """The lines of comments right above a column."""
        lines = self.text.splitlines()
        place = next(number for number, line in enumerate(lines) if f"name: {name}" in line and "- " in line)
        above = []
        while lines[place - 1].lstrip().startswith("#"):
            place -= 1
            above.append(lines[place].strip())
        return "\n".join(reversed(above))

    def check(self) -> list[str]:
        """The errors of the spec."""
        return [str(each) for each in check_text(self.text, self.folder).problems if each.level == "error"]

    def preview(self, rows: int = 50) -> pd.DataFrame:
        """The first rows of the one table."""
        result = preview_text(self.text, self.folder, rows=rows)
        assert result["problems"] == []
        return pd.DataFrame(next(iter(result["tables"].values())))


@pytest.fixture
def infer(tmp_path: Path) -> Infer:
    """Infer a spec from tables given by name, or from the one table “data” of the columns given."""

    def call(frames: dict[str, Any], **options: Any) -> Inferred:
        tables = all(isinstance(frame, pd.DataFrame) for frame in frames.values())
        return Inferred(tmp_path, frames if tables else {"data": pd.DataFrame(frames)}, **options)

    return call


@pytest.fixture
def random() -> np.random.Generator:
    """Random numbers that are the same in every test run."""
    return np.random.default_rng(1)
