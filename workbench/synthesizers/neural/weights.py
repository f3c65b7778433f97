"""The weights of a network among the arrays of a stored model, under a prefix of their own."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from workbench.synthesizers.synthesizer import Arrays


def pack_weights(network: nn.Module, prefix: str) -> Arrays:
    """The network's state, each tensor an array under `prefix` and its name."""
    return {f"{prefix}{name}": tensor.cpu().numpy() for name, tensor in network.state_dict().items()}


def load_weights(network: nn.Module, arrays: Arrays, prefix: str) -> None:
    """Put what `pack_weights` gave into a network of the same shape. Raises ValueError where the shapes differ."""
    weights = {
        name.removeprefix(prefix): torch.from_numpy(np.array(array))
        for name, array in arrays.items()
        if name.startswith(prefix)
    }
    try:
        network.load_state_dict(weights)
    except RuntimeError as error:
        raise ValueError("the weights are not those of this network") from error
