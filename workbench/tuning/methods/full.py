"""Full fine-tuning: every weight of the model is trained."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.tuning.methods.base import Method, MethodSettings

if TYPE_CHECKING:
    from transformers import PreTrainedModel


class FullSettings(MethodSettings):
    """Full fine-tuning has no settings of its own."""


def apply(model: PreTrainedModel, settings: FullSettings) -> PreTrainedModel:
    """Make every parameter of `model` trainable."""
    for parameter in model.parameters():
        parameter.requires_grad_(True)
    return model


# 2e-5 is TRL's default, for models of a billion parameters and more. The small rate was measured on the shipped model
# and the training parts of the two demo datasets: 3e-4, 5e-4 and 1e-3 do equally well, and 2e-3 falls back to chance.
FULL = Method(
    name="full",
    group="full",
    settings=FullSettings,
    trainable="all weights",
    checkpointing=True,
    four_bit=False,
    mergeable=False,
    frozen_base=False,
    advice=(
        "Learns most: for continued pretraining, a new language, or far more than 50,000 examples. Needs about 16 "
        "bytes of memory per parameter, and forgets more of what the model knew; keep the rate low."
    ),
    rates=(5e-4, 2e-5),
    apply=apply,
)
