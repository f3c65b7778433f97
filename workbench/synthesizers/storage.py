"""A fitted table on disk: `model.json` for what is read by people, `arrays.safetensors` for numbers. Never a pickle."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import numpy as np

from workbench.columns.values import DTYPES
from workbench.errors import UsageError, WorkbenchError
from workbench.files import explain_os_error, make_folder, write_atomic
from workbench.synthesizers.fitted import FitReport, FittedTable
from workbench.synthesizers.fitting import find_learned
from workbench.synthesizers.identifiers import IdentifierShapes
from workbench.synthesizers.profile import ColumnProfile, Role, TableProfile
from workbench.synthesizers.registry import SYNTHESIZERS

if TYPE_CHECKING:
    from workbench.synthesizers.sequences.fitted import FittedSequences

MODEL = "model.json"
ARRAYS = "arrays.safetensors"
FORMAT = 1


def save_fitted(fitted: FittedTable, folder: Path | str) -> None:
    """Write the model to `folder`, `model.json` last. Raises WorkbenchError if it cannot be written."""
    from safetensors.numpy import save

    folder = Path(folder)
    synthesizer = fitted.synthesizer
    state, arrays = synthesizer.get_state() if synthesizer is not None else ({}, {})
    packed = save({name: np.ascontiguousarray(array) for name, array in arrays.items()})
    content = {
        "format": FORMAT,
        "arrays": hashlib.sha256(packed).hexdigest(),
        "type": fitted.report.type,
        "profile": write_profile(fitted.profile),
        "learned": None if synthesizer is None else write_profile(synthesizer.profile),
        "identifiers": {
            name: {**asdict(shapes), "taken": sorted(shapes.taken)} for name, shapes in fitted.identifiers.items()
        },
        "state": state,
        "report": asdict(fitted.report),
    }
    try:
        make_folder(folder)
        write_atomic(folder / ARRAYS, packed)
        write_model(folder, content)
    except OSError as error:
        raise explain_os_error(error, folder) from error


def load_fitted(folder: Path | str) -> FittedTable | FittedSequences:
    """The model in `folder`. Raises UsageError where there is none, WorkbenchError where it is damaged."""
    from workbench.synthesizers.sequences.storage import PARTS, load_sequences

    folder = Path(folder)
    return load_sequences(folder) if PARTS in read_model(folder) else load_table(folder)


def load_table(folder: Path) -> FittedTable:
    """The same for a model that makes rows one by one."""
    from safetensors import SafetensorError
    from safetensors.numpy import load

    content = read_model(folder)
    try:
        packed = (folder / ARRAYS).read_bytes()
        arrays = load(packed)
    except FileNotFoundError:
        raise _explain_absence(folder) from None
    except (ValueError, SafetensorError) as error:
        raise explain_damage(folder) from error
    except OSError as error:
        raise explain_os_error(error, folder) from error
    try:
        if content["arrays"] != hashlib.sha256(packed).hexdigest():
            raise ValueError("arrays of another fit")
        return _read_content(content, arrays)
    except (LookupError, TypeError, ValueError, AttributeError, RuntimeError) as error:
        raise explain_damage(folder) from error


def write_model(folder: Path, content: dict[str, Any]) -> None:
    """Write `model.json`, the part of a model that people read. Raises OSError if it cannot be written."""
    write_atomic(folder / MODEL, _write_json(content))


def read_model(folder: Path) -> dict[str, Any]:
    """What `write_model` wrote. Raises UsageError where there is nothing, WorkbenchError where it is damaged."""
    try:
        content = json.loads((folder / MODEL).read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        raise _explain_absence(folder) from None
    except ValueError as error:
        raise explain_damage(folder) from error
    except OSError as error:
        raise explain_os_error(error, folder) from error
    if not isinstance(content, dict):
        raise explain_damage(folder)
    return content


def explain_damage(folder: Path) -> WorkbenchError:
    """The error for a model that cannot be read back."""
    return WorkbenchError(f"The fitted model in {folder} is damaged.", "Fit it again: `workbench fit SPEC --fresh`.")


def write_profile(profile: TableProfile) -> dict[str, Any]:
    """A profile ready for JSON."""
    return {
        "rows": profile.rows,
        "notes": list(profile.notes),
        "columns": [asdict(column) for column in profile.columns.values()],
    }


def read_profile(content: dict[str, Any]) -> TableProfile:
    """What `write_profile` gave."""
    columns = {}
    for entry in content["columns"]:
        levels, counts = entry["levels"], entry["counts"]
        if entry["kind"] not in DTYPES or entry["role"] not in get_args(Role):
            raise ValueError("a column of an unknown kind")
        columns[entry["name"]] = ColumnProfile(
            **{
                **entry,
                "levels": None if levels is None else tuple(levels),
                "counts": None if counts is None else tuple(counts),
            }
        )
    return TableProfile(columns, content["rows"], tuple(content["notes"]))


def _explain_absence(folder: Path) -> UsageError:
    return UsageError(f"{folder} holds no fitted model.", "`workbench fit SPEC` makes one.")


def _write_json(content: dict[str, Any]) -> str:
    text = json.dumps(content, indent=1, ensure_ascii=False, default=_write_scalar)
    try:
        text.encode()
    except UnicodeEncodeError:  # halves of a surrogate pair, which real texts can hold, stand in JSON as escapes alone
        return json.dumps(content, indent=1, default=_write_scalar)
    return text


def _read_content(content: dict[str, Any], arrays: dict[str, Any]) -> FittedTable:
    if content["format"] != FORMAT:
        raise ValueError("another format")
    profile = read_profile(content["profile"])
    learned = None if content["learned"] is None else read_profile(content["learned"])
    if find_learned(profile) != ([] if learned is None else list(learned.columns)):
        raise ValueError("other columns than were learned")
    synthesizer = None
    if learned is not None:
        entry = SYNTHESIZERS.get(content["type"])
        if entry is None or entry.load is None:
            raise WorkbenchError(
                f"The model is of the type “{content['type']}”, which is not installed.", "Install its package."
            )
        synthesizer = entry.load().restore(learned, content["state"], arrays)
    identifiers = {
        name: IdentifierShapes(
            tuple(map(tuple, shapes["shapes"])),
            tuple(shapes["weights"]),
            shapes["missing"],
            frozenset(shapes["taken"]),
            shapes["bits"],
        )
        for name, shapes in content["identifiers"].items()
    }
    return FittedTable(profile, synthesizer, identifiers, FitReport(**content["report"]))


def _write_scalar(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    if hasattr(value, "isoformat"):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} cannot be stored")
