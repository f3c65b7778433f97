"""Gaussian copula: each column by its own marginal, all of them tied together by correlated normal latents.

It is the type that needs seconds on a CPU. Importing this package imports neither scipy nor the code that learns.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from workbench.spec.model import SynthesizerConfig
from workbench.synthesizers.profile import RealTable
from workbench.synthesizers.synthesizer import FitContext, Synthesizer, register

if TYPE_CHECKING:
    from workbench.synthesizers.types.gaussian_copula.synthesizer import GaussianCopula

__all__ = ["GaussianCopulaConfig"]

EXAMPLE = """\
tables:
  payments:
    rows: 10000
    synthesizer:
      type: gaussian_copula
      source: payments
      label: is_fraud
"""


class GaussianCopulaConfig(SynthesizerConfig):
    """Columns by their own distributions, tied by correlated normal latents; learned in seconds on a CPU.

    Each class of the label has distributions and correlations of its own, so rare classes keep theirs.
    """

    type: Literal["gaussian_copula"]
    marginals: dict[str, Literal["auto", "empirical", "kernel", "parametric"]] = Field(
        default_factory=dict,
        description="Number column to how its distribution is learned; auto, the best by fit, for those left out",
    )
    strata: str = Field(
        "auto",
        description="The category in whose levels the table is learned apart: auto takes the label, or else the "
        "category that changes the other columns most; none learns all rows together; or a column's name",
    )
    components: Annotated[int, Field(ge=1, le=32)] | None = Field(
        None, description="Most copulas that one stratum is a mixture of; by its number of rows if left out"
    )


def _fit(table: RealTable, config: GaussianCopulaConfig, context: FitContext) -> Synthesizer:
    from workbench.synthesizers.types.gaussian_copula.learning import fit_copula

    return fit_copula(table, config, context)


def _load() -> type[GaussianCopula]:
    from workbench.synthesizers.types.gaussian_copula.synthesizer import GaussianCopula

    return GaussianCopula


register(GaussianCopulaConfig, _fit, _load, example=EXAMPLE, neural=False)
