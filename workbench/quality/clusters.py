"""Rows of one entity are alike: how many independent rows the rows of a table are worth.

Several rows of one customer, meter or patient say less than as many rows of different ones, so chance takes two clean
tables further apart than the number of their rows tells. The design effect (Kish 1965) says how much:
1 + (m' - 1) * ICC, where m' = sum m_i^2 / sum m_i is the size of an entity as a row of it sees it, and ICC is the share
of the variance that lies between entities, by a one-way analysis of variance over the real training rows. Rows divided
by their design effect are effective rows. Where rows belong to several entities, a customer and a shop, what each adds
is summed up. Tables without entities have a design effect of exactly 1.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from workbench.files import clean_text
from workbench.quality.cells import read_texts, take_column
from workbench.quality.similarity import Codes, encode_columns, find_kind
from workbench.synthesizers.types.sequence import SequenceConfig

if TYPE_CHECKING:
    import pandas as pd

    from workbench.quality.evidence import Evidence

Numbers = NDArray[np.int64]
Effects = tuple[float, float, float]
"""Design effects of the real training rows, of the dataset's rows and of the holdout's."""

_CUTS = np.arange(1, 10) / 10


@dataclass(frozen=True, slots=True, eq=False)
class Clusters:
    """Whose each row is: for each column of entities their numbers in training, dataset and holdout, shape (rows,)."""

    names: tuple[str, ...] = ()
    owners: tuple[tuple[Numbers, Numbers, Numbers], ...] = ()

    def take(self, train: Any, made: Any, held: Any = slice(0, 0)) -> Clusters:
        """Those of some rows of each side, by row numbers or a mask."""
        return Clusters(self.names, tuple((own[0][train], own[1][made], own[2][held]) for own in self.owners))

    def join_real(self) -> Clusters:
        """Training rows and holdout as one table, in that order, with no holdout beside it."""
        joined = ((np.concatenate([train, held]), made, np.empty(0, np.int64)) for train, made, held in self.owners)
        return Clusters(self.names, tuple(joined))

    def count_entities(self) -> float | None:
        """How many entities of one size there are in training, rows / m', of the column with fewest; None without."""
        return min((len(own[0]) / max(measure_size(own[0]), 1.0) for own in self.owners), default=None)

    def group(self, side: int, rows: int, groups: int) -> Numbers:
        """Rows of a side in so many groups of about the same size, shape (rows,).

        Those of one entity, of the first column of entities, are in one.
        """
        if not self.owners:
            return np.arange(rows) % groups
        return np.unique(self.owners[0][side], return_inverse=True)[1].astype(np.int64) % groups

    def find_effects(self, values: NDArray[np.float64], side: int = 0) -> Effects:
        """The design effects of a mean of `values`, shape (rows of that side,); no number is a row that is not asked.

        The ICC is that of side 0, 1 or 2: what only one side has, such as values that the real data lacks, is alike
        within the entities of that side alone.
        """
        known = np.isfinite(values)
        return self._sum_up([correlate_values(values[known], own[side][known]) for own in self.owners])

    def find_level_effects(self, codes: Numbers) -> Effects:
        """The design effects of the shares of `codes`, shape (training rows,): levels from 0 on, -1 is not asked."""
        known = codes >= 0
        return self._sum_up([correlate_levels(codes[known], own[0][known]) for own in self.owners])

    def weigh(self, codes: Codes, side: int = 1) -> Codes:
        """`codes` of training rows and those of a side with their design effects.

        A distance of distribution functions is as far off as its worst place, so of numbers the ICC is the largest of
        being below each tenth; of all columns it is at least that of missing values.
        """
        if not self.owners:
            return codes
        found = [self.find_effects((codes.a < 0).astype(np.float64))]
        if codes.ordered:
            ranks = _rank(codes.a)
            found += [self.find_effects(np.where(np.isnan(ranks), np.nan, ranks < cut)) for cut in _CUTS]
        else:
            found.append(self.find_level_effects(codes.a))
        return replace(codes, effects=(max(each[0] for each in found), max(each[side] for each in found)))

    def find_column_effect(self, column: pd.Series[Any], side: int) -> float:
        """The design effect of the rows of side 0 or 1 for a column of the training rows."""
        if not self.owners:
            return 1.0
        return self.weigh(encode_columns(column, column.iloc[:0], find_kind(column))).effects[side]

    def repeat(self, side: int) -> bool:
        """Whether an entity has several rows on that side."""
        return any(measure_size(own[side]) > 1 for own in self.owners)

    def _sum_up(self, correlations: list[float]) -> Effects:
        sides = [1.0, 1.0, 1.0]
        for own, correlation in zip(self.owners, correlations, strict=True):
            for side, owner in enumerate(own):
                sides[side] += max(measure_size(owner) - 1, 0.0) * correlation
        return sides[0], sides[1], sides[2]


