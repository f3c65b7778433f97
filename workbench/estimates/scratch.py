"""Memory that a kernel allocates inside, unseen by the dispatcher, and gives back before it returns.

Each rule is read off the kernel's source. What is not listed here allocates nothing worth counting, as far as a float32
step on a CPU shows; on CUDA the rules for other kernels are still to be measured.
"""

from __future__ import annotations

from typing import Any

import torch


def count_scratch(name: str, args: tuple[Any, ...]) -> int:
    """Bytes of scratch memory of the operator `name`, such as `aten::mm`, called with `args`."""
    rule = _RULES.get(name)
    return rule(args) if rule is not None else 0


def _count_flash_backward(args: tuple[Any, ...]) -> int:
    """flash-attention 2, `mha_bwd`: softmax sums and dq in float32, rows rounded up to 128; dk and dv of all heads."""
    query, key = args[1], args[2]
    batch, heads, rows, size = query.shape
    rows, wide = _round_up(rows, 128), _round_up(size, 32)
    scratch = 4 * batch * heads * rows + 4 * batch * rows * heads * wide
    if key.shape[1] != heads:
        scratch += 2 * query.element_size() * batch * key.shape[2] * heads * size
    return int(scratch)


def _count_cpu_attention(args: tuple[Any, ...]) -> int:
    """`FlashAttentionKernel.cpp`, forward: scores, their maxima and sums, and an output tile for each thread."""
    tile_rows, scores, size = _measure_tile(args[0], args[1])
    return (scores + 2 * tile_rows + tile_rows * size) * 4 * torch.get_num_threads()


def _count_cpu_attention_backward(args: tuple[Any, ...]) -> int:
    """`FlashAttentionKernel.cpp`, backward: scores and their gradient for each thread."""
    _, scores, _ = _measure_tile(args[1], args[2])
    return 2 * scores * 4 * torch.get_num_threads()


def _count_bernoulli(args: tuple[Any, ...]) -> int:
    """`bernoulli_mkl_kernel`: draws as 32-bit integers before they become the tensor's own type."""
    return 4 * args[0].numel() if torch.backends.mkl.is_available() else 0  # type: ignore[no-untyped-call]


def _measure_tile(query: torch.Tensor, key: torch.Tensor) -> tuple[int, int, int]:
    """Rows of a tile, elements of its scores, and the head's size."""
    rows = query.shape[2]
    tile_rows = min(256 if rows >= 768 else 64 if rows >= 192 else 32, rows)
    return tile_rows, tile_rows * min(512, key.shape[2]), query.shape[-1]


def _round_up(number: int, multiple: int) -> int:
    return -(-number // multiple) * multiple


_RULES = {
    "aten::_scaled_dot_product_flash_attention_backward": _count_flash_backward,
    "aten::_scaled_dot_product_flash_attention_for_cpu": _count_cpu_attention,
    "aten::_scaled_dot_product_flash_attention_for_cpu_backward": _count_cpu_attention_backward,
    "aten::bernoulli_": _count_bernoulli,
}
