"""Diffusion: categories uncovered one after the other, numbers made from noise, given them, in a few steps.

Importing this package imports neither torch nor the code that learns.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from workbench.spec.model import SynthesizerConfig
from workbench.synthesizers.profile import RealTable
from workbench.synthesizers.synthesizer import FitContext, Synthesizer, register

if TYPE_CHECKING:
    from workbench.synthesizers.types.diffusion.synthesizer import DiffusionSynthesizer

__all__ = ["DiffusionConfig"]

EXAMPLE = """\
tables:
  payments:
    rows: 10000
    synthesizer:
      type: diffusion
      source: payments
      label: is_fraud
"""


class DiffusionConfig(SynthesizerConfig):
    """A denoising diffusion for tables, of the class of TabDDPM; minutes on a CPU, conditions on any columns exact.

    Categories are hidden and uncovered, numbers put under Gaussian noise and freed from it (Kotelnikov et al., 2023).
    """

    type: Literal["diffusion"]
    steps: Annotated[int, Field(ge=1)] | None = Field(
        None, description="Optimizer steps, each on one batch; by the number of rows if left out"
    )
    batch_size: Annotated[int, Field(ge=1)] | None = Field(None, description="Rows of a batch; 512 if left out")
    learning_rate: Annotated[float, Field(gt=0)] | None = Field(
        None, description="At the start; 0.002 if left out, 0.005 in a private fit. It falls along half a cosine"
    )
    weight_decay: Annotated[float, Field(ge=0)] = 1e-4
    max_grad_norm: Annotated[float, Field(gt=0)] = Field(
        1.0, description="Gradients are scaled down to this norm: that of a batch, or of each row in a private fit"
    )
    hidden_dim: Annotated[int, Field(ge=8, le=8192)] | None = Field(
        None, description="Width of the networks; 256 if left out, 128 in a private fit"
    )
    layers: Annotated[int, Field(ge=1, le=32)] = Field(2, description="Hidden layers of each network, after its first")
    dropout: Annotated[float, Field(ge=0, lt=1)] = Field(
        0.1, description="Not in a private fit, whose noise does its work"
    )
    ema_decay: Annotated[float, Field(ge=0, lt=1)] = Field(
        0.999, description="Of the moving average of the weights, which rows are made with"
    )
    sampling_steps: Annotated[int, Field(ge=1, le=1000)] = Field(
        20, description="Steps of the solver that frees numbers from noise; more take longer"
    )
    patience: Annotated[int, Field(ge=1)] | None = Field(
        None, description="Evaluations, of twenty in a fit, without a better score until it ends early; null: never"
    )


def _fit(table: RealTable, config: DiffusionConfig, context: FitContext) -> Synthesizer:
    from workbench.synthesizers.types.diffusion.fitting import fit_diffusion

    return fit_diffusion(table, config, context)


def _load() -> type[DiffusionSynthesizer]:
    from workbench.synthesizers.types.diffusion.synthesizer import DiffusionSynthesizer

    return DiffusionSynthesizer


register(DiffusionConfig, _fit, _load, example=EXAMPLE, neural=True)
