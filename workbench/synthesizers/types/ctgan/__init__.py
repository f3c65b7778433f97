"""CTGAN: a conditional GAN for tables (Xu, Skoularidou, Cuesta-Infante and Veeramachaneni, NeurIPS 2019).

Importing this package imports no torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, model_validator

from workbench.spec.model import SynthesizerConfig
from workbench.synthesizers.profile import RealTable
from workbench.synthesizers.synthesizer import FitContext, Synthesizer, register

if TYPE_CHECKING:
    from workbench.synthesizers.types.ctgan.learning import Ctgan

__all__ = ["CtganConfig"]

Widths = Annotated[tuple[Annotated[int, Field(ge=1, le=8192)], ...], Field(min_length=1, max_length=8)]


class CtganConfig(SynthesizerConfig):
    """A conditional GAN: a generator of rows learns against a discriminator that tells them from real ones.

    The defaults of the widths, `pac` and the penalty are those of Xu et al. (2019).
    """

    type: Literal["ctgan"]
    epochs: Annotated[int, Field(ge=1)] | None = Field(
        None, description="Passes over the table; so many that about 2,500 steps are taken if left out"
    )
    batch_size: Annotated[int, Field(ge=2)] = Field(
        500, description="Rows of a step; fewer in a table that has less than two batches"
    )
    embedding_dim: Annotated[int, Field(ge=1, le=4096)] = Field(
        128, description="Numbers of noise that a row is made from"
    )
    generator_dim: Widths = Field((256, 256), description="Widths of the generator's hidden layers")
    discriminator_dim: Widths = Field((256, 256), description="Widths of the discriminator's hidden layers")
    generator_lr: Annotated[float, Field(gt=0)] = Field(
        2e-3, description="Highest learning rate of the generator; it falls to nothing"
    )
    discriminator_lr: Annotated[float, Field(gt=0)] = Field(
        2e-3, description="Highest learning rate of the discriminator; it falls to nothing"
    )
    discriminator_steps: Annotated[int, Field(ge=1, le=20)] = Field(
        1, description="Steps of the discriminator for each one of the generator"
    )
    pac: Annotated[int, Field(ge=1, le=100)] = Field(
        10, description="Rows that the discriminator judges together, against collapse to few kinds of row (PacGAN)"
    )
    gradient_penalty: Annotated[float, Field(ge=0)] = Field(
        10.0, description="Weight of the penalty that keeps the discriminator smooth (WGAN-GP)"
    )
    patience: Annotated[int, Field(ge=1)] | None = Field(
        8, description="Live scores without a better one after which training ends; null never ends it early"
    )

    @model_validator(mode="after")
    def validate_pac(self) -> CtganConfig:
        if self.batch_size < self.pac:
            raise ValueError("batch_size must be at least pac")
        return self


def _fit(table: RealTable, config: CtganConfig, context: FitContext) -> Synthesizer:
    from workbench.synthesizers.types.ctgan.learning import fit_ctgan

    return fit_ctgan(table, config, context)


def _load() -> type[Ctgan]:
    from workbench.synthesizers.types.ctgan.learning import Ctgan

    return Ctgan


register(
    CtganConfig,
    _fit,
    _load,
    example="tables: {payments: {rows: 10000, synthesizer: {type: ctgan, source: payments, label: is_fraud}}}",
)
