"""What a folder of weights holds: whether it can be used, which version it is, under which licence, and how large.

Weights are read from safetensors files. Pickles are refused: to load one is to run the code that is in it.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from workbench.files import clean_text
from workbench.models.faults import IncompleteModel, UnusableModel
from workbench.models.safetensors_header import Tensor, read_safetensors_header

NOT_STATED = "not stated"
CONFIGS = ("config.json", "model_index.json")
"""What makes a folder a model: the first of a transformers model, the second of a diffusers pipeline."""
_PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl")
_SAMPLED_TENSORS = 512
_SAMPLED_BYTES = 64
_SPDX = {
    each.lower(): each
    for each in (
        "AGPL-3.0", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "CC-BY-4.0", "CC-BY-NC-4.0", "CC-BY-SA-4.0",
        "CC0-1.0", "GPL-3.0", "LGPL-3.0", "MIT", "MPL-2.0",
    )
}  # fmt: skip
"""How the identifiers are written: the hub has them in small letters."""
_LICENCE_TITLES = {"apache license": "Apache-2.0", "mit license": "MIT", "the mit license": "MIT"}


def find_weights(folder: Path) -> list[Path]:
    """The safetensors files of a model's folder, sorted. Raises UnusableModel with what is missing or not safe."""
    shown = clean_text(str(folder))
    config = next((folder / name for name in CONFIGS if (folder / name).is_file()), None)
    if config is None:
        if (folder / "adapter_config.json").is_file():
            raise UnusableModel(f"The folder {shown} holds an adapter.", "Give the base model it belongs to.")
        raise UnusableModel(
            f"The folder {shown} has no config.json.", "Give the folder of a model, with its weights and tokenizer."
        )
    read_config(config)
    pattern = "*/*.safetensors" if config.name == "model_index.json" else "*.safetensors"
    found = sorted(path for path in folder.glob(pattern) if path.is_file())
    if not found:
        pickles = [path.name for kind in _PICKLES for path in folder.glob(kind)]
        if pickles:
            raise UnusableModel(
                f"The folder {shown} holds its weights as pickles only ({clean_text(pickles[0])}), which can run code "
                "when they are loaded.",
                "Save the model again as safetensors, or get a revision of it that has them.",
            )
        raise IncompleteModel(f"The folder {shown} holds no weights.", "Put its *.safetensors files there.")
    missing = [name for name in _list_shards(folder) if not (folder / name).is_file()]
    if missing:
        raise IncompleteModel(
            f"The folder {shown} lacks {len(missing)} of its files of weights, such as {clean_text(missing[0])}.",
            "Get the model again: what was interrupted goes on where it stopped.",
        )
    return found


def read_config(path: Path) -> dict[str, Any]:
    """The object in a config file. Raises UnusableModel where it is none."""
    try:
        config = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise UnusableModel(f"{clean_text(str(path))} cannot be read as JSON.", "Copy the model again.") from error
    if not isinstance(config, dict):
        raise UnusableModel(f"{clean_text(str(path))} holds no JSON object.", "Copy the model again.")
    return config


def digest_folder(folder: Path, weights: Sequence[Path]) -> str:
    """The revision of a model that has no commit: equal for equal files, wherever they lie and whenever copied.

    A SHA-256 over the bytes of its configs and, for each file of weights, its name, size and header, and 64 bytes from
    the middle of each of up to 512 tensors: a tuned model differs in those though all its shapes are the same. Reading
    all bytes would take seconds a gigabyte at each check of a spec; this takes milliseconds. Raises UnusableModel where
    a file is damaged.
    """
    digest = hashlib.sha256()
    parts = sorted(folder.glob("*/*config.json"))  # a pipeline's scheduler, the pooling of an embedder
    for path in [*(folder / name for name in CONFIGS), *parts]:
        if path.is_file():
            digest.update(path.read_bytes())
    for path in weights:
        digest.update(f"\0{path.relative_to(folder).as_posix()}\0{path.stat().st_size}\0".encode())
        header = _read_header(path)
        digest.update(header.raw)
        digest.update(_sample(path, header.tensors))
    return digest.hexdigest()


def count_parameters(weights: Sequence[Path]) -> int:
    """How many values all tensors have. Raises UnusableModel where a file is damaged."""
    return sum(tensor.size for path in weights for tensor in _read_header(path).tensors)


def read_licence(folder: Path) -> str:
    """The licence that the folder states: in the front matter of its README.md, else by a LICENSE file."""
    readme = folder / "README.md"
    if readme.is_file():
        with readme.open(encoding="utf-8", errors="replace") as file:
            stated = read_front_matter_licence(list(islice((line.rstrip("\n") for line in file), 500)))
        if stated:
            return stated
    for path in sorted(folder.glob("LICEN[SC]E*")):
        with path.open(encoding="utf-8", errors="replace") as file:
            title = next((line.strip() for line in islice(file, 50) if line.strip()), "")
        return _LICENCE_TITLES.get(title.lower(), f"see {clean_text(path.name)}")
    return NOT_STATED


def read_front_matter_licence(lines: Sequence[str]) -> str:
    """`license` of the YAML between the first two lines of `---`; `license_name` where it is `other`; else nothing."""
    if not lines or lines[0].strip() != "---":
        return ""
    entries: dict[str, str] = {}
    key = ""
    for line in lines[1:]:
        if line.strip() == "---":
            break
        found = re.match(r"(license|license_name):(.*)$", line)
        if found:
            key, entries[found[1]] = found[1], found[2].strip()
        elif key and not entries[key] and line.strip().startswith("- "):
            entries[key] = line.strip()[2:]
        elif not line.startswith((" ", "-")):
            key = ""
    licence = entries.get("license", "")
    stated = entries.get("license_name") or licence if licence.strip("\"'").lower() == "other" else licence
    return name_licence(stated.strip("\"' "))


def name_licence(stated: str) -> str:
    """A licence as a README or a GGUF file states it, in the letters of SPDX where it is one of the usual ones."""
    return _SPDX.get(stated.lower(), clean_text(stated)[:100])


def _list_shards(folder: Path) -> list[str]:
    """The files that the index of a model in several parts names; names that leave the folder are not followed."""
    names: set[str] = set()
    for index in folder.glob("*.safetensors.index.json"):
        placed = read_config(index).get("weight_map")
        names |= {str(name) for name in placed.values()} if isinstance(placed, dict) else set()
    return sorted(name for name in names if Path(name).name == name)


def _read_header(path: Path) -> Any:
    try:
        return read_safetensors_header(path)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise UnusableModel(
            f"The weights in {clean_text(str(path.parent))} cannot be read: {clean_text(str(reason))}.",
            "Copy or get the model again.",
        ) from error


def _sample(path: Path, tensors: Sequence[Tensor]) -> bytes:
    """Some bytes of tensors evenly spread over the file."""
    placed = sorted(tensors, key=lambda tensor: tensor.begin)
    step = max(1, -(-len(placed) // _SAMPLED_TENSORS))
    parts = []
    with path.open("rb", buffering=0) as file:
        for tensor in placed[::step]:
            file.seek((tensor.begin + max(tensor.end - _SAMPLED_BYTES, tensor.begin)) // 2)
            parts.append(file.read(min(_SAMPLED_BYTES, tensor.end - tensor.begin)))
    return b"".join(parts)
