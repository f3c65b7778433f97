"""The fitted models of a spec: what is to be fitted for a table, and the workspace's store of what has been.

A model's folder is named by a hash over all that decides the fit (the synthesizer's part of the spec, the columns, the
real data, the seed), so that a fit is made once for all runs and previews, and a changed spec never meets an old model.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

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
    from numpy.typing import NDArray

    from workbench.columns.values import Values
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
    """The models of a table: one of its rows and, for rows that have a parent but no order, one of their number."""

    rows: FittedTable | FittedSequences
    lengths: FittedTable | None = None

    def draw_lengths(
        self, parents: NDArray[np.int64], given: Mapping[str, Values], names: tuple[object, ...]
    ) -> NDArray[np.int64]:
        """How many rows each of the parents numbered `parents` (rising) has, shape (parents,), given their columns."""
        from workbench.synthesizers.lengths import draw_lengths
        from workbench.synthesizers.sequences.fitted import FittedSequences

        if isinstance(self.rows, FittedSequences):
            return self.rows.draw_lengths(parents, given, names)
        assert self.lengths is not None
        return draw_lengths(self.lengths, parents, given, names)


@dataclass(frozen=True, slots=True)
class ParentJob:
    """The parents of a table's rows: `column` of the rows holds what `key` of the parents, of the `table`, holds.

    `read()` gives the real parents, with their key and what is inherited of them under its name in the fit.
    """

    table: str
    column: str
    key: str
    read: Callable[[], pd.DataFrame]


@dataclass(frozen=True, slots=True, eq=False)
class FitJob:
    """What is fitted for a table.

    `read()` gives the real rows, of which there are `rows`; columns of `config.given` that they lack are `parent`'s.
    """

    table: str
    seed: int
    config: SynthesizerConfig
    key: str
    rows: int
    read: Callable[[], pd.DataFrame]
    parent: ParentJob | None = None

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
            _known[identity] = _load(place)
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
    fitted = _fit(job, replace(context, seed=job.seed))
    work = folder / f".partial-{job.key}-{os.getpid()}"
    if work.exists():
        remove_folder(work)
    make_folder(work)
    fitted.rows.save(work / _ROWS)
    if fitted.lengths is not None:
        fitted.lengths.save(work / _LENGTHS)
    replace_folder(work, folder / job.key)
    return find_fitted(job, folder) or fitted


def hash_fitted(job: FitJob, folder: Path) -> str:
    """SHA-256 (hex) over what decides the rows that a job's models make: all of them but the reports of their fits.

    Raises OSError where they cannot be read.
    """
    from workbench.synthesizers.storage import MODEL

    place = folder / job.key
    digest = hashlib.sha256()
    for path in sorted(place.rglob("*")):
        if path.name == MODEL:
            content = json.loads(path.read_text(encoding="utf-8"))
            content.pop("report", None)
            digest.update(json.dumps([str(path.relative_to(place)), content], sort_keys=True).encode())
        elif path.is_file():
            digest.update(json.dumps([str(path.relative_to(place)), hash_file(path)]).encode())
    return digest.hexdigest()


def count_children(job: FitJob) -> NDArray[np.int64]:
    """How many of the real rows each real parent has, shape (parents,). Raises UsageError where they do not meet."""
    from workbench.synthesizers.joining import join_parents

    assert job.parent is not None
    return join_parents(job.read(), job.parent.column, job.parent.read(), job.parent.key, []).counts


def _fit(job: FitJob, context: FitContext) -> FittedModels:
    from workbench.synthesizers.children import fit_children
    from workbench.synthesizers.fitting import fit_config
    from workbench.synthesizers.sequences.fitting import fit_sequences
    from workbench.synthesizers.types.sequence import SequenceConfig

    parent = job.parent
    if parent is None:
        return FittedModels(fit_config(job.read(), job.config, context))
    if isinstance(job.config, SequenceConfig):
        rows = fit_sequences(job.read(), job.config, context, parents=parent.read(), parent_key=parent.key)
        return FittedModels(rows)
    fitted = fit_children(job.read(), parent.column, parent.read(), parent.key, job.config, context)
    return FittedModels(fitted.rows, fitted.lengths)


def _load(place: Path) -> FittedModels:
    from workbench.synthesizers.storage import load_fitted, load_table

    lengths = load_table(place / _LENGTHS) if (place / _LENGTHS).is_dir() else None
    return FittedModels(load_fitted(place / _ROWS), lengths)
