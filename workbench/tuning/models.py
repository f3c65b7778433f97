"""Which model is meant: the one the package ships, a local folder, or an id on the hub."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

from workbench.errors import UsageError
from workbench.files import clean_text
from workbench.spec.problems import suggest

BASE_MODEL = "workbench-base"
_FOLDER = Path(__file__).parent / "base_model"
_HUB_ID = re.compile(r"^[A-Za-z0-9][\w.-]*/[\w.-]+$")


@dataclass(frozen=True, slots=True)
class ModelReference:
    """`location` is what transformers loads: an absolute folder, or a hub id where `folder` is None."""

    name: str
    location: str
    folder: Path | None


def resolve_model(reference: str) -> ModelReference:
    """Find the model meant by `reference`. A folder must hold a readable config.json; a hub id is not looked up here.

    Raises `UsageError` with the nearest name where there is no such folder and the text cannot be a hub id.
    """
    if reference == BASE_MODEL:
        return ModelReference(BASE_MODEL, str(_FOLDER), _FOLDER)
    shown = clean_text(reference)
    path = Path(reference).expanduser()
    if reference and path.is_dir():
        _check_config(path)
        return ModelReference(path.name, str(path.absolute()), path.absolute())
    if reference and path.is_file():
        raise UsageError(f"The model {shown} is a file.", "Give the folder that holds its config.json.")
    if not reference.startswith((".", "/", "~")) and _HUB_ID.match(reference):
        return ModelReference(reference, reference, None)
    raise UsageError(
        f"There is no model “{shown}”.",
        f"{suggest(reference, [BASE_MODEL])} Otherwise give a folder, or a hub id such as HuggingFaceTB/SmolLM2-135M.",
    )


def check_weights(model: ModelReference) -> None:
    """Raise `UsageError` if a local folder has no weights or no tokenizer: a config is enough to estimate only."""
    if model.folder is None:
        return
    if not any(model.folder.glob("*.safetensors")) and not any(model.folder.glob("pytorch_model*.bin")):
        raise UsageError(f"The model folder {model.folder} holds no weights.", "Put its *.safetensors files there.")
    if not any((model.folder / name).is_file() for name in ("tokenizer.json", "tokenizer.model", "vocab.json")):
        raise UsageError(
            f"The model folder {model.folder} holds no tokenizer.",
            "Put its tokenizer.json and tokenizer_config.json there.",
        )


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
