"""Mixed precision on tensors without data: what `torch.autocast("cuda")` does, which knows no device `meta`.

A function mode above autograd casts the arguments of the listed functions, as autocast's own dispatch key does, and
keeps the cast copy of each trainable float32 weight for as long as the region lasts.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import torch
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_map_only

_functional = torch.nn.functional

# The lists are those of aten/src/ATen/autocast_mode.h (fp16 or bf16, and fp32), as far as language models call them.
_NARROW: set[Any] = {
    torch.matmul, torch.mm, torch.bmm, torch.addmm, torch.baddbmm, torch.einsum, torch.Tensor.matmul,
    torch.Tensor.__matmul__, torch.Tensor.__rmatmul__, torch.Tensor.mm, torch.Tensor.bmm, _functional.linear,
    _functional.conv1d, _functional.conv2d, torch.conv1d, torch.conv2d, _functional.prelu,
}  # fmt: skip
_WIDE: set[Any] = {
    torch.pow, torch.Tensor.pow, torch.Tensor.__pow__, torch.rsqrt, torch.Tensor.rsqrt, torch.exp, torch.Tensor.exp,
    torch.log, torch.Tensor.log, torch.softmax, torch.Tensor.softmax, _functional.softmax, _functional.log_softmax,
    torch.log_softmax, _functional.softplus, _functional.layer_norm, torch.layer_norm, _functional.group_norm,
    _functional.cross_entropy, _functional.nll_loss, _functional.mse_loss, torch.sum, torch.Tensor.sum, torch.cumsum,
    torch.Tensor.cumsum, torch.prod, torch.Tensor.prod, torch.norm, torch.Tensor.norm, _functional.normalize,
}  # fmt: skip


class MetaAutocast(TorchFunctionMode):
    """An autocast region for tensors on `meta`. `dtype` is float16 or bfloat16."""

    def __init__(self, dtype: torch.dtype) -> None:
        super().__init__()
        self._dtype = dtype
        self._casts: dict[int, tuple[torch.Tensor, torch.Tensor]] = {}

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if func in _NARROW:
            args, kwargs = tree_map_only(torch.Tensor, self._narrow, (args, kwargs))
        elif func in _WIDE:
            args, kwargs = tree_map_only(torch.Tensor, _widen, (args, kwargs))
        return func(*args, **kwargs)

    def __exit__(self, *details: Any) -> None:
        self._casts.clear()
        super().__exit__(*details)  # type: ignore[no-untyped-call]

    def _narrow(self, tensor: torch.Tensor) -> torch.Tensor:
        if not tensor.dtype.is_floating_point or tensor.dtype in (self._dtype, torch.float64):
            return tensor
        if not (tensor.dtype == torch.float32 and tensor.is_leaf and tensor.requires_grad and torch.is_grad_enabled()):
            return tensor.to(self._dtype)
        if id(tensor) not in self._casts:
            self._casts[id(tensor)] = (tensor, tensor.to(self._dtype))
        return self._casts[id(tensor)][1]


def make_region(dtype: torch.dtype | None) -> contextlib.AbstractContextManager[Any]:
    """A new autocast region, or one that does nothing where `dtype` is None."""
    return MetaAutocast(dtype) if dtype is not None else contextlib.nullcontext()


def _widen(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.float() if tensor.dtype in (torch.float16, torch.bfloat16) else tensor
