"""The list to choose from: all models of this machine that can be named, and those that packages would bring."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from workbench.models.contents import count_parameters, find_weights, read_config
from workbench.models.faults import UnusableModel
from workbench.models.finding import FoundModel, Origin, find_model
from workbench.models.gguf_header import read_gguf_header
from workbench.models.hub_cache import list_snapshots
from workbench.models.kept import find_kept, list_kept
from workbench.models.packaged import PackagedModel, find_installed, find_packaged, list_packaged
from workbench.models.shipped import SHIPPED_NAME

Kind = Literal["writer", "embedder", "voice", "painter", "other"]


@dataclass(frozen=True, slots=True)
class ListedModel:
    """`path` is None where the model is not here, or cannot be used, for which `problem` gives the reason.

    `bytes` are those of its weights, as they are stored; `parameters` is None where no header says it.
    """

    name: str
    kind: Kind
    origin: Origin | Literal["package index"]
    path: Path | None
    bytes: int
    parameters: int | None
    licence: str
    revision: str = ""
    purpose: str = ""
    problem: str = ""


def list_models() -> list[ListedModel]:
    """Shipped, of packages, fetched, and in the hub's cache; each name once, what is not here last."""
    packaged = {model.name: model for model in list_packaged()}
    fetched = [model.name for model in list_kept() if model.name not in packaged]
    cached = [snapshot.name for snapshot in list_snapshots() if snapshot.name not in fetched]
    tabled = [_describe(model.name, "package", model) for model in packaged.values()]
    elsewhere = [model for model in tabled if model.origin == "package index"]
    here = [_describe(SHIPPED_NAME, "shipped", None), *(model for model in tabled if model not in elsewhere)]
    here += [_describe(name, "folder", None) for name in fetched]
    here += [_describe(name, "hub cache", None) for name in cached]
    return here + elsewhere


def find_kind(found: FoundModel) -> Kind:
    """What a model is for, by the table of packages or its config; a GGUF file is taken for a writer."""
    packaged, path = find_packaged(found.name), found.path
    if packaged is not None and found.name == packaged.name:
        return packaged.kind
    if path.is_file():
        return "writer"
    if (path / "model_index.json").is_file():
        return "painter"
    if (path / "modules.json").is_file():
        return "embedder"
    config: dict[str, Any] = read_config(path / "config.json")
    names = config.get("architectures")
    architectures = [str(name) for name in names] if isinstance(names, list) else []
    if any(name.endswith(("ForCausalLM", "LMHeadModel")) for name in architectures):
        return "writer"
    if any("Speech" in name or "Vits" in name or "Bark" in name for name in architectures):
        return "voice"
    return "other"


def _describe(name: str, origin: Origin, packaged: PackagedModel | None) -> ListedModel:
    try:
        found = find_model(name)
        kind = find_kind(found)
        weights = list(_list_weights(found, packaged))
        size = sum(path.stat().st_size for path in weights)
        parameters = packaged.parameters if packaged is not None else _count(weights)
    except (UnusableModel, OSError) as error:
        if packaged is not None and find_installed(packaged) is None and find_kept(name) is None:
            return ListedModel(
                name, packaged.kind, "package index", None, packaged.bytes, packaged.parameters, packaged.licence,
                purpose=packaged.purpose,
            )  # fmt: skip
        kind = packaged.kind if packaged is not None else "other"
        return ListedModel(name, kind, origin, None, 0, None, "", problem=str(error))
    purpose = packaged.purpose if packaged is not None else ""
    return ListedModel(name, kind, found.origin, found.path, size, parameters, found.licence, found.revision, purpose)


def _list_weights(found: FoundModel, packaged: PackagedModel | None) -> Iterator[Path]:
    if found.path.is_file():
        yield found.path
    elif packaged is not None and packaged.kind == "voice":
        yield from found.path.glob("hibari.onnx")
    else:
        yield from find_weights(found.path)


def _count(weights: list[Path]) -> int | None:
    if all(path.suffix == ".safetensors" for path in weights):
        return count_parameters(weights)
    try:
        count = read_gguf_header(weights[0]).get("general.parameter_count")
    except ValueError:
        return None
    return count if isinstance(count, int) else None
