"""Blocks by several processes: the same bytes as by one, whenever the run is killed, and nothing left running."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from workbench.datasets.store import Dataset, open_dataset
from workbench.workspace import Workspace

SCRIPT = Path(__file__).with_name("pooled_run.py")
KILLS = 4


def start(root: Path, workers: int) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, str(SCRIPT), str(root), str(workers)], stdout=subprocess.PIPE, text=True)


def read_bytes(root: Path) -> dict[str, bytes]:
    """The data files of the dataset, and no other file: nothing half-written beside it."""
    left = [path for path in (root / "datasets" / "shop").iterdir() if path.name.startswith(".")]
    assert left == []
    return {path.name: path.read_bytes() for path in sorted(root.glob("datasets/shop/*/data/*"))}


def find_children(pid: int) -> list[int]:
    """Processes that `pid` has started."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(stat.read_text().rsplit(")", 1)[1].split()[1])
        except (OSError, IndexError):
            continue
        if parent == pid:
            found.append(int(stat.parent.name))
    return found


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("alone")
    with start(root, 1) as process:
        assert process.wait(100) == 0
    return root


def test_a_pool_makes_the_bytes_of_one_process(alone: Path, tmp_path: Path) -> None:
    with start(tmp_path, 3) as process:
        assert process.wait(100) == 0
    expected = read_bytes(alone)
    assert len(expected) > 30
    assert read_bytes(tmp_path) == expected


def test_every_table_of_the_dataset_has_its_rows(alone: Path) -> None:
    dataset: Dataset = open_dataset("shop", Workspace(alone))
    assert len(dataset.read("a")) == 3000
    assert set(dataset.read("b")["a_id"]) <= set(dataset.read("a")["id"])
    assert dataset.read("c")["n"].is_unique
    rejected = dataset.manifest.tables["c"].rejected
    assert rejected == {"unique n": 1500 - len(dataset.read("c"))}


def test_a_pool_that_is_killed_leaves_no_process_and_goes_on_to_the_same_bytes(alone: Path, tmp_path: Path) -> None:
    chance = random.Random(11)
    expected = read_bytes(alone)
    for kill in range(KILLS):
        root = tmp_path / str(kill)
        with start(root, 2) as process:
            assert process.stdout is not None
            for _ in range(chance.randint(1, 12)):
                process.stdout.readline()
            children = find_children(process.pid)
            time.sleep(chance.random() * 0.02)
            os.kill(process.pid, signal.SIGKILL)
            process.wait(20)
        deadline = time.monotonic() + 30
        while any(map(is_running, children)) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not any(map(is_running, children))
        with start(root, 2) as process:
            assert process.wait(100) == 0
        assert read_bytes(root) == expected
