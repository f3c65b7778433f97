"""What a tuning run would be made of, as the user has it on the screen: values and how they are changed and checked."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from screens.dialogs.form import Field

BATCH_SIZES = (1, 65_536)
LENGTHS = (8, 1_048_576)


@dataclass(frozen=True, slots=True)
class Setup:
    """`dataset` is a folder, "" while there is none. `batch_size` and `length` None are the method's own defaults.

    `settings` are further settings of methods, as the user typed them; each method takes those it has.
    """

    dataset: str = ""
    dataset_name: str = ""
    model: str = "workbench-base"
    gpu: str = ""
    batch_size: int = 16
    length: int = 512
    checkpointing: bool = False
    train_on: str = "synthetic"
    settings: Mapping[str, str] = field(default_factory=dict)

    def scale_batch(self, factor: float) -> Setup:
        """Twice or half the batch size."""
        return replace(self, batch_size=_clamp(self.batch_size * factor, BATCH_SIZES))

    def scale_length(self, factor: float) -> Setup:
        """Twice or half the sequence length."""
        return replace(self, length=_clamp(self.length * factor, LENGTHS))

    def estimate_arguments(self) -> dict[str, Any]:
        """What the helper's operation `estimate` is asked."""
        return {
            "model": self.model,
            "gpu": self.gpu or None,
            "batch_size": self.batch_size,
            "sequence_length": self.length,
            "checkpointing": self.checkpointing,
            "dataset": self.dataset or None,
            "train_on": self.train_on,
            "settings": dict(self.settings),
        }

    def run_settings(self, own: Collection[str], others: Collection[str]) -> dict[str, Any]:
        """The settings of a run of the method that has the settings `own`: those that only `others` have are not meant
        for it, and a name that no method has is left in, to be refused with the nearest one.
        """
        given = {name: value for name, value in self.settings.items() if name in own or name not in others}
        return {
            "batch_size": self.batch_size,
            "max_length": self.length,
            "checkpointing": self.checkpointing,
            **given,
        }


def list_fields(setup: Setup) -> list[Field]:
    """The form that changes everything at once."""
    return [
        Field("model", "Model", setup.model, "folder or hub id"),
        Field("gpu", "GPU", setup.gpu, "u lists them"),
        Field("batch_size", "Batch size", str(setup.batch_size), "rows a step"),
        Field("length", "Sequence length", str(setup.length), "tokens a row"),
        Field("settings", "Settings", write_settings(setup.settings), "rank=16 epochs=3"),
    ]


def check_fields(values: Mapping[str, str]) -> str:
    """What is wrong with a filled form, "" if nothing is."""
    for name, label, (low, high) in (("batch_size", "Batch size", BATCH_SIZES), ("length", "Sequence length", LENGTHS)):
        text = values[name].replace(",", "")
        if not text.isdecimal() or not low <= int(text) <= high:
            return f"{label} must be a whole number from {low} to {high:,}."
    if not values["model"]:
        return "Give a model: a folder, a hub id, or workbench-base."
    try:
        read_settings(values["settings"])
    except ValueError as error:
        return str(error)
    return ""


def apply_fields(setup: Setup, values: Mapping[str, str]) -> Setup:
    """The setup with the values of a form that was checked."""
    return replace(
        setup,
        model=values["model"],
        gpu=values["gpu"],
        batch_size=int(values["batch_size"].replace(",", "")),
        length=int(values["length"].replace(",", "")),
        settings=read_settings(values["settings"]),
    )


def read_settings(text: str) -> dict[str, str]:
    """`rank=16 epochs=3` as a mapping. Raises ValueError that says which word is no setting."""
    settings = {}
    for word in text.replace(",", " ").split():
        name, equals, value = word.partition("=")
        if not (name and equals and value):
            raise ValueError(f"“{word}” is no setting: write name=value, for instance rank=16.")
        settings[name] = value
    return settings


def write_settings(settings: Mapping[str, Any]) -> str:
    """The mapping as `read_settings` reads it."""
    return " ".join(f"{name}={value}" for name, value in settings.items())


def _clamp(value: float, bounds: tuple[int, int]) -> int:
    return max(bounds[0], min(bounds[1], int(value)))
