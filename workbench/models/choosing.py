"""The best language model found on this machine, which the text columns of a new spec are then written by.

A chat or instruct model of the hub's cache or of the user's own comes first, the largest that fits; then the small one
that a package carries; else none, and the offline provider stands in. Found from files alone, without loading anything.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from workbench.models.contents import count_parameters, find_weights, read_config
from workbench.models.faults import UnusableModel
from workbench.models.hub_cache import list_snapshots
from workbench.models.kept import find_kept, list_kept
from workbench.models.packaged import find_installed, list_packaged

_CPU_PARAMETERS = 2_000_000_000
"""A larger one writes less than about a token per second and core, whatever the memory: no start for a new spec."""
_ROOM = 1.2
"""Memory in use over that of the weights: attention caches and buffers of a small batch."""


@dataclass(frozen=True, slots=True)
class BestModel:
    """`name` is what a spec says under `model`; `reason` is a phrase for the user."""

    name: str
    path: Path
    parameters: int
    reason: str


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes that weights may take: of the largest GPU, or half of what is free of the main memory."""

    bytes: int
    gpu: bool

    def fits(self, parameters: int) -> bool:
        """Whether a model can be run: in 16 bits on a GPU, in 32 bits on a CPU, where 16 bits are slower."""
        if not self.gpu and parameters > _CPU_PARAMETERS:
            return False
        return parameters * (2 if self.gpu else 4) * _ROOM <= self.bytes


def find_best_writer(memory: Memory | None = None) -> BestModel | None:
    """The model to write texts with, None if there is none; `memory` is measured unless given.

    Takes milliseconds, and as long as `nvidia-smi` where there is a GPU and more than packaged models to choose from.
    """
    chat = list(_list_chat_models())
    if chat:
        memory = memory or measure_memory()
        fitting = [model for model in chat if memory.fits(model.parameters)]
        if fitting:
            return max(fitting, key=lambda model: (model.parameters, model.name))
    return next(_list_packaged_writers(), None)


def measure_memory() -> Memory:
    """The memory of the largest GPU as its driver states it, else half of the main memory that is available."""
    gpu = _measure_gpu()
    return Memory(gpu, gpu=True) if gpu else Memory(_measure_main_memory() // 2, gpu=False)


def _list_chat_models() -> Iterator[BestModel]:
    """Chat models of the hub's cache and of the user's own that can be used as they are."""
    folders = [(snapshot.name, snapshot.path, "the hub's cache") for snapshot in list_snapshots()]
    packaged = {model.name for model in list_packaged()}
    folders += [(model.name, model.path, "the model folder") for model in list_kept() if model.name not in packaged]
    for name, path, place in folders:
        try:
            if path.is_dir() and _is_chat_model(path):
                yield BestModel(name, path, count_parameters(find_weights(path)), f"found in {place}")
        except (UnusableModel, OSError):
            continue


def _list_packaged_writers() -> Iterator[BestModel]:
    for model in list_packaged():
        if model.kind != "writer":
            continue
        installed, kept = find_installed(model), find_kept(model.name)
        path = installed.path if installed is not None else kept.path if kept is not None else None
        if path is not None:
            yield BestModel(model.name, path, model.parameters, f"carried by the package {model.package}")


def _is_chat_model(folder: Path) -> bool:
    """A causal language model with a chat template, whose weights are plain and which needs no code of its own."""
    config = read_config(folder / "config.json")
    names = config.get("architectures")
    causal = isinstance(names, list) and any(str(name).endswith("ForCausalLM") for name in names)
    if not causal or "quantization_config" in config or "auto_map" in config:
        return False
    if (folder / "chat_template.jinja").is_file() or (folder / "chat_template.json").is_file():
        return True
    tokenizer = folder / "tokenizer_config.json"
    return tokenizer.is_file() and b'"chat_template"' in tokenizer.read_bytes()


def _measure_gpu() -> int:
    """Bytes of the largest GPU, 0 without one."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return 0
    query = [program, "--query-gpu=memory.total", "--format=csv,noheader,nounits"]
    try:
        answer = subprocess.run(query, capture_output=True, text=True, timeout=5, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return 0
    return max((int(line) for line in answer.split() if line.isdigit()), default=0) << 20


def _measure_main_memory() -> int:
    """Bytes that are available, as the kernel sees it and within the limit of a container."""
    try:
        text = Path("/proc/meminfo").read_text("ascii")
    except OSError:
        return 0
    found = re.search(r"^MemAvailable:\s+(\d+) kB", text, re.MULTILINE)
    available = int(found[1]) << 10 if found else 0
    try:
        limit = Path("/sys/fs/cgroup/memory.max").read_text("ascii").strip()
    except OSError:
        return available
    return min(available, int(limit)) if limit.isdigit() else available
