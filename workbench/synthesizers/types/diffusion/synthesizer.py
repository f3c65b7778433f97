"""A fitted diffusion: the encoder of its table, the networks and the calibration, and how rows are drawn with them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from workbench.synthesizers.neural.calibration import Calibration
from workbench.synthesizers.neural.conditioning import draw_label
from workbench.synthesizers.neural.encoding import EncodedRows, TableEncoder
from workbench.synthesizers.neural.weights import load_weights, pack_weights
from workbench.synthesizers.profile import TableProfile
from workbench.synthesizers.synthesizer import Arrays, Conditions, Made, Synthesizer
from workbench.synthesizers.types.diffusion.drawing import Given, draw_numbers, uncover_codes
from workbench.synthesizers.types.diffusion.layout import Layout, make_layout
from workbench.synthesizers.types.diffusion.network import Denoiser
from workbench.synthesizers.types.diffusion.settings import Settings

WEIGHTS = "network."
"""What the names of the network's arrays begin with in a stored model."""


class DiffusionSynthesizer(Synthesizer):
    """Draws rows on the CPU. `label` is the column whose shares are met exactly."""

    type = "diffusion"

    def __init__(
        self,
        encoder: TableEncoder,
        network: Denoiser,
        calibration: Calibration,
        settings: Settings,
        label: str | None,
    ) -> None:
        super().__init__(encoder.profile)
        self.encoder = encoder
        self.network = network.eval()
        self.calibration = calibration
        self.settings = settings
        self.sampling_steps = settings.sampling_steps
        self.label = label
        self.layout = make_layout(encoder, label)

    def draw(self, generator: Generator, count: int, conditions: Conditions) -> Made:
        label = None if conditions or self.label is None else self.profile.columns[self.label]
        kept = conditions if label is None else {label.name: draw_label(label, generator, count)}
        given = Given(*self.encoder.encode_conditions(kept, count))
        biases = self.calibration.biases
        rows = draw_rows(self.network, self.layout, generator, given, biases, self.sampling_steps)
        return self.encoder.decode(rows, generator, kept, self.calibration.adjust)

    def get_state(self) -> tuple[dict[str, Any], Arrays]:
        encoder, arrays = self.encoder.get_state()
        calibration, more = self.calibration.get_state()
        state = {"encoder": encoder, "calibration": calibration, "settings": asdict(self.settings), "label": self.label}
        return state, {**arrays, **more, **pack_weights(self.network, WEIGHTS)}

    @classmethod
    def restore(cls, profile: TableProfile, state: Mapping[str, Any], arrays: Arrays) -> DiffusionSynthesizer:
        encoder = TableEncoder.restore(profile, state["encoder"], arrays)
        settings = Settings(**state["settings"])
        network = build_network(encoder, settings)
        load_weights(network, arrays, WEIGHTS)
        calibration = Calibration.restore(state["calibration"], arrays)
        return cls(encoder, network, calibration, settings, state["label"])


def build_network(encoder: TableEncoder, settings: Settings) -> Denoiser:
    """The networks for the encoder's rows, with first weights."""
    return Denoiser(encoder.scalars, encoder.sizes.tolist(), settings.hidden_dim, settings.layers, settings.dropout)


def draw_rows(
    network: Denoiser, layout: Layout, generator: Generator, given: Given, biases: NDArray[np.float64], steps: int
) -> EncodedRows:
    """Rows with what is given and the rest drawn, as they are encoded; `steps` are the solver's."""
    codes = uncover_codes(network, layout, generator, given, biases)
    return EncodedRows(codes, draw_numbers(network, layout, generator, given, codes, steps))
