"""Rows written by the small model, digit by digit: those of given columns are read first, the others are chosen.

What may stand in a place follows from the tree of the column alone, so every row is valid. Where a column's shares are
known, offsets put right what the model says of them (`calibration`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from workbench.columns.values import Values
from workbench.synthesizers.synthesizer import Made
from workbench.synthesizers.types.language_model.calibration import (
    FEWEST_ROWS,
    choose,
    choose_evenly,
    fit_offsets,
    spread_uniforms,
)
from workbench.synthesizers.types.language_model.layout import RowLayout
from workbench.synthesizers.types.language_model.transformer import Memory, RowTransformer
from workbench.synthesizers.types.language_model.vocabulary import Floats, Ints, ValueTree, read_leaves

Offsets = dict[int, NDArray[np.float32]]
"""By slot, for each node of its depth (nodes, width)."""

Adjust = Callable[[int, Floats, Ints], Floats]
"""From a slot, the scores (rows, width) and the node that each row is at, to the scores that are chosen by."""

CALIBRATED_ROWS = 4096


def write_rows(
    model: RowTransformer,
    layout: RowLayout,
    generator: np.random.Generator,
    count: int,
    conditions: Mapping[str, Values],
    adjust: Adjust,
) -> Made:
    """`count` rows as values, those of `conditions` as they are. `adjust` is asked for every digit that is chosen."""
    slots = len(layout.widths)
    uniforms = spread_uniforms(generator, count, slots + len(layout.trees))
    shifts = generator.random((slots, max(layout.widths)))
    known = layout.spell(conditions, count)
    digits = known.digits.astype(np.int64)
    given = [name for name in layout.natural if name in conditions]
    free = [name for name in layout.natural if name not in conditions]
    leaves = _choose_leaves(model, layout, digits, (given, free), (uniforms, shifts), adjust) if free else {}
    made = dict(conditions)
    for at, name in enumerate(layout.trees):
        if name in leaves:
            profile = layout.profile.columns[name]
            made[name] = read_leaves(layout.trees[name], profile, leaves[name], uniforms[:, slots + at])
    return {name: made[name] for name in layout.profile.columns}


def calibrate(
    model: RowTransformer,
    layout: RowLayout,
    generator: np.random.Generator,
    temperature: float,
    conditions: Mapping[str, Values],
    rows: int = CALIBRATED_ROWS,
) -> Offsets:
    """Offsets for all choices of known shares that enough rows come to, measured as the rows are written.

    A column is thus measured given columns before it that are right already. `conditions` hold the columns that are
    always given, with `rows` real values.
    """
    offsets: Offsets = {}
    trees = {place: (tree, level) for tree, level, place in _list_trees(layout)}

    def measure(slot: int, scores: Floats, nodes: Ints) -> Floats:
        scores = scores / temperature
        tree, level = trees[slot]
        if tree.counted:
            offsets[slot] = _measure_slot(tree, level, scores, nodes)
            scores = scores + offsets[slot][nodes]
        return scores

    write_rows(model, layout, generator, rows, conditions, measure)
    return offsets


def adjust_by(offsets: Offsets, temperature: float) -> Adjust:
    """The adjustment that rows are made with."""

    def adjust(slot: int, scores: Floats, nodes: Ints) -> Floats:
        scores = scores / temperature
        return scores + offsets[slot][nodes] if slot in offsets else scores

    return adjust


@torch.inference_mode()
def _choose_leaves(
    model: RowTransformer,
    layout: RowLayout,
    digits: Ints,
    columns: tuple[Sequence[str], Sequence[str]],
    chance: tuple[Floats, Floats],
    adjust: Adjust,
) -> dict[str, Ints]:
    device = model.offsets.device
    uniforms, shifts = chance
    given = [place for _, _, place in layout.find_slots(columns[0])]
    said = model.open(torch.empty((len(digits), 0), device=device))
    if given:
        read = model.say(torch.as_tensor(digits, device=device))
        said = torch.cat([said, read[:, given]], 1)
    memory = Memory()
    path = list(given)
    nodes = np.zeros(len(digits), np.int64)
    leaves = {}
    for name, level, slot in layout.find_slots(columns[1]):
        tree = layout.trees[name]
        if not level:
            nodes = np.zeros(len(digits), np.int64)
        path.append(slot)
        scores = model.advance(said, torch.tensor(path[-said.shape[1] :], device=device), memory)
        allowed = tree.counts[level][nodes]
        wide = scores[:, : layout.widths[slot]].double().cpu().numpy()
        wide = np.where(np.arange(wide.shape[1]) < allowed[:, None], wide, -np.inf)
        wide = adjust(slot, wide, nodes)
        # Under conditions a row must not depend on those of its neighbours; and the first column, in which nothing
        # tells rows apart yet, gets exact shares from uniforms that are spread evenly.
        even = level == 0 and not given and len(path) > 1
        chosen = choose_evenly(wide, uniforms[:, slot], shifts[slot]) if even else choose(wide, uniforms[:, slot])
        nodes = tree.starts[level][nodes] + chosen
        told = model.digits(torch.as_tensor(chosen, device=device) + model.offsets[slot])[:, None]
        said = told + said if level else told
        if level == tree.depth - 1:
            leaves[name] = nodes
    return leaves


def _measure_slot(tree: ValueTree, level: int, scores: Floats, nodes: Ints) -> NDArray[np.float32]:
    counts, starts = tree.counts[level], tree.starts[level]
    masses = tree.find_masses(level + 1)
    offsets = np.zeros((len(counts), scores.shape[1]), np.float32)
    rows = np.bincount(nodes, minlength=len(counts))
    for node in np.flatnonzero((rows >= FEWEST_ROWS) & (counts > 1)).tolist():
        width = int(counts[node])
        shares = masses[starts[node] : starts[node] + width]
        if shares.sum() > 0:
            offsets[node, :width] = fit_offsets(scores[nodes == node, :width], shares / shares.sum())
    return offsets


def _list_trees(layout: RowLayout) -> list[tuple[ValueTree, int, int]]:
    return [(layout.trees[name], level, place) for name, level, place in layout.find_slots(list(layout.trees))]
