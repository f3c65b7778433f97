"""Synthesizers whose network makes a whole row in one pass from noise and what it is told: drawing and calibrating.

`ctgan` and `tvae` differ in how the network is trained. What they make rows with is the same: a `RowMaker`, the
encoder, and a calibration.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.random import Generator
from numpy.typing import NDArray
from torch import Tensor, nn

from workbench.columns.values import Values
from workbench.synthesizers.neural.calibration import Calibration, add_biases, fit_biases, fit_maps
from workbench.synthesizers.neural.conditioning import draw_label, stratify
from workbench.synthesizers.neural.encoding import EncodedRows, TableEncoder
from workbench.synthesizers.neural.tensors import RowTensors, draw_codes, make_inputs, measure_shares
from workbench.synthesizers.neural.weights import load_weights, pack_weights
from workbench.synthesizers.profile import RealTable, TableProfile
from workbench.synthesizers.synthesizer import Arrays, Conditions, Made, Synthesizer

WEIGHTS = "network."
"""What the names of the network's arrays begin with in a stored model."""

CALIBRATED_ROWS = 32_768
"""Rows that the final calibration looks at: a level of 1 % is then known within 6 % by the rows that have it alone."""

CALIBRATED_FLOATS = 48_000_000
"""Numbers that these rows may take together (190 MiB): of a very wide table fewer rows are looked at."""

LIVE_ROWS = 2_048
LIVE_ROUNDS = 8
"""Rows and rounds of the quick calibration before each live score."""

MAPPED_ROWS = 20_000
"""Real rows whose quantiles a live score's maps go to."""


class RowMaker(nn.Module):
    """A network that makes rows. `noise_width`: how many standard normal numbers a row takes."""

    noise_width: int

    def forward(self, noise: Tensor, inputs: Tensor) -> Tensor:
        """The logits of all codes, then whatever `place` needs, given `inputs` of `tensors.make_inputs`."""
        raise NotImplementedError

    def place(self, raw: Tensor, codes: Tensor) -> Tensor:
        """Scalars (rows, scalars) from -1 to 1 for rows with these codes (rows, segments); `raw` is from `forward`."""
        raise NotImplementedError


class OnePassSynthesizer(Synthesizer):
    """Draws rows with a `RowMaker` on the CPU. A type's own class says how its network is built, by `build`."""

    def __init__(
        self,
        encoder: TableEncoder,
        maker: RowMaker,
        settings: Mapping[str, Any],
        calibration: Calibration,
        label: str | None,
    ) -> None:
        super().__init__(encoder.profile)
        self.encoder = encoder
        self.maker = maker.eval()
        self.settings = dict(settings)
        self.calibration = calibration
        self.label = label

    @classmethod
    def build(cls, encoder: TableEncoder, settings: Mapping[str, Any]) -> RowMaker:
        """The type's network, with weights yet to be loaded."""
        raise NotImplementedError

    def draw(self, generator: Generator, count: int, conditions: Conditions) -> Made:
        return draw_rows(self.encoder, self.maker, self.calibration, self.label, generator, count, conditions)

    def get_state(self) -> tuple[dict[str, Any], Arrays]:
        encoder, arrays = self.encoder.get_state()
        calibration, more = self.calibration.get_state()
        state = {"encoder": encoder, "calibration": calibration, "settings": self.settings, "label": self.label}
        return state, {**arrays, **more, **pack_weights(self.maker, WEIGHTS)}

    @classmethod
    def restore(cls, profile: TableProfile, state: Mapping[str, Any], arrays: Arrays) -> OnePassSynthesizer:
        encoder = TableEncoder.restore(profile, state["encoder"], arrays)
        maker = cls.build(encoder, state["settings"])
        load_weights(maker, arrays, WEIGHTS)
        return cls(encoder, maker, state["settings"], Calibration.restore(state["calibration"], arrays), state["label"])