def find_owner(evidence: Evidence) -> tuple[str, str] | None:
    """The columns of the dataset and of the real data that say whose a row is; None where there are none.

    That of a sequence may be called otherwise in the dataset, whose keys are its own.
    """
    config, columns = evidence.config.synthesizer, set(evidence.frame.columns)
    keys = [name for name in evidence.config.find_keys() if name in columns]
    if isinstance(config, SequenceConfig):
        entity = config.entity if config.entity in columns else next(iter(keys), None)
        return None if entity is None else (entity, config.entity)
    real = set() if evidence.real is None else set(evidence.real.train.columns)
    return next(((name, name) for name in keys if name in real), None)


def find_clusters(evidence: Evidence) -> Clusters:
    """Whose the rows are: by the entity of a sequence, foreign keys that both sides have, `group_by` of the source."""
    real = evidence.real
    if real is None:
        return Clusters()
    owner = find_owner(evidence)
    named = dict([owner[::-1]] if owner is not None else [])
    keys = evidence.config.find_keys()
    synthesizer, sources = evidence.config.synthesizer, evidence.spec.sources if evidence.spec else {}
    source = sources.get(synthesizer.source) if synthesizer is not None and synthesizer.source else None
    for name in [*keys, *([source.group_by] if source is not None and source.group_by else [])]:
        named.setdefault(name, name)
    found = {}
    for real_name, name in named.items():
        if real_name in real.train.columns:
            train, held = _number([take_column(real.train, real_name), take_column(real.holdout, real_name)])
            found[real_name] = (train, _number([take_column(evidence.frame, name)])[0], held)
    alike = {name: own for name, own in found.items() if measure_size(own[0]) > 1}
    return Clusters(tuple(alike), tuple(alike.values()))


def correlate_values(values: NDArray[np.float64], owner: Numbers) -> float:
    """The ICC of numbers by a one-way analysis of variance, no less than 0; 0 where nothing varies or repeats.

    (MSB - MSW) / (MSB + (n0 - 1) MSW) with n0 = (N - sum m_i^2 / N) / (k - 1) (Donner 1986).
    """
    if len(values) < 2:
        return 0.0
    sizes = np.bincount(owner)
    centred = values - values.mean()
    between = float((np.bincount(owner, centred) ** 2 / np.maximum(sizes, 1)).sum())
    return _find_correlation(between, float((centred**2).sum()), sizes[sizes > 0])


def correlate_levels(codes: Numbers, owner: Numbers) -> float:
    """The ICC of categories: that of the indicators of all levels, whose sums of squares are added up.

    So each level counts by its variance.
    """
    if len(codes) < 2:
        return 0.0
    sizes = np.bincount(owner)
    width = int(codes.max()) + 1
    cells, counts = np.unique(owner * width + codes, return_counts=True)
    expected = float((np.bincount(codes).astype(np.float64) ** 2).sum()) / len(codes)
    between = float((counts.astype(np.float64) ** 2 / sizes[cells // width]).sum()) - expected
    return _find_correlation(between, len(codes) - expected, sizes[sizes > 0])


def measure_size(owner: Numbers) -> float:
    """m' = sum m_i^2 / sum m_i; 0 of no rows."""
    sizes = np.bincount(owner).astype(np.float64)
    return float((sizes**2).sum() / sizes.sum()) if len(sizes) else 0.0


def describe_clusters(evidence: Evidence, rows: int, effect: float) -> tuple[str, dict[str, float | None]]:
    """Words for the detail and figures of a finding: how many independent rows `rows` of the dataset are worth."""
    clusters = evidence.clusters
    if not clusters.owners:
        return "", {}
    effective = rows / effect
    whose = " and ".join(clean_text(name)[:40] for name in clusters.names)
    words = f"; rows of one {whose} are alike: {rows:,} count as {effective:,.0f} independent ones"
    return words, {"effective_rows": effective}


def _find_correlation(between: float, total: float, sizes: Numbers) -> float:
    entities, rows = len(sizes), int(sizes.sum())
    if entities < 2 or rows == entities or not total > 0:
        return 0.0
    usual = (rows - float((sizes.astype(np.float64) ** 2).sum()) / rows) / (entities - 1)
    mean_between, mean_within = between / (entities - 1), max(total - between, 0.0) / (rows - entities)
    whole = mean_between + (usual - 1) * mean_within
    return float(np.clip((mean_between - mean_within) / whole, 0.0, 1.0)) if whole > 0 else 0.0


def _number(columns: list[pd.Series[Any]]) -> list[Numbers]:
    """Entities by number, the same in all columns; a row without one is an entity of its own."""
    import pandas as pd

    codes, found = pd.factorize(pd.concat([read_texts(column) for column in columns], ignore_index=True))
    alone = codes < 0
    codes = codes.astype(np.int64)
    codes[alone] = len(found) + np.arange(int(alone.sum()))
    return np.split(codes, np.cumsum([len(column) for column in columns])[:-1])


def _rank(codes: Numbers) -> NDArray[np.float64]:
    """The share of rows below each, ties at their middle; NaN where the code is -1."""
    present = codes >= 0
    counts = np.bincount(codes[present])
    if not len(counts):
        return np.full(len(codes), np.nan)
    middle = (np.cumsum(counts) - counts / 2) / counts.sum()
    return np.where(present, middle[np.maximum(codes, 0)], np.nan)
