"""`type: language_model`: rows as text, and a causal language model that writes them.

Without `model` a small transformer is made for the table and trained from nothing, on the CPU in minutes; with one, any
pretrained causal language model is fine-tuned on sentences as GReaT does. Either writes values that are valid alone.
torch is imported with the first fit or draw.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from workbench.spec.model import SynthesizerConfig
from workbench.synthesizers.profile import RealTable
from workbench.synthesizers.synthesizer import FitContext, Synthesizer, register

if TYPE_CHECKING:
    from workbench.synthesizers.types.language_model.synthesizers import LanguageModel

SMALL = "small"


class LanguageModelConfig(SynthesizerConfig):
    """A causal language model that writes rows as text (GReaT, Borisov et al. 2023)

    `small`, the default, is made for the table: it writes a value by digits of its column's own alphabet. Any other
    name is a pretrained model, found as `models` finds it, which gets “age is 39, job is clerk” to learn: by LoRA
    (Hu et al. 2021), or in all of its weights with `full`. Settings that are left out follow from the model and the
    rows: the small one sees about 120,000 rows, a pretrained one 10 epochs of at most 20,000 rows.
    """

    type: Literal["language_model"]
    model: str = Field(SMALL, description="small, or a pretrained model: a folder, a hub id, or a packaged model")
    epochs: Annotated[int, Field(ge=1, le=100_000)] | None = Field(None, description="Times that all rows are seen")
    batch_size: Annotated[int, Field(ge=1, le=65_536)] | None = Field(
        None, description="Rows of a step: 256 for the small model, 16 for a pretrained one if left out"
    )
    learning_rate: Annotated[float, Field(gt=0, le=1)] | None = Field(
        None,
        description="Highest one; up to 4e-3 for the small model, 5e-4 for LoRA and 5e-5 for all weights if left out",
    )
    temperature: Annotated[float, Field(gt=0, le=10)] = Field(
        1.0, description="Below 1 the likelier values get likelier still; 1 keeps what was learned"
    )
    hidden_size: Annotated[int, Field(ge=8, le=4096, multiple_of=8)] = Field(
        64, description="Width of the small model; a multiple of 8"
    )
    layers: Annotated[int, Field(ge=1, le=64)] = Field(2, description="Layers of the small model")
    lora_rank: Annotated[int, Field(ge=1, le=1024)] = Field(16, description="Rank of LoRA on a pretrained model")
    full: bool = Field(False, description="Tune all weights of a pretrained model instead of LoRA")


def fit(table: RealTable, config: LanguageModelConfig, context: FitContext) -> Synthesizer:
    """Train the small model, or fine-tune a pretrained one. Raises UsageError for a model that is not here."""
    if config.model == SMALL:
        from workbench.synthesizers.types.language_model.training import fit_small

        return fit_small(table, config, context)
    from workbench.synthesizers.types.language_model.tuning import fit_pretrained

    return fit_pretrained(table, config, context)


def load() -> type[LanguageModel]:
    """The class whose `restore` reads a stored model of either kind."""
    from workbench.synthesizers.types.language_model.synthesizers import LanguageModel

    return LanguageModel


register(
    LanguageModelConfig,
    fit,
    load,
    example="synthesizer: {type: language_model, source: patients}",
)
