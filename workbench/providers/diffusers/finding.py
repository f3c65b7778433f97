"""A diffusers pipeline on disk: which class it is of, and whether it can be loaded without running code of its own.

`model_index.json` names the pipeline's class and, for each component, a library and a class. It is read here before
the library sees it, so that a spec is checked without loading anything, and what is refused is refused in a sentence.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.files import clean_text
from workbench.models.contents import read_config
from workbench.models.faults import UnusableModel
from workbench.models.finding import FoundModel, find_model

INDEX = "model_index.json"
_PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl")
_PIXEL_PIPELINES = ("DDPMPipeline", "DDIMPipeline")


@dataclass(frozen=True, slots=True)
class PipelineFacts:
    """The class of a pipeline, and the library and class of each component that it has."""

    class_name: str
    components: Mapping[str, tuple[str, str]]

    @property
    def is_pixel_model(self) -> bool:
        """Whether it is one network that makes pixels from noise, without a text encoder."""
        unet = self.components.get("unet", ("", ""))
        return self.class_name in _PIXEL_PIPELINES and unet[1] == "UNet2DModel"


def find_pipeline(name: str, revision: str | None, *, trusted: bool) -> tuple[FoundModel, PipelineFacts]:
    """Find a pipeline by path or hub id. Raises UnusableModel, in sentences for the user, where it cannot be used."""
    try:
        found = find_model(name, revision=revision)
    except UnusableModel:
        folder = Path(name).expanduser()
        if (folder / INDEX).is_file():
            _refuse_pickles(folder)
        raise
    return found, read_pipeline(found.path, trusted=trusted)


def read_pipeline(folder: Path, *, trusted: bool) -> PipelineFacts:
    """What `model_index.json` says. Pickles are refused, and code of the pipeline's own unless it is `trusted`."""
    shown = clean_text(str(folder))
    if not (folder / INDEX).is_file():
        raise UnusableModel(
            f"{shown} holds no diffusers pipeline: there is no {INDEX}.",
            "Give a folder that a pipeline was saved to, or its hub id.",
        )
    index = read_config(folder / INDEX)
    components = {name: pair for name, value in index.items() if (pair := _read_pair(value)) is not None}
    code = _find_code(folder, index, components)
    if code is not None and not trusted:
        raise UnusableModel(
            f"The pipeline in {shown} comes with code of its own ({clean_text(code)}), which would be run.",
            "Set “trust_remote_code: true” for this model if you have read and trust it, or choose another one.",
        )
    _refuse_pickles(folder)
    name = index.get("_class_name")
    class_name = name[-1] if isinstance(name, list) and name else name
    if not isinstance(class_name, str) or not components:
        raise UnusableModel(f"{INDEX} in {shown} names no pipeline.", "Copy the model again.")
    return PipelineFacts(class_name, components)


def _read_pair(value: Any) -> tuple[str, str] | None:
    """A component's library and class; None for settings, and for components that the pipeline was saved without."""
    if isinstance(value, list) and len(value) == 2 and all(isinstance(part, str) for part in value):
        return value[0], value[1]
    return None


def _find_code(folder: Path, index: Mapping[str, Any], components: Mapping[str, tuple[str, str]]) -> str | None:
    """A file of Python that loading would run, by the rules of diffusers 0.42."""
    name = index.get("_class_name")
    if isinstance(name, list) and name:
        return f"{name[0]}.py"
    for component, (library, _) in components.items():
        if (folder / component / f"{library}.py").is_file():
            return f"{component}/{library}.py"
    return None


def _refuse_pickles(folder: Path) -> None:
    for place in sorted(path for path in folder.iterdir() if path.is_dir()):
        pickles = sorted(path.name for kind in _PICKLES for path in place.glob(kind))
        if pickles and not any(place.glob("*.safetensors")):
            raise UnusableModel(
                f"The pipeline in {clean_text(str(folder))} holds “{clean_text(place.name)}” as a pickle only "
                f"({clean_text(pickles[0])}), which can run code when it is loaded.",
                "Save the pipeline again as safetensors, or get a revision of it that has them.",
            )
