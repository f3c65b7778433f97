"""A pretrained model tuned on a table: the base by its name and revision, and what was learned beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from workbench.errors import UsageError
from workbench.models.faults import UnusableModel
from workbench.models.finding import FoundModel, find_model
from workbench.providers.provider import CallError
from workbench.providers.transformers import TransformersConfig
from workbench.providers.transformers.loading import load_companion, load_model
from workbench.synthesizers.neural.training import build_seeded
from workbench.synthesizers.profile import TableProfile
from workbench.synthesizers.synthesizer import Arrays, Conditions, Made
from workbench.synthesizers.types.language_model.sentences import Grammar, Offsets, make_grammar, write_sentences
from workbench.synthesizers.types.language_model.spelling import Tokens
from workbench.synthesizers.types.language_model.synthesizers import LanguageModel

if TYPE_CHECKING:
    from torch import nn

CHUNK_ROWS = 16


@dataclass(frozen=True, slots=True)
class Base:
    """A pretrained model and how it is tuned: LoRA of a rank, or, where that is None, in all weights."""

    name: str
    revision: str
    rank: int | None


def find_base(name: str, rank: int | None) -> tuple[Base, FoundModel]:
    """The model of that name. Raises UsageError where it is not here."""
    try:
        found = find_model(name)
    except UnusableModel as fault:
        raise UsageError(fault.cause, fault.solution) from fault
    lasting = str(found.path) if found.origin in ("folder", "file") and Path(name).expanduser().exists() else name
    return Base(lasting, found.revision, rank), found


def open_base(base: Base, found: FoundModel, device: str) -> tuple[Any, Tokens]:
    """The model with what is tuned laid on, as it is before that, and its tokenizer. Raises UsageError.

    Weights that are tuned are float32; of those that are not a GPU holds 16 bits.
    """
    config = TransformersConfig(
        provider="transformers",
        model=str(found.path),
        device=device,
        dtype="float32" if base.rank is None else "auto",
    )
    try:
        loaded = load_model("AutoModelForCausalLM", config, found)
        tokenizer = load_companion("AutoTokenizer", config, found, loaded.folder)
    except CallError as fault:
        raise UsageError(fault.message, fault.solution or "Choose another model.") from fault
    model = loaded.model
    if base.rank is not None:
        model = build_seeded(lambda: add_lora(model, base.rank or 1), 0, "adapter")
    return model, Tokens(tokenizer)


def add_lora(model: Any, rank: int) -> Any:
    """LoRA on all linear layers but the head, its scale twice the rank (Dettmers et al., QLoRA, 2023, section 4)."""
    from peft import LoraConfig, get_peft_model

    config = LoraConfig(
        r=rank, lora_alpha=2 * rank, lora_dropout=0.0, target_modules="all-linear", task_type="CAUSAL_LM"
    )
    return get_peft_model(model, config)


def list_tuned(model: nn.Module) -> dict[str, nn.Parameter]:
    """The weights that are tuned, by name; of weights that are one, one."""
    return {name: weight for name, weight in model.named_parameters() if weight.requires_grad}


class PretrainedLanguageModel(LanguageModel):
    """Rows written as sentences. The base is loaded with the first draw, where none was given."""

    chunk_rows = CHUNK_ROWS

    def __init__(
        self,
        profile: TableProfile,
        natural: tuple[str, ...],
        base: Base,
        weights: Arrays,
        offsets: Offsets,
        temperature: float,
        opened: tuple[Any, Grammar] | None = None,
    ) -> None:
        super().__init__(profile)
        self._natural = natural
        self._base = base
        self._weights = weights
        self._offsets = offsets
        self._temperature = temperature
        self._opened = opened

    def draw(self, generator: np.random.Generator, count: int, conditions: Conditions) -> Made:
        if self._opened is None:
            self._opened = self._open()
        model, grammar = self._opened
        return write_sentences(model, grammar, generator, count, conditions, self._offsets, self._temperature)

    def get_state(self) -> tuple[dict[str, Any], Arrays]:
        state = {
            "kind": "pretrained",
            "natural": list(self._natural),
            "base": {"name": self._base.name, "revision": self._base.revision, "rank": self._base.rank},
            "temperature": self._temperature,
            "offsets": {name: list(states) for name, states in self._offsets.items()},
        }
        arrays = {f"model.{name}": weight for name, weight in self._weights.items()}
        for at, states in enumerate(self._offsets.values()):
            arrays |= {f"offsets.{at}.{place}": offsets for place, offsets in enumerate(states.values())}
        return state, arrays

    @classmethod
    def read(cls, profile: TableProfile, state: Mapping[str, Any], arrays: Arrays) -> PretrainedLanguageModel:
        """The model that `get_state` gave. Raises KeyError or ValueError where it is none."""
        weights = {name.removeprefix("model."): array for name, array in arrays.items() if name.startswith("model.")}
        offsets = {
            name: {known: arrays[f"offsets.{at}.{place}"] for place, known in enumerate(states)}
            for at, (name, states) in enumerate(state["offsets"].items())
        }
        return cls(profile, tuple(state["natural"]), Base(**state["base"]), weights, offsets, state["temperature"])

    def describe(self) -> dict[str, Any]:
        tuned = sum(array.size for array in self._weights.values())
        return {"base": self._base.name, "revision": self._base.revision, "tuned_parameters": int(tuned)}

    def _open(self) -> tuple[Any, Grammar]:
        _, found = find_base(self._base.name, self._base.rank)
        if found.revision != self._base.revision:
            raise UsageError(
                f"The model {self._base.name} is here as revision {found.revision[:12]}; the table was learned with "
                f"{self._base.revision[:12]}.",
                "Get that revision again, or fit anew.",
            )
        model, tokens = open_base(self._base, found, "auto")
        load_tuned(model, self._weights)
        return model.eval(), make_grammar(self.profile, self._natural, tokens)


def load_tuned(model: nn.Module, weights: Mapping[str, Any]) -> None:
    """Put the weights that were tuned into the model. Raises UsageError where they are of another one."""
    tuned = list_tuned(model)
    if set(tuned) != set(weights) or any(tuple(tuned[name].shape) != weights[name].shape for name in tuned):
        raise UsageError("The fitted model does not go with its base: their layers differ.", "Fit it anew.")
    with torch.no_grad():
        for name, weight in tuned.items():
            weight.copy_(torch.from_numpy(np.array(weights[name])))
