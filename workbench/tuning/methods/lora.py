"""LoRA (Hu et al. 2021, arXiv:2106.09685): a low-rank update beside each linear layer of a frozen base."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field, field_validator

from workbench.tuning.methods.base import Method, MethodSettings

if TYPE_CHECKING:
    from peft import PeftModel
    from transformers import PreTrainedModel

ALL_LINEAR = "all-linear"


class LoraSettings(MethodSettings):
    """Rank, scale and place of the update. The update is `alpha / rank` times the product of its two factors."""

    rank: Annotated[int, Field(ge=1, le=4096)] = Field(16, description="Width of the update: its capacity and size")
    alpha: Annotated[float, Field(gt=0)] = Field(32.0, description="Scale of the update, usually one or two ranks")
    dropout: Annotated[float, Field(ge=0, lt=1)] = Field(0.0, description="On the update's input, while training")
    target_modules: str = Field(
        ALL_LINEAR, description="Names of the layers to adapt, with commas, or all-linear for all but the output layer"
    )

    @field_validator("target_modules", mode="before")
    @classmethod
    def join_list(cls, value: object) -> object:
        """Accept a list of names as well."""
        return ",".join(map(str, value)) if isinstance(value, list | tuple) else value


def apply(model: PreTrainedModel, settings: LoraSettings) -> PeftModel:
    """Wrap `model` with zero-effect adapters: B starts at zero, so step 0 equals the base.

    Raises ValueError (from PEFT) if no layer of the model has one of the names in `target_modules`.
    """
    from peft import LoraConfig, get_peft_model

    names = [name.strip() for name in settings.target_modules.split(",") if name.strip()]
    config = LoraConfig(
        task_type="CAUSAL_LM",
        r=settings.rank,
        lora_alpha=settings.alpha,
        lora_dropout=settings.dropout,
        target_modules=ALL_LINEAR if names == [ALL_LINEAR] else names,
    )
    return get_peft_model(model, config)


# All linear layers and ten times the rate of full fine-tuning: TRL's "LoRA without regret". The small rate stands
# between the best two of 1e-3, 2e-3, 4e-3 and 8e-3 for the shipped model on the training parts of the demo datasets.
LORA = Method(
    name="lora",
    group="low-rank",
    settings=LoraSettings,
    trainable="a low-rank update of every linear layer",
    checkpointing=True,
    four_bit=True,
    mergeable=True,
    frozen_base=True,
    advice=(
        "The first choice for 100 to 50,000 examples: learns nearly as much as full fine-tuning at a fraction of the "
        "memory, and the result is a small file. Raise the rank if the training loss stays high."
    ),
    rates=(3e-3, 2e-4),
    apply=apply,
)
