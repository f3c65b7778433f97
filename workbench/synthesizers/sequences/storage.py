"""Fitted sequences on disk: `model.json` for what they know themselves, and a folder for each part."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from workbench.files import explain_os_error, make_folder
from workbench.synthesizers.fitted import FitReport
from workbench.synthesizers.identifiers import IdentifierShapes
from workbench.synthesizers.sequences.fitted import FittedSequences
from workbench.synthesizers.sequences.plan import SequencePlan
from workbench.synthesizers.sequences.timing import Timing
from workbench.synthesizers.storage import (
    FORMAT,
    explain_damage,
    load_table,
    read_model,
    read_profile,
    save_fitted,
    write_model,
    write_profile,
)

PARTS = "parts"


def save_sequences(fitted: FittedSequences, folder: Path) -> None:
    """Write the model to `folder`, its own `model.json` last. Raises WorkbenchError if it cannot be written."""
    for name, part in fitted.parts.items():
        save_fitted(part, folder / name)
    entities = fitted.entities
    content = {
        "format": FORMAT,
        "type": fitted.report.type,
        PARTS: list(fitted.parts),
        "plan": asdict(fitted.plan),
        "profile": write_profile(fitted.profile),
        "entities": None if entities is None else {**asdict(entities), "taken": sorted(entities.taken)},
        "report": asdict(fitted.report),
    }
    try:
        write_model(make_folder(folder), content)
    except OSError as error:
        raise explain_os_error(error, folder) from error


def load_sequences(folder: Path) -> FittedSequences:
    """What `save_sequences` wrote. Raises WorkbenchError where it is damaged."""
    content = read_model(folder)
    try:
        if content["format"] != FORMAT:
            raise ValueError("another format")
        plan = content["plan"]
        names = ("given", "fixed", "varying", "names", "states")
        lists = {name: tuple(plan[name]) for name in names}
        entities = content["entities"]
        return FittedSequences(
            profile=read_profile(content["profile"]),
            plan=SequencePlan(**{**plan, **lists, "timing": Timing(**plan["timing"])}),
            parts={name: load_table(folder / str(name)) for name in content[PARTS]},
            entities=None
            if entities is None
            else IdentifierShapes(
                **{
                    **entities,
                    "shapes": tuple(entities["shapes"]),
                    "weights": tuple(entities["weights"]),
                    "taken": frozenset(entities["taken"]),
                }
            ),
            report=FitReport(**content["report"]),
        )
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise explain_damage(folder) from error
