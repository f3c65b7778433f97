"""The generation of rows: how often they have gone through a model that was tuned on synthetic rows."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import workbench.generation.run as generation
from workbench.datasets.manifest import read_manifest
from workbench.generation.ancestry import trace_generation
from workbench.generation.preparing import prepare_plan
from workbench.models.shipped import SHIPPED_FOLDER

SPEC = """name: turn
rows: 1
columns:
  - {name: note, type: llm_text, prompt: "Hi", max_chars: 20, model: own, on_failure: missing}
models: {own: {provider: transformers, model: MODEL, max_tokens: 2, device: cpu}}
"""


@pytest.fixture
def tuned(tmp_path: Path) -> Path:
    """A folder as `tune` leaves it, without its summary."""
    folder = tmp_path / "tuned"
    shutil.copytree(SHIPPED_FOLDER, folder, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    return folder


@pytest.mark.parametrize(
    ("summary", "more", "expected"),
    [
        (None, "", (0, False)),
        ({"train_on": "synthetic", "dataset": "d@1", "generation": 2}, "", (3, True)),
        ({"train_on": "synthetic", "dataset": "d@1"}, "", (1, True)),
        ({"train_on": "synthetic", "generation": "two"}, "", (1, True)),
        ({"train_on": "real", "generation": None}, "", (0, False)),
        ({"train_on": "synthetic", "generation": 0}, "sources: {real: {packaged: breast_cancer}}\n", (1, False)),
        (["synthetic"], "", (0, False)),
    ],
)
def test_a_model_tuned_on_synthetic_rows_takes_the_next_rows_one_generation_on(
    tuned: Path, tmp_path: Path, summary: Any, more: str, expected: tuple[int, bool]
) -> None:
    if summary is not None:
        (tuned / "tuning.json").write_text(json.dumps(summary))
    plan, _ = prepare_plan(SPEC.replace("MODEL", str(tuned)) + more, tmp_path, None)
    assert trace_generation(plan.spec, plan.session, tmp_path) == expected


def test_a_dataset_says_of_which_generation_it_is(tuned: Path, tmp_path: Path, recorder: Callable[..., Any]) -> None:
    (tuned / "tuning.json").write_text(json.dumps({"train_on": "synthetic", "dataset": "d@1", "generation": 1}))
    spec = SPEC.replace("MODEL", str(tuned))
    folder = Path(generation.run({"spec": spec, "folder": str(tmp_path)}, recorder())["dataset"])
    manifest = read_manifest(folder)
    assert (manifest.generation, manifest.own_output) == (2, True)
    assert "Generation 2" in (folder / "croissant.json").read_text()


def test_rows_of_no_model_are_of_no_generation(recorder: Callable[..., Any]) -> None:
    spec = "name: none\nrows: 2\ncolumns: [{name: id, type: id}]\n"
    manifest = read_manifest(Path(generation.run({"spec": spec, "folder": "/"}, recorder())["dataset"]))
    assert (manifest.generation, manifest.own_output) == (0, False)
