"""From the name of a model, as a spec or a command gives it, to its weights on this machine. Nothing is downloaded.

A name is tried as the shipped model, a short name of the table of packages, a model fetched into the user's cache
folder, a path, and an id in the hub's cache. Nothing heavy is imported: this runs at each check of a spec.
"""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Literal

from workbench.files import clean_text
from workbench.models.cache import hash_file
from workbench.models.contents import NOT_STATED, digest_folder, find_weights, name_licence, read_licence
from workbench.models.faults import IncompleteModel, UnusableModel
from workbench.models.gguf_header import read_gguf_header
from workbench.models.hub_cache import HUB_ID, Snapshot, find_snapshot, list_snapshots
from workbench.models.kept import find_kept, list_kept
from workbench.models.packaged import PackagedModel, find_installed, find_packaged, list_packaged
from workbench.models.shipped import SHIPPED_ALIAS, SHIPPED_FOLDER, SHIPPED_NAME
from workbench.spec.problems import suggest

Origin = Literal["folder", "file", "hub cache", "package", "shipped"]


@dataclass(frozen=True, slots=True)
class FoundModel:
    """`path` is a folder to load from, or a .gguf file that `converting.convert_gguf` turns into one.

    `revision` is the commit of a hub id, the SHA-256 of a file, a digest of a folder (see `contents.digest_folder`), or
    package and version of a voice. `licence` is what the package, folder or file states, else “not stated”.
    """

    name: str
    path: Path
    revision: str
    licence: str
    origin: Origin


def find_model(name: str, base: Path | None = None, revision: str | None = None) -> FoundModel:
    """Find a model by name, hub id or path; a relative path counts from `base`, else from the current folder.

    `revision` chooses a branch, tag or commit of a hub id and must otherwise begin the revision that is found. Raises
    UnusableModel, a ValueError of two sentences, where there is no such model here or its weights cannot be used.
    """
    snapshot = find_snapshot(name, revision)
    found = _find_named(name, revision) or _find_kept(name, revision if snapshot else None) or _find_path(name, base)
    if found is None and snapshot is not None:
        return _describe_snapshot(snapshot)
    if found is None:
        raise _explain_absence(name, revision)
    if revision is not None and not found.revision.startswith(revision):
        raise UnusableModel(
            f"The model {clean_text(name)} is here as revision {found.revision[:40]}, not {clean_text(revision)}.",
            "Correct the revision, or leave it out.",
        )
    return found


def list_names() -> list[str]:
    """All names that may be given: shipped, of the table (whether here or not), fetched, and in the hub's cache."""
    found = [SHIPPED_NAME, *(model.name for model in list_packaged())]
    found += [*(model.name for model in list_kept()), *(snapshot.name for snapshot in list_snapshots())]
    return list(dict.fromkeys(found))


def suggest_names(name: str) -> str:
    """“Did you mean …?” with up to three near names, or all known names where none is near and they are few."""
    near = find_near(name)
    if near:
        return f"Did you mean {' or '.join(f'“{each}”' for each in near)}?"
    return suggest("", list_names())


def find_near(name: str) -> list[str]:
    """Up to three known names that look like this one, or hold it; owners in hub ids and capitals do not count."""
    last = name.rpartition("/")[2].lower()
    known = {each: each.rpartition("/")[2].lower() for each in list_names()}
    holding = [each for each, word in known.items() if len(last) >= 3 and (last in word or word in last)]
    close = get_close_matches(last, known.values(), n=3, cutoff=0.6)
    alike = sorted((each for each, word in known.items() if word in close), key=lambda each: close.index(known[each]))
    return list(dict.fromkeys([*alike, *holding]))[:3]


def describe_path(path: Path, name: str, origin: Origin, licence: str = "") -> FoundModel:
    """A model in a folder or a .gguf file; `licence` where it is known from elsewhere."""
    if path.is_file():
        return _describe_file(path, name, origin, licence)
    weights = _list_weights(path)
    if isinstance(weights, Path):
        return _describe_file(weights, name, origin, licence or read_licence(path))
    return FoundModel(name, path, digest_folder(path, weights), licence or read_licence(path), origin)


