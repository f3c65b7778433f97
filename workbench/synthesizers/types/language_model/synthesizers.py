"""The fitted language models: what is stored of them, and how they make rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from workbench.synthesizers.neural.weights import load_weights, pack_weights
from workbench.synthesizers.profile import TableProfile
from workbench.synthesizers.synthesizer import Arrays, Conditions, Made, Synthesizer
from workbench.synthesizers.types.language_model.layout import RowLayout
from workbench.synthesizers.types.language_model.transformer import RowTransformer, Shape
from workbench.synthesizers.types.language_model.vocabulary import pack_trees, unpack_trees
from workbench.synthesizers.types.language_model.writing import Offsets, adjust_by, write_rows

CHUNK_ROWS = 512

WEIGHTS = "model."
"""What the names of the small model's arrays begin with in a stored model."""


class LanguageModel(Synthesizer):
    """A fitted language model of either kind."""

    type = "language_model"

    @classmethod
    def restore(cls, profile: TableProfile, state: Mapping[str, Any], arrays: Arrays) -> LanguageModel:
        if state["kind"] == "small":
            return SmallLanguageModel.read(profile, state, arrays)
        from workbench.synthesizers.types.language_model.pretrained import PretrainedLanguageModel

        return PretrainedLanguageModel.read(profile, state, arrays)


class SmallLanguageModel(LanguageModel):
    """The small model, on the CPU: a chunk of rows takes it a second there, and the same weights give the same rows."""

    chunk_rows = CHUNK_ROWS

    def __init__(self, layout: RowLayout, model: RowTransformer, offsets: Offsets, temperature: float) -> None:
        super().__init__(layout.profile)
        self._layout = layout
        self._model = model
        self._offsets = offsets
        self._temperature = temperature

    def draw(self, generator: np.random.Generator, count: int, conditions: Conditions) -> Made:
        adjust = adjust_by(self._offsets, self._temperature)
        return write_rows(self._model, self._layout, generator, count, conditions, adjust)

    def get_state(self) -> tuple[dict[str, Any], Arrays]:
        shape = self._model.shape
        state = {
            "kind": "small",
            "natural": list(self._layout.natural),
            "hidden": shape.hidden,
            "layers": shape.layers,
            "heads": shape.heads,
            "temperature": self._temperature,
            "offsets": sorted(self._offsets),
        }
        arrays = pack_trees(self._layout.trees)
        arrays |= pack_weights(self._model, WEIGHTS)
        arrays |= {f"offsets.{slot}": offsets for slot, offsets in self._offsets.items()}
        return state, arrays

    @classmethod
    def read(cls, profile: TableProfile, state: Mapping[str, Any], arrays: Arrays) -> SmallLanguageModel:
        """The model that `get_state` gave. Raises KeyError or ValueError where it is none."""
        layout = RowLayout(profile, unpack_trees(profile, arrays), tuple(state["natural"]))
        size = (state["hidden"], state["layers"], state["heads"])
        shape = Shape(layout.widths, layout.levels, layout.ordered, *size)
        model = RowTransformer(shape, torch.Generator().manual_seed(0))
        load_weights(model, arrays, WEIGHTS)
        offsets = {slot: arrays[f"offsets.{slot}"] for slot in state["offsets"]}
        return cls(layout, model.eval(), offsets, state["temperature"])

    def describe(self) -> dict[str, Any]:
        return {
            "tokens_per_row": len(self._layout.widths),
            "vocabulary": sum(self._layout.widths),
            "first_column": self._layout.natural[0],
        }
