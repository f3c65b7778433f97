"""TVAE: a conditional variational autoencoder for tables (Xu et al., NeurIPS 2019; Sohn et al., NeurIPS 2015).

Importing this package imports no torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from workbench.spec.model import SynthesizerConfig
from workbench.synthesizers.profile import RealTable
from workbench.synthesizers.synthesizer import FitContext, Synthesizer, register

if TYPE_CHECKING:
    from workbench.synthesizers.types.tvae.learning import Tvae

__all__ = ["TvaeConfig"]

Widths = Annotated[tuple[Annotated[int, Field(ge=1, le=8192)], ...], Field(min_length=1, max_length=8)]


class TvaeConfig(SynthesizerConfig):
    """A variational autoencoder: rows are compressed to a few normal numbers, and made from such numbers again.

    A `loss_factor` of 8, rather than the 2 of Xu et al. (2019), lets points say more of rows: columns then keep how
    they depend on each other, which at 2 is given up for a smaller divergence.
    """

    type: Literal["tvae"]
    epochs: Annotated[int, Field(ge=1)] | None = Field(
        None, description="Passes over the table; so many that about 2,000 steps are taken if left out"
    )
    batch_size: Annotated[int, Field(ge=2)] = Field(
        500, description="Rows of a step; fewer in a table that has less than two batches"
    )
    embedding_dim: Annotated[int, Field(ge=1, le=4096)] = Field(
        64, description="Normal numbers that a row is compressed to"
    )
    compress_dims: Widths = Field((256, 256), description="Widths of the encoder's hidden layers")
    decompress_dims: Widths = Field((256, 256), description="Widths of the decoder's hidden layers")
    learning_rate: Annotated[float, Field(gt=0)] = Field(3e-3, description="Highest learning rate; it falls to nothing")
    loss_factor: Annotated[float, Field(gt=0)] = Field(
        8.0, description="Weight of making a row again against the weight of its numbers being normal"
    )
    patience: Annotated[int, Field(ge=1)] | None = Field(
        8, description="Live scores without a better one after which training ends; null never ends it early"
    )


def _fit(table: RealTable, config: TvaeConfig, context: FitContext) -> Synthesizer:
    from workbench.synthesizers.types.tvae.learning import fit_tvae

    return fit_tvae(table, config, context)


def _load() -> type[Tvae]:
    from workbench.synthesizers.types.tvae.learning import Tvae

    return Tvae


register(
    TvaeConfig,
    _fit,
    _load,
    example="tables: {payments: {rows: 10000, synthesizer: {type: tvae, source: payments, label: is_fraud}}}",
)
