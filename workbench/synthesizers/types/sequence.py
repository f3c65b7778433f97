"""`sequence`: ordered records of an entity, such as a patient's visits or a customer's purchases.

Only the config is here; what learns and draws is in `workbench.synthesizers.sequences`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from workbench.spec.model import SynthesizerConfig
from workbench.synthesizers.synthesizer import FitContext, register

if TYPE_CHECKING:
    import pandas as pd

    from workbench.synthesizers.sequences.fitted import FittedSequences


class SequenceConfig(SynthesizerConfig):
    """Ordered records for each entity: how many, how far apart, and each one given the one before.

    Columns that never change within an entity are drawn once for it. Time never runs backwards.
    """

    type: Literal["sequence"] = "sequence"
    entity: str = Field(description="Column of the source that says whose record it is")
    order_by: str = Field(description="Column, a number or a moment, that the records of an entity are ordered by")
    model: str = Field("gaussian_copula", description="The synthesizer, of any other type, that learns the records")
    settings: dict[str, Any] = Field(default_factory=dict, description="Settings of that synthesizer")
    longest: Annotated[int, Field(ge=1)] | None = Field(
        None, description="Records of an entity that are learned and made, its first ones; all if left out"
    )


EXAMPLE = """\
tables:
  purchases:
    foreign_keys: [{column: customer, table: customers}]
    synthesizer:
      type: sequence
      source: purchases
      entity: customer
      order_by: date
"""


def _fit_frame(frame: pd.DataFrame, config: SequenceConfig, context: FitContext) -> FittedSequences:
    from workbench.synthesizers.sequences.fitting import fit_sequences

    return fit_sequences(frame, config, context)


register(SequenceConfig, None, None, example=EXAMPLE, neural=False, fit_frame=_fit_frame)
