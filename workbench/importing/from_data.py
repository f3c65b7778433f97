"""A spec inferred from real tables: csv, tsv, jsonl or parquet.

Shares, ranges and dependencies are measured on the part of each table that the spec's `sources:` will let be learned
from; the holdout is not looked at. Only what holds of a whole table, such as that a key is unique, is read from all of
it. The result is something to start from, so what was guessed or left out stands beside it as a comment.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.datasets.reading import read_table
from workbench.datasets.sources import split_rows
from workbench.errors import UsageError
from workbench.files import clean_text
from workbench.importing.columns import InferredColumn, infer_column
from workbench.importing.draft import Draft, DraftItem, DraftTable
from workbench.importing.keys import (
    ForeignKey,
    choose_primary_key,
    find_foreign_keys,
    find_unique,
    measure_children,
)
from workbench.importing.naming import make_name, make_names
from workbench.importing.relations import find_inequalities, relate_categories

if TYPE_CHECKING:
    import pandas as pd

MOST_ROWS = 200_000
"""Rows of a table that are measured, evenly spaced among those of the file; more would change the last digit."""

MOST_COLUMNS = 1_000
HOLDOUT = 0.2
SEED = 7
_NESTED = (list, tuple, dict, set, bytes, np.ndarray)
"""What a parquet file may hold in a cell and no column of a spec does: it is taken as its text."""

_FEWEST_TO_HOLD_OUT = 50
_MANY_EQUAL = 0.05
_ALL_MEASURED = "many rows of the file are equal to one another, so shares and ranges are those of all rows"


def infer_spec(
    name: str, paths: Sequence[Path], folder: Path, *, table: str | None = None, rows: int | None = None
) -> Draft:
    """The draft of a spec called `name` that will stand in `folder`, with a table for each of the files.

    `table` names the table where there is one file, `rows` replaces the number of rows of the tables that refer to no
    other. Raises UsageError where a file cannot be read or the files cannot make tables.
    """
    if table is not None and len(paths) > 1:
        raise UsageError(
            "--table names one table, and there are several files.", "Leave it out: files name their tables."
        )
    if rows is not None and not 1 <= rows <= 10_000_000_000:
        raise UsageError(f"A table cannot have {rows} rows.", "Give --rows from 1 to 10,000,000,000.")
    if len({path.resolve() for path in paths}) < len(paths):
        raise UsageError("A file is given twice.", "Name each file once.")
    titles = [table] if table is not None else [str(path) for path in paths]
    stems = [table if table is not None else make_name(path.stem) or "data" for path in paths]
    names = list(make_names([f"{stem}" for stem in stems], "table").values())
    if len(names) < len(titles):
        raise UsageError("Two files would make tables of the same name.", "Rename one of the files.")
    frames = {each: _read(path) for each, path in zip(names, paths, strict=True)}
    unique = {each: find_unique(frame) for each, frame in frames.items()}
    references = find_foreign_keys(frames, unique)
    draft = Draft(name, "", [], seed=SEED, single=len(paths) == 1 and table is None)
    draft.comments = [
        "Inferred from real data: a start to edit. Shares and ranges are rounded, and bounds are the 0.5 and 99.5",
        "percentiles; values of fewer than 5 rows and likely personal data are left out.",
    ]
    total = sum(len(frame) for frame in frames.values())
    draft.description = f"Made after {', '.join(clean_text(path.name) for path in paths)} ({total:,} rows)"
    built = []
    for each, path in zip(names, paths, strict=True):
        own = [key for key in references if key.child == each]
        referred = [key.parent_column for key in references if key.parent == each]
        holdout, train, whole = _hold_out(frames[each])
        source = "real" if len(paths) == 1 else each
        draft.sources[source] = {"path": os.path.relpath(path.resolve(), folder.resolve()), "holdout": holdout}
        made, mapping = _build_table(each, frames[each], train, unique[each], own, referred, rows, draft.notes)
        if whole and holdout:
            made.comments.append(_ALL_MEASURED)
        built.append((made, mapping))
    by_name = {made.name: (made, mapping) for made, mapping in built}
    for made, mapping in built:
        _add_references(made, mapping, [key for key in references if key.child == made.name], by_name, frames)
    draft.tables = _order_tables([made for made, _ in built])
    draft.ending = [
        "What a dataset must reach before it is used; take away the mark and choose the figures:",
        "quality: {min_fidelity: 0.8, max_exact_match: 0, max_duplicates: 0.01}",
    ]
    return draft


def _read(path: Path) -> pd.DataFrame:
    frame = read_table(path)
    if len(frame.columns) > MOST_COLUMNS:
        raise UsageError(
            f"{path.name} has {len(frame.columns):,} columns; {MOST_COLUMNS:,} is the limit.", "Give fewer of them."
        )
    for name in frame.columns:
        if frame[name].dtype == object and any(isinstance(each, _NESTED) for each in frame[name]):
            frame[name] = [None if each is None else str(each) for each in frame[name]]
    return frame


def _hold_out(frame: pd.DataFrame) -> tuple[float, pd.DataFrame, bool]:
    """The holdout to write, the rows to measure, and whether these are all rows.

    Measured are the very rows that generation may learn from. Where many rows are equal to others, these are no fair
    sample, since equal rows stay on one side of the split: then all rows are measured.
    """
    share, train, whole = 0.0, frame, True
    if len(frame) >= _FEWEST_TO_HOLD_OUT:
        try:
            train, share = split_rows(frame, HOLDOUT, None, SEED)[0], HOLDOUT
            whole = bool(frame.duplicated().mean() > _MANY_EQUAL)
        except UsageError:  # nearly all rows are equal to one another
            share = 0.0
    train = frame if whole else train
    if len(train) > MOST_ROWS:
        train = train.iloc[:: -(-len(train) // MOST_ROWS)].reset_index(drop=True)
    return share, train, whole


def _build_table(
    name: str, frame: pd.DataFrame, train: pd.DataFrame, unique: Sequence[str], references: Sequence[ForeignKey],
    referred: Sequence[str], rows: int | None, notes: list[str],
) -> tuple[DraftTable, dict[str, str]]:  # fmt: skip
    """The table without its foreign keys, and the names of its columns by those of the file."""
    mapping = make_names([str(column) for column in frame.columns])
    table = DraftTable(name, rows=rows or len(frame))
    keys = {key.column for key in references}
    columns: list[InferredColumn] = []
    for title, column_name in mapping.items():
        if title not in keys:
            columns.append(infer_column(column_name, title, train[title], unique=title in unique))
    titles = {column: title for title, column in mapping.items()}
    makeable = [titles[column.name] for column in columns if column.role == "key"]
    for title in referred:
        _make_key(next(column for column in columns if column.name == mapping[title]))
    key = referred[0] if referred else choose_primary_key(frame, unique, makeable, name)
    if key is not None:
        table.primary_key = mapping[key]
    table.constraints = [*relate_categories(columns), *find_inequalities(columns)]
    table.columns = [column.item for column in columns]
    if not columns:
        table.columns = [DraftItem({"name": "row_id", "type": "id"}, ["a table needs a column of its own"])]
    for column in columns:
        warning = next((comment for comment in column.item.comments if comment.startswith("likely personal")), None)
        if warning is not None:
            notes.append(f"{name}.{column.name}: {warning}, replaced by invented values."
                         if column.role == "personal" else f"{name}.{column.name}: {warning}.")  # fmt: skip
    return table, mapping


def _make_key(column: InferredColumn) -> None:
    """A column that others refer to is made unique by construction, whatever it looked like."""
    if column.item.fields["type"] not in ("id", "uuid"):
        column.item.fields = {"name": column.name, "type": "id"}
        column.item.comments.append("other tables refer to it, so it is a running number here")


def _add_references(
    table: DraftTable,
    mapping: dict[str, str],
    references: Sequence[ForeignKey],
    tables: dict[str, tuple[DraftTable, dict[str, str]]],
    frames: dict[str, pd.DataFrame],
) -> None:
    """Foreign keys, the first of those without missing values with the measured number of rows per parent."""
    counted = False
    for key in sorted(references, key=lambda each: each.missing > 0):
        parent, names = tables[key.parent]
        fields: dict[str, Any] = {"column": mapping[key.column], "table": key.parent}
        comments = []
        if parent.primary_key != names[key.parent_column]:
            comments.append(f"in the file it refers to {names[key.parent_column]}")
        if key.missing:
            comments.append(f"{key.missing} rows of the file refer to none; here every row refers to one")
        elif not counted:
            counted = True
            fields["per_parent"] = measure_children(
                frames[key.child][key.column], frames[key.parent][key.parent_column]
            )
            table.rows = None
        table.foreign_keys.append(DraftItem(fields, comments))


def _order_tables(tables: Sequence[DraftTable]) -> list[DraftTable]:
    """Parents before their children, else in the order given."""
    ordered: list[DraftTable] = []
    left = list(tables)
    while left:
        done = {table.name for table in ordered}
        ready = next(
            table for table in left if all(item.fields["table"] in done for item in table.foreign_keys)
        )  # the references have no circle
        ordered.append(ready)
        left.remove(ready)
    return ordered
