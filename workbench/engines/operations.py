"""What the helper process can be asked, each an `op` of its protocol. Modules are imported when they are first needed.

Arguments and results are plain JSON. Operations raise WorkbenchError for what the user can put right.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from workbench.workspace import Workspace

Arguments = dict[str, Any]
Result = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Operation:
    """The function behind an `op`, and the lane (thread) it is answered in: `fast` while somebody types, `lists` for
    what takes a moment, `slow` for what imports torch.
    """

    lane: str
    answer: Callable[[Arguments], Result]


def check(arguments: Arguments) -> Result:
    """Problems of the spec `text`, whose relative paths start at `folder`."""
    from workbench.generation.check import check_text

    checked = check_text(arguments["text"], Path(arguments["folder"]))
    return {"problems": [problem.as_json() for problem in checked.problems]}


def preview(arguments: Arguments) -> Result:
    """The first `rows` rows of each table of the spec `text`, or of `table` alone, and the spec's problems."""
    from workbench.generation.preview import preview_text

    return preview_text(
        arguments["text"], Path(arguments["folder"]), rows=arguments.get("rows", 10), table=arguments.get("table")
    )


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


OPERATIONS: dict[str, Operation] = {
    "check": Operation("fast", check),
    "preview": Operation("fast", preview),
    "methods": Operation("lists", methods),
    "devices": Operation("lists", devices),
    "datasets": Operation("lists", datasets),
    "tuning": Operation("lists", tuning),
    "estimate": Operation("slow", estimate),
}


def warm_up() -> None:
    """Import what a preview needs, before the first one is asked for."""
    import_module("workbench.generation.preview")


def _read_verdict(folder: Path) -> str:
    try:
        return str(json.loads((folder / "quality.json").read_text("utf-8"))["verdict"])
    except (OSError, ValueError, KeyError, TypeError):
        return "not checked"
