"""Attention as the target device would run it: which kernel, what it keeps, and its FLOPs.

On `meta`, `scaled_dot_product_attention` always takes the path that builds the T x T matrix. Here the rules by which
torch chooses on CUDA and on CPU are applied by hand, then the kernel's own operator is called, whose backward is real.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Literal

import torch

from workbench.estimates.gpus import Kernels

_aten = torch.ops.aten


def make_attention(kernels: Kernels, autocast: torch.dtype | None = None) -> Callable[..., torch.Tensor]:
    """A stand-in for `torch.nn.functional.scaled_dot_product_attention` that behaves as on that device.

    With mixed precision it casts its inputs itself, as no function mode sees a stand-in.
    """

    def attend(
        query: torch.Tensor,
        key: torch.Tensor,
        value: torch.Tensor,
        attn_mask: torch.Tensor | None = None,
        dropout_p: float = 0.0,
        is_causal: bool = False,
        scale: float | None = None,
        enable_gqa: bool = False,
    ) -> torch.Tensor:
        if autocast is not None:
            query, key, value = query.to(autocast), key.to(autocast), value.to(autocast)
            attn_mask = attn_mask.to(autocast) if attn_mask is not None and attn_mask.is_floating_point() else attn_mask
        kernel = choose_kernel(kernels, query, key, value, attn_mask, dropout_p, enable_gqa)
        mask = attn_mask if kernel == "math" or attn_mask is None else _make_additive(attn_mask, query.dtype)
        if kernel == "flash":
            size = query.shape[-1]
            query, key, value = (_pad_last(tensor, 8) for tensor in (query, key, value))
            scale = scale if scale is not None else 1 / math.sqrt(size)
            flash = _aten._scaled_dot_product_flash_attention(query, key, value, dropout_p, is_causal, scale=scale)
            out: torch.Tensor = flash[0][..., :size]
        elif kernel == "efficient":
            if mask is not None:
                mask = _align_mask(mask).expand(*query.shape[:2], query.shape[2], key.shape[2])
            keeps_sums = torch.is_grad_enabled() and any(t.requires_grad for t in (query, key, value))
            out = _aten._scaled_dot_product_efficient_attention(
                query, key, value, mask, keeps_sums, dropout_p, is_causal, scale=scale
            )[0]
        elif kernel == "cpu":
            out = _aten._scaled_dot_product_flash_attention_for_cpu(
                query, key, value, dropout_p, is_causal, attn_mask=mask, scale=scale
            )[0]
        else:
            out = _aten._scaled_dot_product_attention_math(
                query, key, value, mask, dropout_p, is_causal, scale=scale, enable_gqa=enable_gqa
            )[0]
        return out

    return attend


def choose_kernel(
    kernels: Kernels,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    mask: torch.Tensor | None,
    dropout: float,
    grouped: bool,
) -> Literal["flash", "efficient", "cpu", "math"]:
    """torch's own order of choice (`aten/src/ATen/native/transformers/**/sdp_utils*.cpp`), as far as it matters here.

    `grouped` tells that keys and values have fewer heads than queries and were not repeated.
    """
    same_size = query.shape[-1] == key.shape[-1] == value.shape[-1]
    if kernels == "cpu":
        return "cpu" if same_size and dropout == 0 and not (mask is not None and mask.requires_grad) else "math"
    half = query.dtype in (torch.float16, torch.bfloat16)
    if kernels == "cuda" and half and mask is None and same_size and query.shape[-1] <= 256:
        return "flash"
    return "math" if grouped and query.shape[1] != key.shape[1] else "efficient"


def count_flops(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> int | None:
    """FLOPs of a fused attention kernel, None for any other operator.

    4·B·H·Tq·Tk·D forward (two products); backward repeats one and does four more, 2.5 times as many. A causal kernel
    skips what lies above the diagonal: half.
    """
    name = func._schema.name.removeprefix("aten::")
    if not name.startswith("_scaled_dot_product") or name.endswith("_math"):
        return None
    backward = name.endswith("backward")
    query, key = (args[1], args[2]) if backward else (args[0], args[1])
    batch, heads, rows, size = query.shape
    flops = 4 * batch * heads * rows * key.shape[2] * size
    return int(flops * (2.5 if backward else 1) * (0.5 if _is_causal(func, args, kwargs) else 1))


def _is_causal(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    for index, argument in enumerate(func._schema.arguments):
        if argument.name == "is_causal":
            return bool(args[index]) if index < len(args) else bool(kwargs.get("is_causal", False))
    return False


def _make_additive(mask: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """What torch does with a boolean mask before a fused kernel sees it."""
    if mask.dtype != torch.bool:
        return mask
    return torch.zeros_like(mask, dtype=dtype).masked_fill_(mask.logical_not(), -math.inf)


def _align_mask(mask: torch.Tensor) -> torch.Tensor:
    """The memory-efficient kernel wants rows of a multiple of 16 elements; torch pads them and slices back."""
    columns = mask.shape[-1]
    return _pad_last(mask, 16)[..., :columns] if columns % 16 else mask


def _pad_last(tensor: torch.Tensor, multiple: int) -> torch.Tensor:
    missing = -tensor.shape[-1] % multiple
    return torch.nn.functional.pad(tensor, (0, missing)) if missing else tensor
