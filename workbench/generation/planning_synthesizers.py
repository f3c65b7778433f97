"""The synthesizer of a table from its part of the spec: which columns it makes, from which real data, given what."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.calls.session import Session
from workbench.columns.synthesized import SynthesizedColumnConfig
from workbench.errors import WorkbenchError
from workbench.generation.fits import FitJob, ParentJob, count_children, make_key
from workbench.generation.links import Whole
from workbench.generation.plan import TablePlan
from workbench.generation.real_data import SourceReader
from workbench.generation.synthesizing import TableSynthesizer, find_fixed
from workbench.spec.base import NAME_PATTERN
from workbench.spec.model import Spec, SynthesizerConfig, TableConfig
from workbench.spec.problems import Path, Problem, suggest
from workbench.synthesizers.profile import TableProfile, read_table
from workbench.synthesizers.types.sequence import SequenceConfig

if TYPE_CHECKING:
    import pandas as pd


_KEY = "parent: key"
"""The column of a parent's key in a fit: no column of a table can have this name."""

_MOST_KNOWN = 16
_profiles: dict[tuple[str, int, tuple[str, ...]], TableProfile] = {}
"""Profiles of real data by the digest of it and its split, the seed and the columns: a preview plans at each key."""


class SynthesizerPlanner:
    """The steps of planning the synthesizer of one table; `planned` holds the tables before it."""

    def __init__(
        self,
        spec: Spec,
        name: str,
        planned: Mapping[str, TablePlan],
        reader: SourceReader,
        session: Session,
        problems: list[Problem],
    ) -> None:
        self.spec, self.name, self.planned, self.reader = spec, name, planned, reader
        self.session, self.problems = session, problems
        self.table: TableConfig = spec.tables[name]
        self.config: SynthesizerConfig | None = self.table.synthesizer

    def plan(self) -> TableSynthesizer | None:
        """The synthesizer, None where the table has none or a problem was added."""
        config = self.config
        if config is None:
            return None
        before = len(self.problems)
        frame = self._read(config)
        if frame is None:
            return None
        names = self._find_names(config, frame)
        self._check_given(config, frame)
        parent = self._find_parent(frame)
        if parent is not None and config.differential_privacy is not None:
            message = "Differential privacy would protect each row here, not the parent whose rows they are."
            hint = f"Take it out, or leave “{parent[0]}” out of the source's columns: the rows then know no parent."
            self._add(("differential_privacy",), message, hint)
        fixed = find_fixed(self.table, names)
        ordered: list[str] = []
        if isinstance(config, SequenceConfig):
            ordered = [config.entity, config.order_by]
            self._check_sequence(config, frame, fixed)
        if len(self.problems) > before:
            return None
        inherited = {} if parent is None else self._find_inherited(*parent)
        learned = [*dict.fromkeys([*names, *config.given, *ordered])]
        try:
            profile = self._profile(config, frame, learned)
        except WorkbenchError as error:
            self._add((), error.cause, error.solution)
            return None
        return TableSynthesizer(
            self.name,
            self.spec.seed,
            self._make_job(config, frame, names, learned, inherited, parent),
            tuple(name for name in names if name in profile.columns),
            tuple(config.given),
            inherited,
            fixed,
            profile,
            self.session,
        )

    def _add(self, path: Path, message: str, hint: str = "") -> None:
        self.problems.append(Problem(message, hint, ("tables", self.name, "synthesizer", *path)))

    def _read(self, config: SynthesizerConfig) -> pd.DataFrame | None:
        try:
            frame = self.reader.read(config.source)
        except ValueError as error:
            text = str(error)
            self._add(("source",), f"The synthesizer cannot learn: {text[:1].lower()}{text[1:]}.")
            return None
        twice = [str(name) for name in frame.columns[frame.columns.duplicated()]]
        if twice:
            self._add(
                ("source",), f"Two columns of “{config.source}” have the name “{twice[0]}”.", "Rename one of them."
            )
            return None
        return frame

    def _find_names(self, config: SynthesizerConfig, frame: pd.DataFrame) -> list[str]:
        """The columns that it makes: those asked for, or all of the source that nothing else makes."""
        others = {each.name for each in self.table.columns if not isinstance(each, SynthesizedColumnConfig)}
        keys = {key.column for key, _ in self.table.find_keys().values()}
        entity = config.entity if isinstance(config, SequenceConfig) else None
        apart = others | keys | {self.table.primary_key, entity}
        known = [str(name) for name in frame.columns]
        names = config.columns if config.columns is not None else [name for name in known if name not in apart]
        for position, name in enumerate(names):
            place: Path = ("columns", position) if config.columns is not None else ("source",)
            if name not in known:
                self._add(place, f"“{config.source}” has no column “{name}”.", suggest(name, known))
            elif not re.fullmatch(NAME_PATTERN, name):
                hint = "Rename it in the data, or list the columns to learn under “columns:” without it."
                self._add(place, f"“{name}” cannot be the name of a column.", hint)
            elif name in apart and config.columns is not None:
                message = f"“{name}” is made in another way already."
                self._add(place, message, "Take it out of the synthesizer's columns, or out of the table's.")
        for position, column in enumerate(self.table.columns):
            if isinstance(column, SynthesizedColumnConfig) and column.name not in names:
                message = f"The synthesizer does not make “{column.name}”."
                problem = Problem(
                    message, suggest(column.name, names), ("tables", self.name, "columns", position, "name")
                )
                self.problems.append(problem)
        if not names:
            self._add((), f"“{config.source}” has no column that nothing else makes.", "List some under “columns:”.")
        return list(dict.fromkeys(names))

    def _check_given(self, config: SynthesizerConfig, frame: pd.DataFrame) -> None:
        columns = {column.name for column in self.table.columns}
        for position, name in enumerate(config.given):
            if name not in columns:
                self._add(("given", position), f"There is no column “{name}” in this table.", suggest(name, columns))
            elif name not in frame.columns:
                message = f"“{config.source}” has no column “{name}”, so nothing can be learned of it."
                self._add(("given", position), message, suggest(name, map(str, frame.columns)))

    def _check_sequence(self, config: SequenceConfig, frame: pd.DataFrame, fixed: frozenset[str]) -> None:
        for field, name in (("entity", config.entity), ("order_by", config.order_by)):
            if name not in frame.columns:
                self._add(
                    (field,), f"“{config.source}” has no column “{name}”.", suggest(name, map(str, frame.columns))
                )
        if config.differential_privacy is not None:
            message = "Differential privacy would protect each record, not the one whose records they are."
            self._add(("differential_privacy",), message, "Take it out, or make single rows by another type.")
        if config.given:
            self._add(("given",), "A sequence is given its parent's columns alone.", "Take “given” out.")
        if fixed:
            name = min(fixed)
            message = f"“{name}” is part of a sequence, whose records depend on each other: nothing else can decide it."
            self._add((), message, "Set a column of the parent instead.")
        if not self.table.find_keys():
            hint = "Add a table of the entities, and a foreign key that leads to it."
            self._add((), "A sequence belongs to the rows of another table.", hint)
        source = self.spec.sources[config.source]
        if source.group_by is None and source.holdout:
            hint = f"Add “group_by: {config.entity}” to the source, so that it keeps them whole."
            message = f"The holdout of “{config.source}” takes single records out of the sequences."
            path: Path = ("sources", config.source)
            self.problems.append(Problem(message, hint, path, level="warning"))

    def _find_parent(self, frame: pd.DataFrame) -> tuple[str, TablePlan] | None:
        """The foreign key whose table is synthesized too and stands in both real tables, and that table."""
        for key, _ in self.table.find_keys().values():
            parent = self.planned.get(key.table)
            if parent is None or parent.synthesizer is None or key.column not in frame.columns:
                continue
            primary = self.spec.tables[key.table].primary_key
            if primary in self.reader.read(parent.synthesizer.job.config.source).columns:
                return key.column, parent
        return None

    def _find_inherited(self, column: str, parent: TablePlan) -> dict[str, str]:
        assert parent.synthesizer is not None
        return {f"{parent.name}.{name}": name for name in parent.synthesizer.names}

    def _profile(self, config: SynthesizerConfig, frame: pd.DataFrame, learned: list[str]) -> TableProfile:
        key = (self.reader.digests[config.source], self.spec.seed, tuple(learned))
        if key not in _profiles:
            if len(_profiles) >= _MOST_KNOWN:
                _profiles.clear()
            _profiles[key] = read_table(frame, learned).profile
        return _profiles[key]

    def _make_job(
        self,
        config: SynthesizerConfig,
        frame: pd.DataFrame,
        names: list[str],
        learned: list[str],
        inherited: Mapping[str, str],
        parent: tuple[str, TablePlan] | None,
    ) -> FitJob:
        own = config.model_copy(update={"columns": names, "given": [*config.given, *inherited]})
        sources, joined, key = [config.source], None, []
        if parent is not None:
            column, table = parent
            assert table.synthesizer is not None
            sources.append(table.synthesizer.job.config.source)
            joined = ParentJob(table.name, column, _KEY, lambda: self._read_parents(table, inherited))
            key = [column]
        decisive = [
            [name, self.reader.digests[name], self.spec.sources[name].model_dump(mode="json", exclude={"licence"})]
            for name in sources
        ]
        identity = make_key(own, self.spec.seed, decisive, key)
        wanted = [*dict.fromkeys([*learned, *key])]
        return FitJob(self.name, self.spec.seed, own, identity, len(frame), lambda: frame[wanted], joined)

    def _read_parents(self, parent: TablePlan, inherited: Mapping[str, str]) -> pd.DataFrame:
        """The parent's real rows: what is inherited, under its name in the fit, and the key."""
        import pandas as pd

        assert parent.synthesizer is not None
        real = self.reader.read(parent.synthesizer.job.config.source)
        columns = {name: real[column] for name, column in inherited.items()}
        return pd.DataFrame({_KEY: real[str(self.spec.tables[parent.name].primary_key)], **columns})


def make_length_counter(
    synthesizer: TableSynthesizer, parent: TablePlan, open_rows: Callable[[TablePlan, Whole], Any]
) -> Callable[[Whole], Whole]:
    """The number of rows of each of some parents by the fitted model.

    Before it is fitted, by the numbers in the real data, so that a spec can be checked and previewed.
    """
    from workbench.columns.streams import Draws

    job = synthesizer.job

    def count(parents: Whole) -> Whole:
        try:
            models = job.open(synthesizer.session)
        except WorkbenchError:
            counts = np.sort(count_children(job))
            uniform = Draws(synthesizer.seed, synthesizer.table, "lengths", parents).uniform("rows")
            return counts[np.minimum((uniform * len(counts)).astype(np.int64), len(counts) - 1)]
        opened = open_rows(parent, parents)
        given = {name: opened.make(column) for name, column in synthesizer.inherited.items()}
        return models.draw_lengths(parents, given, (synthesizer.seed, synthesizer.table, "synthesizer"))

    return count
