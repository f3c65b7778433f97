"""From the states of a text's tokens to its one vector, as the files of a sentence-transformers folder say it.

Such a folder lists its modules in modules.json: the encoder, a pooling, perhaps dense layers, a normalisation. A
folder without that file gets the mean of its tokens. Vectors are always normalised to length 1.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor

_KNOWN = ("Transformer", "Pooling", "Dense", "Normalize")
_OLD_KEYS = {
    "pooling_mode_cls_token": "cls",
    "pooling_mode_max_tokens": "max",
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_lasttoken": "lasttoken",
}
_ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {"Identity": lambda values: values, "Tanh": torch.tanh}


@dataclass(frozen=True, slots=True)
class Layer:
    """A dense layer: weight of shape (out, in), bias of shape (out,) or None."""

    weight: Tensor
    bias: Tensor | None
    activate: Callable[[Tensor], Tensor]


@dataclass(frozen=True, slots=True)
class Pooling:
    """`mode` is cls, max, mean or lasttoken. `most` bounds the tokens of a text, `prefix` stands before it."""

    mode: str = "mean"
    most: int | None = None
    prefix: str = ""
    layers: tuple[Layer, ...] = field(default=())

    def pool(self, states: Tensor, mask: Tensor) -> Tensor:
        """Vectors of shape (rows, size), float32 and of length 1, from states of shape (rows, tokens, size)."""
        states = states.float()
        present = mask.to(states.device).unsqueeze(-1)
        if self.mode == "cls":
            vectors = states[:, 0]
        elif self.mode == "max":
            vectors = states.masked_fill(present == 0, float("-inf")).amax(dim=1)
        elif self.mode == "lasttoken":
            last = mask.shape[1] - 1 - mask.flip(1).argmax(dim=1)
            vectors = states[torch.arange(len(states), device=states.device), last.to(states.device)]
        else:
            vectors = (states * present).sum(dim=1) / present.sum(dim=1).clamp(min=1)
        for layer in self.layers:
            bias = None if layer.bias is None else layer.bias.to(vectors.device)
            vectors = layer.activate(torch.nn.functional.linear(vectors, layer.weight.to(vectors.device), bias))
        return torch.nn.functional.normalize(vectors, dim=-1)


def read_pooling(folder: Path) -> Pooling:
    """What the folder says. Raises ValueError where it needs a module that is not known here."""
    modules = _read(folder / "modules.json")
    parts = [(str(part["type"]).rsplit(".", 1)[-1], folder / str(part["path"])) for part in modules or []]
    unknown = [name for name, _ in parts if name not in _KNOWN]
    if unknown:
        raise ValueError(f"it needs the module {unknown[0]} of sentence-transformers")
    pooling = next((path for name, path in parts if name == "Pooling"), folder / "1_Pooling")
    settings = _read(folder / "sentence_bert_config.json") or {}
    prompts = _read(folder / "config_sentence_transformers.json") or {}
    return Pooling(
        mode=_find_mode(_read(pooling / "config.json") or {}),
        most=settings.get("max_seq_length"),
        prefix=str((prompts.get("prompts") or {}).get(prompts.get("default_prompt_name") or "", "")),
        layers=tuple(_read_layer(path) for name, path in parts if name == "Dense"),
    )


def _find_mode(settings: dict[str, Any]) -> str:
    stated = settings.get("pooling_mode")
    chosen = [stated] if isinstance(stated, str) else [mode for key, mode in _OLD_KEYS.items() if settings.get(key)]
    others = [key for key, value in settings.items() if key.startswith("pooling_mode_") and value is True]
    if len(chosen) > 1 or (others and not chosen) or (chosen and chosen[0] not in _OLD_KEYS.values()):
        raise ValueError(f"its pooling {', '.join(others or chosen)} is not known here")
    return chosen[0] if chosen else "mean"


def _read_layer(folder: Path) -> Layer:
    settings = _read(folder / "config.json") or {}
    name = str(settings.get("activation_function", "Tanh")).rsplit(".", 1)[-1]
    if name not in _ACTIVATIONS:
        raise ValueError(f"its activation {name} is not known here")
    tensors = load_file(folder / "model.safetensors")
    return Layer(tensors["linear.weight"].float(), tensors.get("linear.bias"), _ACTIVATIONS[name])


def _read(path: Path) -> Any:
    return json.loads(path.read_text("utf-8")) if path.is_file() else None
