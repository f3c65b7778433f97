"""How many times rows have gone round: through a model that was tuned on synthetic rows, whose output they are in turn.

Each turn loses rare cases first (Shumailov et al., Nature 2024), unless real rows are kept beside. A result of `tune`
says in its `tuning.json` which rows it was tuned on; a model that was tuned on real ones counts as any other model.
"""

from __future__ import annotations

import json
from pathlib import Path

from workbench.calls.session import Session
from workbench.spec.model import Spec

_SUMMARY = "tuning.json"


def trace_generation(spec: Spec, session: Session, folder: Path) -> tuple[int, bool]:
    """The generation of the rows, and whether they are the output of own models alone.

    The first is 0 where no model that `session` opened was tuned on synthetic rows, else one more than the highest of
    the datasets that they were tuned on. The second holds where all of them were, and the spec has no real data.
    Relative paths of models count from the current folder, or from `folder`, that of the spec.
    """
    tuned = [_read_tuned(model.config.model, folder) for model in session.models.values()]
    generations = [1 + each for each in tuned if each is not None]
    own = bool(tuned) and None not in tuned and not spec.sources
    return max(generations, default=0), own


def _read_tuned(model: str | None, folder: Path) -> int | None:
    """The generation of the synthetic rows that a model was tuned on, None where it is no result of such tuning."""
    if not model:
        return None
    path = Path(model).expanduser()
    for place in (path, folder / path):
        for file in (place / _SUMMARY, place / "result" / _SUMMARY):
            try:
                summary = json.loads(file.read_text("utf-8"))
            except (OSError, ValueError):
                continue
            if isinstance(summary, dict) and summary.get("train_on") == "synthetic":
                generation = summary.get("generation")
                return generation if isinstance(generation, int) and generation >= 0 else 0
            return None
    return None
