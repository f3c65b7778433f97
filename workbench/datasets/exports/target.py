"""What a target of `workbench export` is: the layouts it reads, and the files that make it start on the data.

A target is one module in this package that adds itself to `EXPORTS`; other packages add theirs by entry points of
`workbench.exports`. Learning rates and ranks are those of each trainer's own LoRA examples: a rate for full
fine-tuning is ten times too small for LoRA.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from workbench.datasets.manifest import Manifest
from workbench.spec.model import TrainingConfig
from workbench.spec.registry import Registry

DEFAULT_MODEL = "Qwen/Qwen2.5-0.5B-Instruct"
"""Open (Apache-2.0), small, and known to every trainer here; `--model` names another one."""

LEARNING_RATE = 2e-4
PREFERENCE_LEARNING_RATE = 5e-6
EPOCHS = 3
MAX_LENGTH = 2048


@dataclass(frozen=True, slots=True)
class ExportRequest:
    """What a target is told. `files` maps split to path relative to the folder, `train` always among them.

    For a target that takes tables, `files` are those of the layout, none without one, and `tables` maps table to split
    to path.
    """

    manifest: Manifest
    model: str
    layout: str | None
    format: str
    training: TrainingConfig | None
    files: Mapping[str, str]
    tables: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @property
    def seed(self) -> int:
        """The seed of the dataset in the range that every trainer takes."""
        return self.manifest.seed % 2**32

    @property
    def evaluation(self) -> str | None:
        """The file to evaluate on while training: the validation split. The test split is left for the end."""
        return self.files.get("validation")

    @property
    def origin(self) -> list[str]:
        """Comment lines for the head of a config."""
        return [
            f"Made by Synthetic Workbench from {self.manifest.reference}, seed {self.manifest.seed}.",
            f"Fingerprint {self.manifest.fingerprint}. All rows are synthetic.",
            "Training settings are starting points. No layout carries weights per turn.",
        ]


@dataclass(frozen=True, slots=True)
class ExportTarget:
    """`list_layouts(training)` gives the layouts it reads, the best first. `write(request)` gives its files by name.

    `formats` are those it reads, the first if none is asked for. With `tables` it takes the dataset's tables, and a
    layout only if one is asked for; without, it takes training examples alone.
    """

    name: str
    summary: str
    list_layouts: Callable[[TrainingConfig], list[str]]
    write: Callable[[ExportRequest], dict[str, str]]
    formats: tuple[str, ...] = ("jsonl", "parquet", "arrow")
    tables: bool = False


EXPORTS: Registry[ExportTarget] = Registry("workbench.exports")


def find_targets() -> Registry[ExportTarget]:
    """The registry with all targets of this package in it."""
    import workbench.datasets.exports

    for module in pkgutil.iter_modules(workbench.datasets.exports.__path__):
        importlib.import_module(f"{workbench.datasets.exports.__name__}.{module.name}")
    return EXPORTS


def write_yaml(values: Mapping[str, Any], comments: list[str]) -> str:
    """A YAML file with comment lines at its head; the keys keep their order."""
    import yaml

    text: str = yaml.safe_dump(dict(values), sort_keys=False, allow_unicode=True, default_flow_style=False)
    return "".join(f"# {line}\n" for line in comments) + text
