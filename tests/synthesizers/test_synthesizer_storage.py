"""Stored models: read again as they were, refused in two sentences where they are damaged, and free of real texts."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.synthesizers.real_frames import ROW_TYPES, fit_mixed, make_mixed_frame
from workbench.errors import UsageError, WorkbenchError
from workbench.synthesizers import load


@pytest.fixture(params=ROW_TYPES)
def stored(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The folder of a stored model of each type."""
    fit_mixed(request.param).save(tmp_path / "model")
    return tmp_path / "model"


def test_a_model_is_json_and_safetensors_that_only_its_owner_reads(stored: Path) -> None:
    assert sorted(path.name for path in stored.iterdir()) == ["arrays.safetensors", "model.json"]
    assert stored.stat().st_mode & 0o077 == 0
    assert json.loads((stored / "model.json").read_text())["format"] == 1


def test_a_model_holds_no_real_identifier(stored: Path) -> None:
    content = (stored / "model.json").read_bytes() + (stored / "arrays.safetensors").read_bytes()

    assert not [code for code in make_mixed_frame()["code"] if code.encode() in content]


def change(edit: Callable[[dict[str, Any]], object]) -> Callable[[Path], None]:
    """Damage that edits the JSON."""

    def damage(folder: Path) -> None:
        content = json.loads((folder / "model.json").read_text())
        edit(content)
        (folder / "model.json").write_text(json.dumps(content))

    return damage


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: (folder / "arrays.safetensors").write_bytes((folder / "arrays.safetensors").read_bytes()[:-3]),
        lambda folder: (folder / "arrays.safetensors").write_bytes(b""),
        lambda folder: (folder / "model.json").write_text("{"),
        lambda folder: (folder / "model.json").write_text("[]"),
        lambda folder: (folder / "model.json").write_bytes(b"\xff\xfe"),
        change(lambda content: content.update(format=99)),
        change(lambda content: content.update(state={})),
        change(lambda content: content.update(state=[])),
        change(lambda content: content.pop("profile")),
        change(lambda content: content["profile"]["columns"][0].update(kind="colour")),
        change(lambda content: content["learned"]["columns"].clear()),
        change(lambda content: content["report"].update(unknown=1)),
        change(lambda content: content["identifiers"]["code"].pop("shapes")),
    ],
)
def test_a_damaged_model_is_refused(stored: Path, damage: Callable[[Path], None]) -> None:
    damage(stored)

    with pytest.raises(WorkbenchError, match="damaged"):
        load(stored)


@pytest.mark.parametrize("name", ["model.json", "arrays.safetensors"])
def test_a_missing_file_is_no_model(stored: Path, name: str) -> None:
    (stored / name).unlink()

    with pytest.raises(UsageError, match="no fitted model"):
        load(stored)


def test_arrays_of_another_fit_are_refused(stored: Path) -> None:
    from safetensors.numpy import load_file, save_file

    arrays = load_file(stored / "arrays.safetensors")
    save_file(
        {name: array[..., :-1] if array.ndim else array for name, array in arrays.items()},
        stored / "arrays.safetensors",
    )

    with pytest.raises(WorkbenchError, match="damaged"):
        load(stored)


def test_a_type_that_is_not_installed_is_named(stored: Path) -> None:
    change(lambda content: content.update(type="quantum"))(stored)

    with pytest.raises(WorkbenchError, match="“quantum”, which is not installed"):
        load(stored)


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")

    with pytest.raises(WorkbenchError):
        fit_mixed().save(tmp_path / "file" / "model")


def test_saving_again_replaces_the_model(tmp_path: Path) -> None:
    fit_mixed().save(tmp_path)
    fit_mixed().save(str(tmp_path))

    pd.testing.assert_frame_equal(load(str(tmp_path)).sample(5), fit_mixed().sample(5))