def draw_rows(
    encoder: TableEncoder,
    maker: RowMaker,
    calibration: Calibration,
    label: str | None,
    generator: Generator,
    count: int,
    conditions: Conditions,
) -> Made:
    """`count` rows given `conditions`. Without any, the label is drawn first, its shares exact, and the rest given it.

    The uniforms that choose a code are stratified for each segment, which keeps shares near those expected.
    """
    kept = _tell_label(encoder, label, generator, count) if not conditions else dict(conditions)
    raw = _run(encoder, maker, generator, kept, count)
    rows = _choose(encoder, maker, raw, calibration.biases, generator)
    return encoder.decode(rows, generator, kept, calibration.adjust)


def calibrate(
    encoder: TableEncoder, maker: RowMaker, label: str | None, table: RealTable, generator: Generator
) -> Calibration:
    """The calibration of a trained network, over CALIBRATED_ROWS rows; maps go to the quantiles of `table`."""
    count = max(1_024, min(CALIBRATED_ROWS, CALIBRATED_FLOATS // (2 * encoder.width + maker.noise_width)))
    return _calibrate(encoder, maker, label, table, generator, count, None)


def make_live_rows(
    encoder: TableEncoder, maker: RowMaker, label: str | None, table: RealTable, generator: Generator, count: int
) -> Made:
    """`count` rows as the finished model would make them were the training over, by a quick calibration."""
    shown = table if table.rows <= MAPPED_ROWS else table.take(np.arange(0, table.rows, table.rows // MAPPED_ROWS))
    calibration = _calibrate(encoder, maker, label, shown, generator, LIVE_ROWS, LIVE_ROUNDS)
    return draw_rows(encoder, maker, calibration, label, generator, count, {})


def _calibrate(
    encoder: TableEncoder,
    maker: RowMaker,
    label: str | None,
    table: RealTable,
    generator: Generator,
    count: int,
    rounds: int | None,
) -> Calibration:
    raw = _run(encoder, maker, generator, _tell_label(encoder, label, generator, count), count)
    settings: dict[str, Any] = {} if rounds is None else {"rounds": rounds}
    biases = _fit(encoder, raw, settings)
    if label is not None and rounds is None:
        # The label is told when nothing is asked for; where something is, the network makes it, with biases of its own.
        biases = add_biases(
            biases, {label: _fit(encoder, _run(encoder, maker, generator, {}, count), settings)}, encoder
        )
    return Calibration(biases, fit_maps(encoder, _choose(encoder, maker, raw, biases, generator), table))


def _fit(encoder: TableEncoder, raw: Tensor, settings: Mapping[str, Any]) -> NDArray[np.float64]:
    logits, sizes = raw[:, : encoder.codes], encoder.sizes.tolist()
    return fit_biases(encoder, lambda biases: measure_shares(logits, biases, sizes), **settings)


def _tell_label(encoder: TableEncoder, label: str | None, generator: Generator, count: int) -> dict[str, Values]:
    return {} if label is None else {label: draw_label(encoder.profile.columns[label], generator, count)}


def _run(encoder: TableEncoder, maker: RowMaker, generator: Generator, kept: Conditions, count: int) -> Tensor:
    rows, told = encoder.encode_conditions(kept, count)
    noise = generator.standard_normal((count, maker.noise_width), np.float32)
    device = next(maker.parameters()).device
    training = maker.training
    maker.eval()
    with torch.inference_mode():
        full = RowTensors(encoder, rows, device).make(slice(None))
        mask = torch.as_tensor(np.broadcast_to(told, (count, len(told))).copy(), device=device)
        inputs, _ = make_inputs(full, mask, torch.as_tensor(encoder.column_of, device=device))
        raw = maker(torch.as_tensor(noise, device=device), inputs)
    maker.train(training)
    return raw  # type: ignore[no-any-return]


def _choose(
    encoder: TableEncoder, maker: RowMaker, raw: Tensor, biases: NDArray[np.float64], generator: Generator
) -> EncodedRows:
    uniforms = np.stack([stratify(generator, len(raw)) for _ in range(encoder.segments)], 1)
    with torch.inference_mode():
        codes = draw_codes(raw[:, : encoder.codes], biases, uniforms, encoder.sizes.tolist())
        numbers = maker.place(raw, codes)
    return EncodedRows(codes.cpu().numpy().astype(np.int32), numbers.float().cpu().numpy())
