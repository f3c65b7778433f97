"""From a model of few layers to one of many: exact for a stack in which a group of layers repeats.

The operator that sets the peak may change with depth, so the peaks of two shallow runs say little. Operator by operator
they do: aligned from the front, the n-th operator of a phase is the same one at any depth, and aligned from the back
so is the n-th from the end; between the two, memory runs straight from one layer to the next.
"""

from __future__ import annotations

import copy
from collections import Counter
from dataclasses import dataclass
from typing import Any

from workbench.estimates.recording import Live, Recording

FEW_LAYERS = 8
"""A model of at most so many layers is recorded whole."""

_PHASES = ("forward", "backward")
# Settings by which single layers differ from their neighbours without a list that shows it.
_BREAKS_THE_STACK = (
    "first_k_dense_replace", "moe_layer_freq", "decoder_sparse_step", "mlp_only_layers", "attn_layer_period",
    "expert_layer_period", "num_kv_shared_layers", "interleave_moe_layer_step", "encoder_layers",
)  # fmt: skip

Work = Counter[tuple[int, int, bool]]
"""How often a kernel of (flops, bytes read and written, arithmetic in float32) runs in a step."""


@dataclass(frozen=True, slots=True)
class Peak:
    """The fullest moment: bytes by part, and the operator during which they are held."""

    live: Live
    phase: str
    operator: str


def choose_depths(config: Any) -> tuple[int, ...]:
    """Depths to record: two shallow ones to extrapolate from, or the full one where layers do not simply repeat."""
    layers = int(config.num_hidden_layers)
    period = find_period(config)
    if period is None or layers <= FEW_LAYERS:
        return (layers,)
    first = 2 if period == 1 else layers % period + period
    return (first, first + period) if first + period < layers else (layers,)


def find_period(config: Any) -> int | None:
    """After how many layers a transformers `config` repeats; None where it cannot be told."""
    layers = int(config.num_hidden_layers)
    if any(getattr(config, name, None) for name in _BREAKS_THE_STACK):
        return None
    lists = [v for v in vars(config).values() if isinstance(v, (list, tuple)) and len(v) == layers]
    for period in range(1, layers // 2 + 1):
        if all(values[i] == values[i - period] for values in lists for i in range(period, layers)):
            return period
    return None


def cut_layers(config: Any, layers: int) -> Any:
    """A copy of `config` with its first `layers` layers."""
    full = int(config.num_hidden_layers)
    shorter = copy.deepcopy(config)
    for name, value in vars(shorter).items():
        if isinstance(value, (list, tuple)) and len(value) == full:
            setattr(shorter, name, value[:layers])
    shorter.num_hidden_layers = layers
    return shorter


def find_peak(recording: Recording) -> Peak:
    """The peak of a run of full depth."""
    op = max(recording.ops, key=lambda op: sum(op.live))
    return Peak(op.live, op.phase, op.name)


def extrapolate_peak(shallow: Recording, deeper: Recording, factor: float) -> Peak:
    """The peak at `factor` times the step from `shallow` to `deeper`, added to `deeper`."""
    best = Peak((0,), "", "")
    for phase in _PHASES:
        a = [op for op in shallow.ops if op.phase == phase]
        b = [op for op in deeper.ops if op.phase == phase]
        for left, right in ((a, b), (a[::-1], b[::-1])):
            for u, v in zip(left, right, strict=False):
                if u.name != v.name:
                    break
                live = tuple(round(y + factor * (y - x)) for x, y in zip(u.live, v.live, strict=True))
                if sum(live) > sum(best.live):
                    best = Peak(live, phase, v.name)
    return best


def count_work(recording: Recording) -> Work:
    """The kernels of a run."""
    return Counter((op.flops, op.traffic, op.wide) for op in recording.ops if op.kernel)


def extrapolate_work(shallow: Work, deeper: Work, factor: float) -> Work:
    """The kernels at full depth: what one step in depth adds is added `factor` times more."""
    work = Counter({kernel: round(count + factor * (count - shallow[kernel])) for kernel, count in deeper.items()})
    return +work
