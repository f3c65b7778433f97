"""What panes tell the app. A pane announces a fact or a wish; the app decides who hears of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from textual.message import Message

Severity = Literal["info", "warning", "error"]


@dataclass
class Said(Message):
    """One line for the user, shown above the footer."""

    text: str
    severity: Severity = "info"


@dataclass
class FocusWanted(Message):
    """The user wants to go on in another pane, named by its context."""

    context: str


@dataclass
class TextSettled(Message):
    """The spec's text has rested; `folder` is where its relative paths start."""

    text: str
    folder: Path


@dataclass
class PreviewWanted(Message):
    """The preview wants other rows than it has."""


@dataclass
class ModelsWanted(Message):
    """Ask the models of the spec for the rows of the preview."""


@dataclass
class ModelsStopped(Message):
    """Ask them no more."""


@dataclass
class ModelsReleased(Message):
    """Free the memory that they hold."""


@dataclass
class GenerateWanted(Message):
    """Start a background run that generates the dataset of the spec as it stands."""


@dataclass
class TuneWanted(Message):
    """Start a tuning run with the arguments of its kind."""

    arguments: dict[str, Any]
    title: str


@dataclass
class RunChosen(Message):
    """Watch this run in the monitor."""

    run: str


@dataclass
class StopWanted(Message):
    """Stop this run; the user has confirmed it."""

    run: str


@dataclass
class ResumeWanted(Message):
    """Resume this run."""

    run: str
