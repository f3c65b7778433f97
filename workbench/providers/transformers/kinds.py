"""What a model can be asked for, by the config.json of its folder. Nothing is imported for it but the standard library.

Whether transformers itself knows a model, or would have to run code that comes with it, is read in the list of models
in its sources: importing the library takes seconds.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from workbench.files import clean_text
from workbench.providers.requests import Modality

_TEXT: frozenset[Modality] = frozenset({"text", "code"})
_VECTOR: frozenset[Modality] = frozenset({"embedding"})
_SPEECH: frozenset[Modality] = frozenset({"speech"})
_AGREEMENT: frozenset[Modality] = frozenset({"agreement"})
_SPEAKING = ("VitsModel", "FastSpeech2ConformerWithHifiGan")
_AGREEING = (
    "AlignModel", "AltCLIPModel", "ChineseCLIPModel", "CLIPModel", "MetaClip2Model", "Siglip2Model", "SiglipModel",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class ModelKind:
    """`title` completes the sentence “this model is …”. `voices` are the speakers of a model that has several."""

    makes: frozenset[Modality]
    title: str
    architecture: str
    voices: tuple[str, ...] = ()


def find_kind(path: Path, *, trusted: bool = False) -> ModelKind:
    """The kind of the model in a folder or GGUF file. Raises ValueError where this provider cannot run it.

    `trusted`: code that comes with the model may be run.
    """
    if path.suffix.lower() == ".gguf":
        return ModelKind(_TEXT, "a language model", "GGUF")
    shown = clean_text(path.name)
    try:
        config = json.loads((path / "config.json").read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ValueError(f"The config.json of {shown} cannot be read. Copy or get the model again.") from error
    names = config.get("architectures") if isinstance(config, dict) else None
    architecture = clean_text(str(names[0])) if isinstance(names, list) and names else ""
    if not architecture:
        raise ValueError(
            f"The config.json of {shown} does not say which architecture it is. "
            "Add its “architectures”, such as [LlamaForCausalLM], or get the model again."
        )
    if not trusted and "auto_map" in config and not _is_native(config.get("model_type")):
        raise ValueError(
            f"The model {shown} brings code of its own, which would run on this machine. "
            "If you trust it, set “trust_remote_code: true”; else choose a model that transformers knows."
        )
    kind = _classify(path, config, architecture)
    if kind is None:
        raise ValueError(
            f"The model {shown} is a {architecture}, which this provider cannot run. "
            "Name a causal language model, a text encoder, a VITS voice, or a model like CLIP or SigLIP."
        )
    return kind


def _classify(path: Path, config: Mapping[str, Any], architecture: str) -> ModelKind | None:
    if (path / "1_Pooling").is_dir():
        return ModelKind(_VECTOR, "a model for vectors of texts", architecture)
    if architecture in _SPEAKING:
        speakers = config.get("num_speakers")
        count = speakers if isinstance(speakers, int) and speakers > 1 else 1
        return ModelKind(_SPEECH, "a voice", architecture, tuple(map(str, range(count))))
    if architecture in _AGREEING:
        return ModelKind(_AGREEMENT, "a model that compares pictures with texts", architecture)
    if config.get("is_encoder_decoder"):
        return None
    if architecture.endswith(("ForCausalLM", "LMHeadModel")):
        return ModelKind(_TEXT, "a language model", architecture)
    if architecture.endswith("ForConditionalGeneration") and "text_config" in config and "vision_config" in config:
        return ModelKind(_TEXT, "a language model", architecture)
    if architecture.endswith(("Model", "ForMaskedLM", "ForPreTraining")) and "vocab_size" in config:
        return ModelKind(_VECTOR, "a model for vectors of texts", architecture)
    return None


def _is_native(model_type: object) -> bool:
    """Whether transformers has code for a model type; unknown counts as yes, for loading then says more."""
    listed = _read_native_types()
    return not listed or f'"{model_type}"' in listed


@cache
def _read_native_types() -> str:
    spec = find_spec("transformers")
    folders = spec.submodule_search_locations if spec is not None else None
    try:
        return (Path(next(iter(folders or ()))) / "models" / "auto" / "auto_mappings.py").read_text("utf-8")
    except (OSError, StopIteration):
        return ""