def _find_named(name: str, revision: str | None) -> FoundModel | None:
    """The shipped model, or one of the table, installed or fetched."""
    if name in (SHIPPED_NAME, SHIPPED_ALIAS):
        return describe_path(SHIPPED_FOLDER, SHIPPED_NAME, "shipped")
    model = find_packaged(name)
    if model is None or name != model.name:
        return None
    installed = find_installed(model)
    if installed is not None:
        return _describe_packaged(model, installed.path, "package", installed.version)
    kept = find_kept(name)
    if kept is None:
        raise _explain_absence(name, revision)
    return _describe_packaged(model, kept.path, "folder", model.version)


def _find_path(name: str, base: Path | None) -> FoundModel | None:
    if not name:
        return None
    try:
        path = (base or Path()) / Path(name).expanduser()
        if not path.exists():
            return None
    except (OSError, RuntimeError, ValueError):  # a text that no path can be: too long, of an unknown user, with a NUL
        return None
    path = path.absolute()
    return describe_path(path, path.name, "folder" if path.is_dir() else "file")


def _find_kept(name: str, revision: str | None) -> FoundModel | None:
    """A model that was fetched, if it is of the revision that is asked for."""
    kept = find_kept(name)
    if kept is None:
        return None
    found = describe_path(kept.path, kept.name, "folder", kept.licence)
    return found if revision is None or found.revision.startswith(revision) else None


def _describe_packaged(model: PackagedModel, path: Path, origin: Origin, version: str) -> FoundModel:
    if model.kind == "voice":
        return FoundModel(model.name, path, f"{model.package} {version}", model.licence, origin)
    return describe_path(path, model.name, origin, model.licence)


def _describe_snapshot(snapshot: Snapshot) -> FoundModel:
    try:
        weights = _list_weights(snapshot.path)
    except IncompleteModel as fault:
        advice = f"`workbench models get {snapshot.name}` fetches what is missing."
        raise IncompleteModel(fault.cause, advice) from fault
    path = weights if isinstance(weights, Path) else snapshot.path
    licence = read_licence(snapshot.path)
    if licence == NOT_STATED and isinstance(weights, Path):
        licence = _read_gguf_licence(weights)
    return FoundModel(snapshot.name, path, snapshot.revision, licence, "hub cache")


def _list_weights(folder: Path) -> list[Path] | Path:
    """The safetensors files of a folder, or the one GGUF file of a folder that holds no other model."""
    files = sorted(folder.glob("*.gguf"))
    if not files or ((folder / "config.json").is_file() and any(folder.glob("*.safetensors"))):
        return find_weights(folder)
    if len(files) > 1:
        names = ", ".join(clean_text(path.name) for path in files[:6])
        raise UnusableModel(
            f"The folder {clean_text(str(folder))} holds {len(files)} GGUF files: {names}.", "Give the path of one."
        )
    return files[0]


def _describe_file(path: Path, name: str, origin: Origin, licence: str) -> FoundModel:
    shown = clean_text(str(path))
    if path.suffix.lower() != ".gguf":
        raise UnusableModel(
            f"The model {shown} is a file, but no GGUF file.", "Give the folder that holds its config.json and weights."
        )
    try:
        stated = licence if licence not in ("", NOT_STATED) else _read_gguf_licence(path)
        return FoundModel(name, path, hash_file(path), stated, origin)
    except (OSError, ValueError) as error:
        raise UnusableModel(f"The model {shown} cannot be read: {error}.", "Copy or get it again.") from error


def _read_gguf_licence(path: Path) -> str:
    stated = read_gguf_header(path).get("general.license")
    return name_licence(stated) if isinstance(stated, str) and stated else NOT_STATED


def _explain_absence(name: str, revision: str | None) -> UnusableModel:
    shown = clean_text(name)
    packaged = find_packaged(name)
    if packaged is not None and name == packaged.name:
        return UnusableModel(f"The model {shown} is not on this machine.", f"`workbench models get {name}` fetches it.")
    if HUB_ID.fullmatch(name):
        which = f" at revision {clean_text(revision)}" if revision else ""
        copy = f" A {packaged.precision} copy from a package goes by the name {packaged.name}." if packaged else ""
        near = "" if packaged or not find_near(name) else f"{suggest_names(name)} "
        return UnusableModel(
            f"The model {shown} is not in the hub's cache on this machine{which}.",
            f"{near}`workbench models get {shown}` fetches it where the hub is reachable.{copy}",
        )
    return UnusableModel(
        f"There is no model “{shown}”.",
        f"{suggest_names(name)} Otherwise give a folder, a .gguf file, or a hub id such as "
        "HuggingFaceTB/SmolLM2-135M-Instruct.".lstrip(),
    )
