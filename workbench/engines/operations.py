"""What the helper process can be asked, each an `op` of its protocol. Modules are imported when they are first needed.

Arguments and results are plain JSON. Operations raise WorkbenchError for what the user can put right.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.errors import StopRequested, UsageError
from workbench.workspace import Workspace

if TYPE_CHECKING:
    from workbench.generation.live_preview import LiveModels

Arguments = dict[str, Any]
Result = dict[str, Any]
Event = dict[str, Any]

IDLE_VARIABLE = "WORKBENCH_IDLE_MINUTES"
IDLE_MINUTES = 10.0
"""After which models that nobody asked are freed."""


@dataclass(frozen=True, slots=True)
class Talk:
    """What an operation that takes long has to do with the one who asked: events on the way, and a wish to stop."""

    emit: Callable[[Event], None]
    stop: threading.Event = field(default_factory=threading.Event)


@dataclass(frozen=True, slots=True)
class Operation:
    """The function behind an `op`, and the lane (thread) it is answered in: `fast` while somebody types, `lists` for
    what takes a moment, `checks` for the quality of the first rows, `slow` for what imports torch, `models` for what
    asks or frees models.
    """

    lane: str
    answer: Callable[[Arguments], Result]


@dataclass(frozen=True, slots=True)
class LongOperation:
    """One that tells of its progress and can be cancelled; its result is then {"cancelled": true}."""

    lane: str
    answer: Callable[[Arguments, Talk], Result]


@dataclass(frozen=True, slots=True)
class IdleTask:
    """What a lane does once it was asked nothing for `seconds`."""

    seconds: float
    act: Callable[[], object]


def check(arguments: Arguments) -> Result:
    """Problems of the spec `text`, whose relative paths start at `folder`."""
    from workbench.generation.check import check_text

    checked = check_text(arguments["text"], Path(arguments["folder"]))
    return {"problems": [problem.as_json() for problem in checked.problems]}


def preview(arguments: Arguments) -> Result:
    """The first `rows` rows of each table of the spec `text`, or of `table` alone, and the spec's problems.

    Answers of models are those that `workspace`, where it is given, has stored: none is asked.
    """
    from workbench.generation.live_preview import preview_stored

    root = arguments.get("workspace")
    return preview_stored(
        arguments["text"],
        Path(arguments["folder"]),
        None if root is None else Workspace(Path(root)),
        rows=arguments.get("rows", 10),
        table=arguments.get("table"),
    )


def preview_models(arguments: Arguments, talk: Talk) -> Result:
    """The same with the models asked, each text told as it grows; see `LiveModels.preview` for the events."""
    if talk.stop.is_set():
        return {"cancelled": True}
    try:
        return _open_models().preview(
            arguments["text"],
            Path(arguments["folder"]),
            Workspace(Path(arguments["workspace"])),
            rows=arguments.get("rows", 10),
            table=arguments.get("table"),
            emit=talk.emit,
            should_stop=talk.stop.is_set,
        )
    except StopRequested:
        return {"cancelled": True}


def check_rows(arguments: Arguments) -> Result:
    """The quality checks that are cheap, on the first `rows` rows of each table of the spec `text`."""
    from workbench.engines.live_quality import ROWS, check_first_rows

    root = arguments.get("workspace")
    workspace = None if root is None else Workspace(Path(root))
    return check_first_rows(arguments["text"], Path(arguments["folder"]), workspace, arguments.get("rows", ROWS))


def release(arguments: Arguments) -> Result:
    """Free the models that `preview_models` has loaded: how many were in memory."""
    return {"released": release_models()}


def release_models() -> int:
    """The same. Nothing is imported where nothing was asked."""
    return _open_models().release() if _open_models.cache_info().currsize else 0


def methods(arguments: Arguments) -> Result:
    """Every method of tuning with its defaults."""
    from workbench.tuning.methods import describe_methods

    return describe_methods()


def devices(arguments: Arguments) -> Result:
    """What estimates can be made for: this machine, and the catalogue of GPUs."""
    from workbench.estimates.gpus import CPU, list_gpus

    here = {"name": CPU, "note": "this machine"}
    listed = []
    for gpu in list_gpus():
        price = "" if gpu.price is None else f" · ${gpu.price.low:g} to ${gpu.price.high:g} an hour"
        listed.append({"name": gpu.name, "note": gpu.title + price})
    return {"devices": [here, *listed]}


def datasets(arguments: Arguments) -> Result:
    """The datasets of `workspace`, newest first, with what their quality report says."""
    from workbench.datasets.store import list_datasets

    listed = [
        {
            "reference": dataset.reference,
            "folder": str(dataset.folder),
            "rows": sum(table.rows for table in dataset.manifest.tables.values()),
            "verdict": _read_verdict(dataset.folder),
        }
        for dataset in list_datasets(Workspace(Path(arguments["workspace"])))
    ]
    return {"datasets": listed}


def tuning(arguments: Arguments) -> Result:
    """All settings of a tuning run with the method's defaults, once dataset, gate, model and settings are in order."""
    from workbench.datasets.gates import check_gate
    from workbench.datasets.store import open_dataset
    from workbench.tuning.methods import parse_settings
    from workbench.tuning.models import check_weights, resolve_model

    dataset = open_dataset(arguments["dataset"], Workspace(Path(arguments["workspace"])))
    settings = parse_settings(arguments["method"], arguments["settings"])
    check_weights(resolve_model(arguments["model"]))
    check_gate(dataset.folder)
    return {"reference": dataset.reference, "settings": settings.model_dump(mode="json")}


def estimate(arguments: Arguments) -> Result:
    """Memory, time and money of every method; `arguments` are the fields of an EstimateRequest."""
    module = import_module("workbench.tuning.estimating")
    result: Result = module.estimate_methods(module.parse_request(arguments))
    return result


OPERATIONS: dict[str, Operation | LongOperation] = {
    "check": Operation("fast", check),
    "preview": Operation("fast", preview),
    "check_rows": Operation("checks", check_rows),
    "methods": Operation("lists", methods),
    "devices": Operation("lists", devices),
    "datasets": Operation("lists", datasets),
    "tuning": Operation("lists", tuning),
    "estimate": Operation("slow", estimate),
    "preview_models": LongOperation("models", preview_models),
    "release": Operation("models", release),
}


def read_idle_tasks(environment: Mapping[str, str]) -> dict[str, IdleTask]:
    """What each lane does when it is idle: models are freed after the minutes that the environment says.

    Raises UsageError where these are no number above 0.
    """
    written = environment.get(IDLE_VARIABLE) or str(IDLE_MINUTES)
    try:
        minutes = float(written)
    except ValueError:
        minutes = 0.0
    if not 0 < minutes < threading.TIMEOUT_MAX / 60:
        raise UsageError(f"{IDLE_VARIABLE} “{written}” is no number of minutes.", "Give it a number above 0.")
    return {"models": IdleTask(minutes * 60, release_models)}


def warm_up() -> None:
    """Import what a preview needs, before the first one is asked for."""
    import_module("workbench.generation.live_preview")


@lru_cache(maxsize=1)
def _open_models() -> LiveModels:
    """The models of this process, for the lane `models` alone."""
    from workbench.generation.live_preview import LiveModels

    return LiveModels()


def _read_verdict(folder: Path) -> str:
    try:
        return str(json.loads((folder / "quality.json").read_text("utf-8"))["verdict"])
    except (OSError, ValueError, KeyError, TypeError):
        return "not checked"
