"""What a real training step on this machine's CPU holds at its peak: the truth that the simulation is held against.

The profiler reports each allocation and release of torch's CPU allocator, including what operators allocate inside and
no dispatch mode sees. The sum of those, on top of what lives already, is the number of bytes really asked for.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import torch

from workbench.estimates.step import Prepare, StepSettings, build_model, make_batch


@dataclass(frozen=True, slots=True)
class MeasuredStep:
    """Peak bytes of tensors, and the fastest of the steps by the clock and by the processor time of all its threads."""

    peak_bytes: int
    seconds: float
    processor_seconds: float


def measure_step(config: Any, prepare: Prepare, settings: StepSettings, repeats: int = 3) -> MeasuredStep:
    """Really make the step that `record_step` simulates, on this machine's CPU in float32 with random weights.

    Raises ValueError for a step of another device or precision.
    """
    if settings.kernels != "cpu" or settings.dtype != "float32" or settings.autocast is not None:
        raise ValueError("only a float32 step on a CPU can be measured here")
    model: Any = build_model(config, prepare, settings, device="cpu")
    batch = make_batch(model, settings, device="cpu")
    trained = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(trained, fused=True, lr=1e-6)

    def make_pass() -> None:
        model(**batch).loss.backward()

    def update() -> None:
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        model.zero_grad()

    def step() -> None:
        make_pass()
        update()

    step()
    seconds, processor_seconds = [], []
    for _ in range(repeats):
        start, processor_start = time.perf_counter(), time.process_time()
        step()
        seconds.append(time.perf_counter() - start)
        processor_seconds.append(time.process_time() - processor_start)
    if settings.accumulating:
        make_pass()
    states = [value for state in optimizer.state.values() for value in state.values() if torch.is_tensor(value)]
    gradients = [p.grad for p in trained if p.grad is not None]
    resident = count_bytes([*model.parameters(), *model.buffers(), *states, *gradients, *batch.values()])
    return MeasuredStep(resident + measure_allocations(step), min(seconds), min(processor_seconds))


def measure_allocations(work: Callable[[], None]) -> int:
    """The highest sum of bytes allocated and not yet released while `work` runs, above what lived before."""
    from torch.profiler import ProfilerActivity, profile

    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler:
        work()
    return find_highest_sum(profiler)


def find_highest_sum(profiler: Any) -> int:
    """The same from a `torch.profiler.profile` that has recorded memory and was stopped."""
    events = [event for event in profiler.profiler.kineto_results.events() if event.name() == "[memory]"]
    live = peak = 0
    for event in sorted(events, key=lambda event: event.start_ns()):
        live += event.nbytes()
        peak = max(peak, live)
    return peak


def count_bytes(tensors: Iterable[torch.Tensor]) -> int:
    """Bytes of the storages of `tensors`, each storage once."""
    storages = {tensor.untyped_storage().data_ptr(): tensor.untyped_storage().nbytes() for tensor in tensors}
    return sum(storages.values())
