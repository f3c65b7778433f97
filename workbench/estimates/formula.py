"""Memory and work by formula, for a step that cannot be simulated: weights exact, the rest by rules of thumb.

Weights, gradients and optimizer follow from the model's own parameters. Activations and logits are fits to simulated
decoders: within a third for dense models with fused attention, worse for others, and labelled `formula` for that.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import torch

from workbench.estimates.extrapolation import Work
from workbench.estimates.step import Prepare, Sizes, StepSettings, build_model, measure_sizes

ACTIVATION_BYTES = 45  # per token, layer and unit of the hidden size, in 16 bits; simulated LoRA on Llama-3.1-8B
LOGIT_BYTES = 12  # per token and word: log-probabilities, their gradient and its copy, in float32


def estimate_memory(config: Any, prepare: Prepare, settings: StepSettings) -> tuple[Sizes, dict[str, int]]:
    """Sizes and bytes by part at the peak. Raises ValueError if the model cannot be built or the method not applied."""
    try:
        sizes = measure_sizes(build_model(config, prepare, settings))
    except Exception as error:  # whatever transformers, PEFT or the model's own code raise
        raise ValueError(str(error) or type(error).__name__) from error
    text = config.get_text_config()
    tokens = settings.batch_size * settings.seq_len
    counted = tokens if settings.answer_tokens is None else settings.batch_size * settings.answer_tokens
    layers, hidden = int(text.num_hidden_layers), int(text.hidden_size)
    width = torch.finfo(getattr(torch, settings.autocast or settings.dtype)).bits // 8
    layer = tokens * hidden * ACTIVATION_BYTES * width // 2
    held = layers * tokens * hidden * width + layer if settings.checkpointing else layers * layer
    return sizes, {
        "weights": sizes.weight_bytes,
        "gradients": sizes.gradient_bytes,
        "optimizer": sizes.optimizer_bytes,
        "activations": held,
        "logits": LOGIT_BYTES * counted * int(text.vocab_size),
        "temporary": 0,
    }


def estimate_work(config: Any, sizes: Sizes, settings: StepSettings) -> Work:
    """Two operations per weight and token forward, two for the way back, two for the weights' own gradients.

    Recomputing is one more forward pass. Attention's own products come on top: 12·B·T²·H a layer, half if causal.
    """
    text = config.get_text_config()
    tokens, layers = settings.batch_size * settings.seq_len, int(text.num_hidden_layers)
    passes = 2 + (1 if settings.checkpointing else 0)
    attention = 6 * settings.batch_size * settings.seq_len**2 * int(text.hidden_size) * layers
    flops = 2 * tokens * (passes * sizes.parameters + sizes.trainable) + attention
    kernels = 12 * layers * passes
    traffic = passes * sizes.weight_bytes + 2 * tokens * int(text.hidden_size) * ACTIVATION_BYTES * layers
    return Counter(
        {(flops // kernels, traffic // kernels, (settings.autocast or settings.dtype) == "float32"): kernels}
    )
