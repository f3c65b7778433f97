"""What a tuning method is: a settings class with the method's own defaults, facts, and one function on a model.

A method carries its own learning rate, because a rate that suits one ruins another: PEFT's published comparison moves
IA3 from 31 to 46 % and prefix tuning from 19 to 42 % by the rate alone. And it depends on the model's size: rates of
1e-5 are for models of billions of parameters and leave a small one where it was.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field

from workbench.spec.model import StrictModel

SMALL, LARGE = 1_700_000, 1_000_000_000
"""Parameters of the shipped model, where small rates were measured, and of the models that published rates are for."""

FEW_STEPS, MANY_EPOCHS = 250, 10
"""What a run without `epochs` makes of few rows: this many steps, but not more passes than these."""


class MethodSettings(StrictModel):
    """What every method has. A method's own class changes defaults and adds its fields."""

    learning_rate: Annotated[float, Field(gt=0, le=10)] | None = Field(
        None, description="Peak rate after warm-up; left out, it is chosen by method and model size"
    )
    epochs: Annotated[float, Field(gt=0, le=10_000)] | None = Field(
        None, description=f"Passes over the rows; left out, as many as make {FEW_STEPS} steps, from 1 to {MANY_EPOCHS}"
    )
    max_steps: Annotated[int, Field(ge=1)] | None = Field(None, description="Optimizer steps, instead of epochs")
    batch_size: Annotated[int, Field(ge=1, le=65_536)] = Field(8, description="Rows in one forward pass")
    gradient_accumulation: Annotated[int, Field(ge=1, le=65_536)] = Field(1, description="Forward passes in one step")
    max_length: Annotated[int, Field(ge=8)] = Field(512, description="Tokens of a row; what is longer loses its end")
    warmup_ratio: Annotated[float, Field(ge=0, lt=1)] = Field(0.06, description="Share of steps with a rising rate")
    weight_decay: Annotated[float, Field(ge=0, le=1)] = 0.0
    seed: Annotated[int, Field(ge=0, lt=2**32)] = Field(0, description="Of initial adapter weights and row order")
    checkpointing: bool = Field(False, description="Recompute activations in the backward pass: less memory, slower")
    evaluate_every: Annotated[int, Field(ge=1)] | None = Field(
        None, description="Steps between measures of the held-out loss while training; left out, before and after only"
    )
    save_every: Annotated[int, Field(ge=1)] | None = Field(
        None, description="Steps between checkpoints; left out, a tenth of the run"
    )
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = Field(
        "auto", description="Precision of the arithmetic; auto is float32 on a CPU, bfloat16 or float16 on a GPU"
    )


@dataclass(frozen=True, slots=True)
class Method:
    """`trainable` says in words what is trained. `rates` are peak learning rates at SMALL and LARGE parameters.

    `checkpointing`, `four_bit` and `mergeable` say whether the method works with gradient checkpointing, on a 4-bit
    base, and whether its result can be merged into the base. `frozen_base` is true where the base's weights stay as
    they are and may therefore be held in half precision. `apply` changes a loaded causal language model and returns the
    model to train; it may import torch and peft, which importing the method must not.
    """

    name: str
    group: str
    settings: type[MethodSettings]
    trainable: str
    checkpointing: bool
    four_bit: bool
    mergeable: bool
    frozen_base: bool
    advice: str
    rates: tuple[float, float]
    apply: Callable[[Any, Any], Any]


def count_steps(settings: MethodSettings, rows: int) -> int:
    """Optimizer steps of a run on that many rows. The last step of an epoch may have fewer rows than the others.

    Few rows are read several times, since a model learns from updates: so runs on 400 real and on 1,500 synthetic rows
    differ in their rows and not in how long they trained.
    """
    if settings.max_steps is not None:
        return settings.max_steps
    per_epoch = math.ceil(math.ceil(rows / settings.batch_size) / settings.gradient_accumulation)
    if settings.epochs is not None:
        return math.ceil(settings.epochs * per_epoch)
    return min(max(per_epoch, FEW_STEPS), MANY_EPOCHS * per_epoch)


def choose_learning_rate(method: Method, parameters: int) -> float:
    """The method's rate for a model of that many parameters, to two digits.

    Straight line between the two known rates in the logarithms of size and rate; beyond them, the nearer one.
    """
    small, large = method.rates
    place = (math.log(max(parameters, 1)) - math.log(SMALL)) / (math.log(LARGE) - math.log(SMALL))
    rate = math.exp(math.log(small) + min(max(place, 0.0), 1.0) * (math.log(large) - math.log(small)))
    return float(f"{rate:.1e}")
