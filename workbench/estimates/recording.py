"""Watches a training step on tensors without data and writes down what it would hold, compute and move.

A dispatch mode sees every operator that autograd, checkpointing and PEFT really call, below all of them. It follows
the life of each storage, so what is counted is what an allocator would be asked for, not what formulas expect.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from workbench.estimates import attention, hooks
from workbench.estimates.scratch import count_scratch

Phase = Literal["forward", "backward"]

PARTS = ("weights", "gradients", "optimizer", "activations", "logits", "temporary")
WEIGHTS, GRADIENTS, OPTIMIZER, ACTIVATIONS, LOGITS, TEMPORARY = range(len(PARTS))

Live = tuple[int, ...]
"""Bytes alive, one number for each of PARTS."""

_aten = torch.ops.aten
_NO_KERNEL = {"aten::_unsafe_view", "aten::empty", "aten::empty_like", "aten::new_empty", "aten::empty_strided"}
_SAME_DTYPE = {"aten::mm", "aten::bmm", "aten::addmm", "aten::baddbmm"}


@dataclass(frozen=True, slots=True)
class Op:
    """One operator call: the bytes alive while it runs, its work, and whether the device runs a kernel for it.

    `traffic` is bytes read and written, `wide` tells that its arithmetic is in float32.
    """

    phase: Phase
    name: str
    live: Live
    flops: int
    traffic: int
    wide: bool
    kernel: bool


@dataclass(frozen=True, slots=True)
class Recording:
    """A step: its operators in order, and the life of every storage.

    `events` holds `i` where storage `i` of `sizes[i]` bytes and of `parts[i]` (an index of PARTS) begins, and `~i`
    where it ends; the first `resident` of them are there before the step begins. `marks[n]` is how many events have
    happened when `ops[n]` has its outputs.
    """

    ops: tuple[Op, ...]
    marks: tuple[int, ...]
    sizes: tuple[int, ...]
    parts: tuple[int, ...]
    events: tuple[int, ...]
    resident: int


class Recorder(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Use `track` for what exists before the step, then run the step inside `with recorder:`."""

    def __init__(self, vocabulary: int) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.phase: Phase = "forward"
        self._vocabulary = vocabulary
        self._alive: dict[int, weakref.ref[torch.UntypedStorage]] = {}
        self._numbers: dict[int, int] = {}
        self._sizes: list[int] = []
        self._parts: list[int] = []
        self._events: list[int] = []
        self._ops: list[tuple[Op, int]] = []
        self._resident: int | None = None

    def track(self, tensors: Iterable[torch.Tensor], part: int) -> None:
        """Count the storages of `tensors`, each once, from here on until they die."""
        for tensor in tensors:
            self._follow(tensor.untyped_storage(), part)

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if self._resident is None:
            self._resident = len(self._events)
        name = func._schema.name
        if name in _SAME_DTYPE:
            _check_dtypes(name, args)
        if self._accumulates(func, args):
            func, out = _aten.add_.Tensor, args[0].add_(args[1])
        else:
            out = func(*args, **kwargs)
        outputs = [leaf for leaf in tree_leaves(out) if isinstance(leaf, torch.Tensor)]
        for tensor in outputs:
            self._follow(tensor.untyped_storage(), self._classify(tensor))
        self._write_down(func, args, kwargs, out, outputs)
        return out

    def finish(self, parameters: Iterable[torch.nn.Parameter]) -> Recording:
        """Close the record. Storages that became a parameter's gradient are counted as gradients from their start."""
        for parameter in parameters:
            if parameter.grad is not None:
                self._parts[self._numbers[parameter.grad.untyped_storage()._cdata]] = GRADIENTS
        live = [0] * len(PARTS)
        ops: list[Op] = []
        done = 0
        for op, mark in self._ops:
            for event in self._events[done:mark]:
                number = event if event >= 0 else ~event
                live[self._parts[number]] += self._sizes[number] if event >= 0 else -self._sizes[number]
            done = mark
            held = tuple(a + b for a, b in zip(live, op.live, strict=True))
            ops.append(Op(op.phase, op.name, held, op.flops, op.traffic, op.wide, op.kernel))
        resident = self._resident or 0
        marks = tuple(mark for _, mark in self._ops)
        return Recording(tuple(ops), marks, tuple(self._sizes), tuple(self._parts), tuple(self._events), resident)

    def _write_down(
        self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any], out: Any, outputs: list[torch.Tensor]
    ) -> None:
        name = func._schema.name
        kernel = not (func.is_view or name in _NO_KERNEL)
        inputs = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, torch.Tensor)] if kernel else []
        flops = attention.count_flops(func, args, kwargs)
        if flops is None:
            flops = hooks.count_flops(func, args, kwargs, out)
        scratch = [0] * len(PARTS)
        scratch[TEMPORARY] = count_scratch(name, args)
        op = Op(
            self.phase,
            str(func),
            tuple(scratch),
            flops,
            sum(t.nbytes for t in inputs) + sum(t.nbytes for t in outputs) if kernel else 0,
            bool(inputs) and inputs[0].dtype == torch.float32,
            kernel,
        )
        self._ops.append((op, len(self._events)))

    def _classify(self, tensor: torch.Tensor) -> int:
        if tensor.dim() and tensor.shape[-1] == self._vocabulary:
            return LOGITS
        if self.phase == "forward" or torch.is_grad_enabled():  # grad is enabled in backward while a layer recomputes
            return ACTIVATIONS
        return TEMPORARY

    def _accumulates(self, func: Any, args: tuple[Any, ...]) -> bool:
        """Whether a real run would add in place here.

        Autograd sums gradients in place where nobody else holds the first one. Under any dispatch mode it does not,
        since it takes the tensors for subclasses; 18 % too much where embeddings are tied.
        """
        if func is not _aten.add.Tensor or self.phase != "backward" or torch.is_grad_enabled():
            return False
        first, second = args[0], args[1]
        return (
            isinstance(second, torch.Tensor)
            and first.shape == second.shape
            and first.dtype == second.dtype
            and hooks.count_storage_users(first) == 2
        )

    def _follow(self, storage: torch.UntypedStorage, part: int) -> None:
        key = storage._cdata
        if key in self._alive:
            return
        number = len(self._sizes)
        self._sizes.append(storage.nbytes())
        self._parts.append(part)
        self._events.append(number)
        self._numbers[key] = number

        def end(_: Any) -> None:
            del self._alive[key]
            self._events.append(~number)

        self._alive[key] = weakref.ref(storage, end)


def _check_dtypes(name: str, args: tuple[Any, ...]) -> None:
    """Refuse what every real device refuses and `meta` lets pass."""
    found = {arg.dtype for arg in args if isinstance(arg, torch.Tensor)}
    if len(found) > 1:
        raise TypeError(f"{name} was called with {' and '.join(sorted(map(str, found)))}")
