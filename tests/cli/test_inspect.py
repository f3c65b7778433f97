"""`inspect` and `preview` on wide tables, and what a dataset says of itself."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from workbench.cli.main import main
from workbench.cli.output import print_rows
from workbench.datasets.store import open_dataset
from workbench.workspace import Workspace

SPEC = """name: wide
tables:
  people:
    rows: 60
    primary_key: id
    columns: [{name: id, type: id}, {name: town, type: category, values: [Rome, Bonn]}]
  visits:
    foreign_keys: [{column: person, table: people, per_parent: 3}]
    columns:
      - {name: ok, type: bernoulli, p: 0.5}
      - {name: town, type: foreign_key, table: people, column: town}
      - {name: note, type: template, template: "A visit to {{ town }} that went on for a very long afternoon"}
COLUMNS
    scenarios: [{name: fair, share: 0.1, set: {ok: true}}]
    parity: [{outcome: ok, across: town}]
splits: {train: 0.5, test: 0.5}
""".replace("COLUMNS", "\n".join(f"      - {{name: figure_{n}, type: uniform, low: 0, high: 1}}" for n in range(8)))


@pytest.fixture
def call(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    (tmp_path / "wide.yaml").write_text(SPEC)

    def run(*words: str) -> str:
        assert main([*words, "--workspace", str(tmp_path)]) == 0
        return capsys.readouterr().out

    return run


def test_inspect_says_what_was_asked_what_came_out_and_shows_wide_rows_one_by_one(
    call: Callable[..., str], tmp_path: Path
) -> None:
    call("generate", str(tmp_path / "wide.yaml"), "--workers", "1")
    shown = call("inspect", "wide", "-n", "2")
    assert "people: 60 rows (train 30, test 30)" in shown
    assert "visits: 180 rows (train 90, test 90)" in shown
    assert "scenario fair: 18 rows, 18 asked" in shown
    assert "parity of ok across town: rates differ by" in shown
    assert "── row 2 ─" in shown
    assert "── row 3 ─" not in shown
    assert "figure_7" in shown.split("── row 1")[1]


def test_only_the_files_of_the_first_rows_are_read(call: Callable[..., str], tmp_path: Path) -> None:
    call("generate", str(tmp_path / "wide.yaml"), "--workers", "1")
    dataset = open_dataset("wide", Workspace(tmp_path))
    assert dataset.read_first("visits", 7).equals(dataset.read("visits").head(7))
    assert len(dataset.read_first("visits", 0)) == 0
    assert len(dataset.read_first("visits", 999)) == 180


def test_narrow_rows_are_a_table_and_wide_ones_stand_below_one_another(capsys: pytest.CaptureFixture[str]) -> None:
    print_rows(["a", "b"], [["1", "2"]], "t")
    assert "── row" not in capsys.readouterr().out
    names = [f"column_{n}" for n in range(12)]
    print_rows(names, [["x" * 150] * 12], "t")
    out = capsys.readouterr().out
    assert out.startswith("t\n── row 1 ─")
    assert max(map(len, out.splitlines())) <= 100
    assert out.count("x") == 12 * 150
