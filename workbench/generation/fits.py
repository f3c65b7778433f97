"""The fitted models of a spec: what is to be fitted for a table, and the workspace's store of what has been.

A model's folder is named by a hash over all that decides the fit (the synthesizer's part of the spec, the columns, the
real data, the seed), so that a fit is made once for all runs and previews, and a changed spec never meets an old model.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.calls.session import NotAsked, Session
from workbench.datasets.manifest import hash_file
from workbench.errors import WorkbenchError
from workbench.files import make_folder
from workbench.generation.building import remove_folder, replace_folder
from workbench.spec.model import SynthesizerConfig
from workbench.synthesizers.registry import SYNTHESIZERS
from workbench.synthesizers.synthesizer import FitContext

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from workbench.synthesizers.fitted import FittedTable
    from workbench.synthesizers.sequences.fitted import FittedSequences

SCHEME = 1
"""Raised when the same fit starts to give another model."""

QUICK_ROWS = 20_000
"""Of at most so many rows a preview fits a synthesizer itself, if that is one that takes seconds."""

_ROWS, _LENGTHS = "rows", "lengths"
_MOST_KNOWN = 8
_known: OrderedDict[tuple[str, int], FittedModels] = OrderedDict()
"""Models read before, by their folder and its time: a preview plans its spec at each key."""


@dataclass(frozen=True, slots=True, eq=False)
class FittedModels:
    """The models of a table: one of its rows, and one of the number of rows for each parent where that is learned."""

    rows: FittedTable | FittedSequences
    lengths: FittedTable | None = None


@dataclass(frozen=True, slots=True, eq=False)
class FitJob:
    """What is fitted for a table.

    `read()` gives the frame with the columns `config.given` and `config.columns`; `read_lengths()`, where the rows of
    each parent are learned, a frame of the parents' columns and the number of rows of each. `parent` is the foreign key
    along which the parent's columns were joined, with the parent's table.
    """

    table: str
    seed: int
    config: SynthesizerConfig
    key: str
    rows: int
    read: Callable[[], pd.DataFrame]
    read_lengths: Callable[[], tuple[pd.DataFrame, np.ndarray[Any, Any]]] | None = None
    parent: tuple[str, str] | None = None

    @property
    def is_quick(self) -> bool:
        """Whether a preview may fit it."""
        entry = SYNTHESIZERS.get(self.config.type)
        return entry is not None and not entry.neural and self.rows <= QUICK_ROWS

    def open(self, session: Session) -> FittedModels:
        """The models, read from the store; quick ones are fitted where a preview or a run asks.

        Raises NotAsked where they have not been fitted yet.
        """
        found = find_fitted(self, session.fitted)
        if found is not None:
            return found
        if self.is_quick and session.fitted is not None and (session.live or session.pending == "null"):
            return fit_job(self, FitContext(seed=self.seed), session.fitted)
        raise NotAsked(
            f"The synthesizer of “{self.table}” has not been fitted yet.",
            "`workbench fit SPEC` fits it, and so does `workbench generate SPEC`.",
        )


def make_key(config: SynthesizerConfig, seed: int, *decisive: object) -> str:
    """32 hex digits over the config, the seed and what else decides a fit, all of it ready for JSON."""
    content = [SCHEME, config.model_dump(mode="json", exclude_defaults=True), seed, *decisive]
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()[:32]


def find_fitted(job: FitJob, folder: Path | None) -> FittedModels | None:
    """The models of a job in the store `folder`, None where they are not there or cannot be read."""
    if folder is None:
        return None
    place = folder / job.key
    try:
        identity = (str(place), place.stat().st_mtime_ns)
    except OSError:
        return None
    if identity not in _known:
        try:
            _known[identity] = _load(place, lengths=job.read_lengths is not None)
        except WorkbenchError:
            return None
        while len(_known) > _MOST_KNOWN:
            _known.popitem(last=False)
    _known.move_to_end(identity)
    return _known[identity]


def fit_job(job: FitJob, context: FitContext, folder: Path) -> FittedModels:
    """Fit the models of a job and put them into the store `folder`.

    Raises UsageError for a table that cannot be learned, StopRequested when asked to stop, its checkpoint written.
    """
    from workbench.synthesizers.children import refuse_privacy
    from workbench.synthesizers.fitting import fit_config

    if job.parent is not None:
        refuse_privacy(job.config)
    context = replace(context, seed=job.seed)
    rows = fit_config(job.read(), job.config, context)
    lengths = None
    if job.read_lengths is not None:
        from workbench.synthesizers.lengths import fit_lengths
        from workbench.synthesizers.profile import read_table

        parents, counts = job.read_lengths()
        lengths = fit_lengths(read_table(parents), counts, job.config.source, replace(context, checkpoints=None))
    work = folder / f".partial-{job.key}-{os.getpid()}"
    if work.exists():
        remove_folder(work)
    make_folder(work)
    rows.save(work / _ROWS)
    if lengths is not None:
        lengths.save(work / _LENGTHS)
    replace_folder(work, folder / job.key)
    return find_fitted(job, folder) or FittedModels(rows, lengths)


def hash_fitted(job: FitJob, folder: Path) -> str:
    """SHA-256 (hex) over the files of a job's models. Raises OSError where they cannot be read."""
    place = folder / job.key
    parts = [(str(path.relative_to(place)), hash_file(path)) for path in sorted(place.rglob("*")) if path.is_file()]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _load(place: Path, *, lengths: bool) -> FittedModels:
    from workbench.synthesizers.storage import load_fitted, load_table

    return FittedModels(load_fitted(place / _ROWS), load_table(place / _LENGTHS) if lengths else None)
