"""A running mean of a network's weights, which makes steadier rows than the weights of any one step do."""

from __future__ import annotations

import copy
from typing import Generic, TypeVar

import torch
from torch import nn

AVERAGING = 0.99
"""About the last hundred steps count."""

_Module = TypeVar("_Module", bound=nn.Module)


class RunningMean(Generic[_Module]):
    """`module` has the exponential mean of the weights (Yazıcı et al., The Unusual Effectiveness of Averaging in GAN
    Training, ICLR 2019); the numbers that a network keeps of its batches are averaged likewise.
    """

    def __init__(self, module: _Module) -> None:
        self.module: _Module = copy.deepcopy(module)

    def update(self, module: _Module) -> None:
        """Take the weights of the step just done into the mean."""
        with torch.no_grad():
            for mean, now in zip(self.module.state_dict().values(), module.state_dict().values(), strict=True):
                if mean.is_floating_point():
                    mean.lerp_(now, 1.0 - AVERAGING)
                else:
                    mean.copy_(now)
