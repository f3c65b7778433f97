"""A check is asked once about the same things, and again as soon as one of them changes."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from workbench.datasets.store import Dataset
from workbench.quality.run import run

Make = Callable[[str], Dataset]

SPEC = """
name: coins
rows: 200
seed: 3
columns: [{name: side, type: category, values: [head, tail]}, {name: weight, type: normal, mean: 5, stddev: 1}]
quality: {max_duplicates: 0.9}
"""


def write_real(folder: Path, mean: float) -> str:
    path = folder / "real.csv"
    path.write_text("weight\n" + "".join(f"{mean + number % 17 / 10}\n" for number in range(150)))
    return str(path)


def test_a_second_run_asks_no_check_again_and_finds_the_same(make: Make, context: Any) -> None:
    dataset = make(SPEC)
    first = run({"dataset": str(dataset.folder)}, context)
    again = run({"dataset": str(dataset.folder)}, context)
    assert first["reused"] == 0
    assert again["reused"] > 10
    assert again["checks"] == first["checks"]
    assert run({"dataset": str(dataset.folder), "fresh": True}, context)["reused"] == 0


@pytest.mark.parametrize("change", ["rows", "gate", "real"])
def test_what_a_check_looked_at_decides_whether_it_is_asked_again(
    make: Make, context: Any, tmp_path: Path, change: str
) -> None:
    dataset = make(SPEC)
    arguments = {"dataset": str(dataset.folder), "real": write_real(tmp_path, 5.0)}
    run(arguments, context)
    if change == "rows":
        arguments["dataset"] = str(make(SPEC.replace("seed: 3", "seed: 4")).folder)
    elif change == "gate":
        make(SPEC.replace("0.9", "0.8"))
    else:
        write_real(tmp_path, 6.0)
    assert run(arguments, context)["reused"] == 0


def test_another_description_of_the_same_rows_asks_nothing_again(make: Make, context: Any) -> None:
    run({"dataset": str(make(SPEC).folder)}, context)
    described = make(SPEC + "description: coins that were tossed\n")
    assert run({"dataset": str(described.folder)}, context)["reused"] > 10


def test_a_damaged_finding_is_found_again(make: Make, context: Any) -> None:
    dataset = make(SPEC)
    first = run({"dataset": str(dataset.folder)}, context)
    for number, kept in enumerate(sorted(context.workspace.quality.glob("*.json"))):
        kept.write_text(["", "[]x", '[{"name": 3}]', "{}"][number % 4])
    again = run({"dataset": str(dataset.folder)}, context)
    assert {check["name"]: check["verdict"] for check in again["checks"]} == {
        check["name"]: check["verdict"] for check in first["checks"]
    }
