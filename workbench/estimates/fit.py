"""Whether a step fits a device, told with the memory that no counter of torch shows.

What must fit is what the allocator reserves, the libraries' workspaces, and the driver's context. Between the bytes
of tensors and the bytes reserved lies fragmentation, which the allocator gives up when it is short: there it is tight.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from workbench.estimates.gpus import GIB, Device
from workbench.estimates.simulate import Simulation

WORKSPACE_BYTES = (
    64 << 20
)  # two cuBLAS handles (forward, backward) of 32 MiB, as on Hopper; 29 MiB were seen on an L40S
CONTEXT_BYTES = GIB // 2  # CUDA context and loaded kernels: 0.3 to 0.6 GB, by driver and GPU
PROCESS_BYTES = 6 * GIB // 10  # on a CPU: the interpreter with torch and transformers imported
COMFORTABLE = 0.9

Verdict = Literal["fits", "tight", "no"]


@dataclass(frozen=True, slots=True)
class Fit:
    """`needed_bytes` is what the run takes of the device, `binds` the largest part of its peak."""

    verdict: Verdict
    needed_bytes: int
    binds: str


def judge(simulation: Simulation, device: Device) -> Fit:
    """The verdict on `device`: `no` if tensors alone do not fit, `fits` up to nine tenths of its memory."""
    around = PROCESS_BYTES if device.kernels == "cpu" else WORKSPACE_BYTES + CONTEXT_BYTES
    needed = simulation.reserved_bytes + around
    verdict: Verdict = "tight"
    if simulation.peak_bytes + around > device.usable_bytes:
        verdict = "no"
    elif needed <= COMFORTABLE * device.usable_bytes:
        verdict = "fits"
    return Fit(verdict, needed, max(simulation.components, key=lambda part: simulation.components[part]))
