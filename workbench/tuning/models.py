"""Which model is meant: the one the package ships, one from another package, a folder or GGUF file, or a hub id."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from workbench.errors import UsageError
from workbench.files import clean_text
from workbench.models.contents import find_weights
from workbench.models.converting import convert_gguf
from workbench.models.faults import UnusableModel
from workbench.models.finding import find_model, suggest_names
from workbench.models.hub_cache import HUB_ID
from workbench.models.kept import find_kept
from workbench.models.packaged import find_packaged
from workbench.models.shipped import SHIPPED_FOLDER, SHIPPED_NAME

BASE_MODEL = SHIPPED_NAME


@dataclass(frozen=True, slots=True)
class ModelReference:
    """`location` is what transformers loads: an absolute folder, or a hub id where `folder` is None."""

    name: str
    location: str
    folder: Path | None


def resolve_model(reference: str, tell: Callable[[str], None] = lambda _: None) -> ModelReference:
    """Find the model meant by `reference`. A folder must hold a readable config.json; a hub id is not looked up here.

    A GGUF file is converted the first time, which `tell` is told. Raises `UsageError` with the nearest name where there
    is no such folder and the text cannot be a hub id.
    """
    if reference == BASE_MODEL:
        return ModelReference(BASE_MODEL, str(SHIPPED_FOLDER), SHIPPED_FOLDER)
    shown = clean_text(reference)
    path = Path(reference).expanduser()
    packaged = find_packaged(reference)
    if packaged is not None and reference == packaged.name:
        return _find_here(reference, tell)
    if reference and path.is_dir():
        _check_config(path)
        return ModelReference(path.name, str(path.absolute()), path.absolute())
    if (reference and path.is_file()) or find_kept(reference) is not None:
        return _find_here(reference, tell)
    if not reference.startswith((".", "/", "~")) and HUB_ID.fullmatch(reference):
        return ModelReference(reference, reference, None)
    raise UsageError(
        f"There is no model “{shown}”.",
        f"{suggest_names(reference)} Otherwise give a folder, or a hub id such as HuggingFaceTB/SmolLM2-135M.",
    )


def check_weights(model: ModelReference) -> None:
    """Raise `UsageError` if a local folder has no weights or no tokenizer: a config is enough to estimate only."""
    if model.folder is None:
        return
    try:
        find_weights(model.folder)
    except UnusableModel as fault:
        raise UsageError(fault.cause, fault.solution) from fault
    if not any((model.folder / name).is_file() for name in ("tokenizer.json", "tokenizer.model", "vocab.json")):
        raise UsageError(
            f"The model folder {model.folder} holds no tokenizer.",
            "Put its tokenizer.json and tokenizer_config.json there.",
        )


def _find_here(reference: str, tell: Callable[[str], None]) -> ModelReference:
    """A model of a package, one that was fetched, or a GGUF file, as a folder."""
    try:
        found = find_model(reference)
    except UnusableModel as fault:
        raise UsageError(fault.cause, fault.solution) from fault
    folder = convert_gguf(found.path, tell) if found.path.is_file() else found.path
    _check_config(folder)
    return ModelReference(found.name, str(folder), folder)


def _check_config(folder: Path) -> None:
    path = folder / "config.json"
    try:
        config = json.loads(path.read_text("utf-8"))
    except FileNotFoundError as error:
        hint = (
            "This is an adapter: give the base model it belongs to."
            if (folder / "adapter_config.json").exists()
            else ""
        )
        raise UsageError(f"The model folder {folder} has no config.json.", hint or "Give a model's folder.") from error
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} cannot be read as JSON.", "Copy the model again.") from error
    if not isinstance(config, dict) or not isinstance(config.get("model_type"), str):
        raise UsageError(f"{path} does not say which architecture it is.", "It needs a “model_type”, such as llama.")
