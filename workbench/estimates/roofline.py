"""How long a step takes on a device it was never run on, and what that costs: a range, not a promise.

Each kernel takes as long as its arithmetic or its memory traffic, whichever is slower, and the host has to launch
them all. Against 57 published runs on an L40S this was 45 % too fast, uniformly, and right in the ranking of methods;
so what is shown runs from the computed time to twice that, with 1.5 times as the figure in between.
"""

from __future__ import annotations

from dataclasses import dataclass

from workbench.estimates.extrapolation import Work
from workbench.estimates.gpus import Device

GEMM_SHARE = 0.75  # of the peak rate that large matrix products reach
BANDWIDTH_SHARE = 0.82  # of the peak bandwidth that large copies reach
KERNEL_SECONDS = 4e-6  # shortest time of a kernel on a GPU
LAUNCH_SECONDS = 8e-6  # of the host, for each kernel
CPU_SHARE = 0.9  # rates of a CPU were measured, so most of them is reached
CPU_CALL_SECONDS = 15e-6  # of Python and autograd around an operator
SLOWEST, BETWEEN = 2.0, 1.5
IDLE_SHARE = 0.15  # of the power limit, drawn while the host keeps the device waiting


@dataclass(frozen=True, slots=True)
class StepTime:
    """Seconds by the roofline alone, `low`; the figures shown are made of it. `busy` is the share that kernels run."""

    low: float
    busy: float

    @property
    def likely(self) -> float:
        """The figure to show where one is wanted."""
        return BETWEEN * self.low

    @property
    def high(self) -> float:
        """The slow end."""
        return SLOWEST * self.low


def time_step(work: Work, device: Device) -> StepTime:
    """Seconds of a step of that `work` on `device`."""
    on_cpu = device.kernels == "cpu"
    gemm, bandwidth = (CPU_SHARE, CPU_SHARE) if on_cpu else (GEMM_SHARE, BANDWIDTH_SHARE)
    running = 0.0
    for (flops, traffic, wide), count in work.items():
        peak = (device.float32_tflops if wide else device.half_tflops) * 1e12
        seconds = max(flops / (peak * gemm), traffic / (device.bandwidth_gb_s * 1e9 * bandwidth))
        running += count * (seconds if on_cpu else max(seconds, KERNEL_SECONDS))
    kernels = sum(work.values())
    # A GPU runs while the host launches what comes next; a CPU does one after the other.
    low = running + kernels * CPU_CALL_SECONDS if on_cpu else max(running, kernels * LAUNCH_SECONDS)
    return StepTime(low, running / low if low else 0.0)


def add_times(one_pass: StepTime, passes: int, update: StepTime) -> StepTime:
    """A step of several passes and one update."""
    low = passes * one_pass.low + update.low
    busy = (passes * one_pass.low * one_pass.busy + update.low * update.busy) / low if low else 0.0
    return StepTime(low, busy)


def count_kilowatt_hours(seconds: float, busy: float, device: Device) -> float:
    """Energy of the device alone: idle power, and most of the rest while kernels run (85 %, less when they wait)."""
    idle = IDLE_SHARE * device.watts
    return seconds * (idle + 0.85 * busy * (device.watts - idle)) / 3.6e6
