"""How many requests fit into memory at once: a guess beforehand, and half of it whenever memory runs out."""

from __future__ import annotations

import gc
import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

import torch

T = TypeVar("T")
R = TypeVar("R")

CPU_BATCH = 32
"""On a CPU more rows than this bring little: its arithmetic is used up, where one row waits for memory."""
GPU_BATCH = 256
_SHARE = 0.7
_MESSAGES = ("out of memory", "can't allocate memory", "not enough memory")


class BatchLimit:
    """The most requests at once. It only shrinks, so that what did not fit is not tried again."""

    def __init__(self, size: int, wider: BatchLimit | None = None) -> None:
        self.size = size
        self._wider = wider

    def narrow(self, size: int) -> BatchLimit:
        """A limit for requests of which only `size` should fit; what it learns, this one learns too."""
        return BatchLimit(min(self.size, size), self)

    def halve(self, tried: int) -> None:
        """Memory ran out with `tried` requests at once."""
        self.size = max(1, min(self.size, tried) // 2)
        if self._wider is not None:
            self._wider.halve(tried)


def work_in_batches(
    items: Sequence[T], limit: BatchLimit, work: Callable[[Sequence[T]], Sequence[R]], should_stop: Callable[[], bool]
) -> Iterator[tuple[T, R | None]]:
    """Each item with what `work` made of it, batch by batch; None for one that does not fit into memory even alone."""
    waiting = deque(items)
    while waiting and not should_stop():
        batch = [waiting.popleft() for _ in range(min(limit.size, len(waiting)))]
        try:
            results: Sequence[R | None] | None = work(batch)
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            results = None
        if results is not None:
            yield from zip(batch, results, strict=True)
            continue
        # The error is gone by here, and with it the frames that hold the batch's tensors.
        clear_memory()
        if len(batch) == 1:
            yield batch[0], None
        else:
            limit.halve(len(batch))
            waiting.extendleft(reversed(batch))


def is_out_of_memory(error: BaseException) -> bool:
    """Whether memory of a device or of this machine ran out; on CPUs torch says so in a plain RuntimeError."""
    if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        return True
    return isinstance(error, RuntimeError) and any(message in str(error).lower() for message in _MESSAGES)


def clear_memory() -> None:
    """Give what nothing refers to any more back to the device."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def guess_batch_size(config: Any, dtype: torch.dtype, device: torch.device, tokens: int) -> int:
    """How many rows of `tokens` tokens a decoder with this config can hold at once, by the free memory.

    A row takes 2 x layers x key-value heads x head size values a token for keys and values, and about ten numbers for
    each word of the vocabulary while a token is chosen.
    """
    most = CPU_BATCH if device.type == "cpu" else GPU_BATCH
    free = _find_free_memory(device)
    if free is None:
        return CPU_BATCH
    text = config.get_text_config(decoder=True)
    heads = getattr(text, "num_attention_heads", None) or 1
    head_size = getattr(text, "head_dim", None) or (getattr(text, "hidden_size", None) or 1) // heads
    groups = getattr(text, "num_key_value_heads", None) or heads
    layers = getattr(text, "num_hidden_layers", None) or 1
    cached = 2 * layers * groups * head_size * dtype.itemsize * tokens
    choosing = 40 * (getattr(text, "vocab_size", None) or 0)
    return max(1, min(most, int(_SHARE * free / (cached + choosing))))


def _find_free_memory(device: torch.device) -> int | None:
    """Bytes; None where that cannot be known."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    try:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (ValueError, OSError):
        return None
