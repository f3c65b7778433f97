"""The GPUs an estimate can be made for: published peaks, memory, power and dated prices, and this machine's CPU.

`gpus.json` is data to be edited. Peaks are dense rates from datasheets; what a step reaches of them is the roofline's
business. Where no price was found there is none: cost is then shown only with a rate of the user's own.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Literal

from workbench.errors import UsageError
from workbench.files import clean_text
from workbench.spec.problems import suggest

Kernels = Literal["cuda", "cuda_without_flash", "cpu"]
"""Which attention kernels a device has: CUDA from compute capability 8.0 on, an older CUDA card, or a CPU."""

CPU = "cpu"
GIB = 1 << 30
_CATALOGUE = Path(__file__).parent / "gpus.json"
_SIDE, _ELEMENTS = 256, 1 << 20  # of the matrix and the row that the CPU is timed with
_TRIES = 40
_CPU_WATTS = 65.0  # an assumption: a desktop or server share of one socket


@dataclass(frozen=True, slots=True)
class Price:
    """USD for one hour on demand, lowest and highest found, with where and when."""

    low: float
    high: float
    source: str


@dataclass(frozen=True, slots=True)
class Device:
    """`half_tflops` is dense bf16 (fp16 where `bfloat16` is false). `watts` is the board's limit.

    `evidence` is `published`, or `measured` for the CPU of this machine.
    """

    name: str
    title: str
    half_tflops: float
    float32_tflops: float
    bandwidth_gb_s: float
    usable_bytes: int
    watts: float
    bfloat16: bool
    kernels: Kernels
    price: Price | None
    source: str
    evidence: str


def find_gpu(name: str) -> Device:
    """The device of that name, letter case, spaces and maker left aside; `cpu` is this machine.

    Raises `UsageError` with the nearest name.
    """
    wanted = _simplify(name)
    if wanted == CPU:
        return measure_cpu()
    known = {_simplify(device.name): device for device in list_gpus()}
    device = known.get(wanted) or known.get(f"{wanted}80gb")
    if device is None:
        raise UsageError(
            f"There is no GPU “{clean_text(name)}” in the catalogue.",
            suggest(wanted.upper(), [device.name for device in known.values()] + [CPU]),
        )
    return device


def find_this_device() -> Device:
    """The GPU that torch sees on this machine, else its CPU. Raises `UsageError` for a GPU the catalogue lacks."""
    import torch

    if not torch.cuda.is_available():
        return measure_cpu()
    found = _simplify(torch.cuda.get_device_name())
    memory = torch.cuda.get_device_properties(0).total_memory
    fitting = [
        device for device in list_gpus() if _simplify(device.name).removesuffix("gb").rstrip("0123456789") in found
    ]
    if not fitting:
        raise UsageError(
            f"The GPU of this machine, {torch.cuda.get_device_name()}, is not in the catalogue.",
            "Name the one most like it with --gpu.",
        )
    return replace(min(fitting, key=lambda device: abs(device.usable_bytes - memory)), usable_bytes=memory)


@cache
def list_gpus() -> tuple[Device, ...]:
    """All GPUs of the catalogue, smallest memory first."""
    catalogue = json.loads(_CATALOGUE.read_text("utf-8"))
    devices = []
    for entry in catalogue["gpus"]:
        price, gib = entry.pop("price"), entry.pop("usable_gib")
        if price is not None:
            price = Price(price["low"], price["high"], f"{price['source']} (noted {catalogue['date']})")
        devices.append(Device(**entry, usable_bytes=int(gib * GIB), price=price, evidence="published"))
    return tuple(sorted(devices, key=lambda device: device.usable_bytes))


@cache
def measure_cpu() -> Device:
    """This machine: rates of one thread from a fraction of a second of multiplying, times its threads.

    Processor time is counted and the best of several tries taken, so that other work on the machine is not mistaken
    for its speed.
    """
    import torch

    threads = torch.get_num_threads()
    matrix, row = torch.ones(_SIDE, _SIDE), torch.ones(_ELEMENTS)
    torch.set_num_threads(1)
    try:
        flops = threads * 2 * _SIDE**3 / _find_best_seconds(lambda: matrix @ matrix)
        bandwidth = threads * 2 * row.nbytes / _find_best_seconds(lambda: row * row)  # into new memory, as a step does
    finally:
        torch.set_num_threads(threads)
    return Device(
        name=CPU,
        title=f"CPU of this machine, {threads} thread{'s' if threads > 1 else ''}",
        half_tflops=flops / 1e12,
        float32_tflops=flops / 1e12,
        bandwidth_gb_s=bandwidth / 1e9,
        usable_bytes=_read_memory(),
        watts=_CPU_WATTS,
        bfloat16=True,
        kernels="cpu",
        price=None,
        source="a short matrix product and copy on this machine",
        evidence="measured",
    )


def _find_best_seconds(work: Callable[[], object]) -> float:
    best = math.inf
    for _ in range(_TRIES):
        start = time.thread_time()
        work()
        best = min(best, time.thread_time() - start)
    return best


def _read_memory() -> int:
    """Bytes of this machine, or of the share of it that this process may use."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    with contextlib.suppress(OSError, ValueError):  # no control group, or one without a limit
        memory = min(memory, int(Path("/sys/fs/cgroup/memory.max").read_text("ascii")))
    return memory


def _simplify(name: str) -> str:
    text = "".join(character for character in name.lower() if character.isalnum())
    for maker in ("nvidia", "geforce", "amd", "instinct", "tesla"):
        text = text.removeprefix(maker)
    return text if text.startswith("rtx") or text not in {"3090", "4090", "5090"} else f"rtx{text}"
