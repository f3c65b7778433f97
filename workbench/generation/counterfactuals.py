"""Rows that are made once for each value of a column, all else being equal: does a model write otherwise of them?

The first rows of a table are taken as they are, the column is set to one value after the other, and what depends on it
follows, by the same draws: only then is a difference of the texts one that the value has made (counterfactual pairs,
as in Kusner et al., 2017). The rows are no part of the dataset and stand beside it, in `counterfactuals/`, made when
they are missing, by the same answers of models that the table's own rows have.
"""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.columns.generated import GeneratedConfig
from workbench.columns.values import fill, find_kind
from workbench.datasets.manifest import COUNTERFACTUALS, CounterfactualRecord, hash_file
from workbench.datasets.marks import make_mark
from workbench.files import make_folder, write_atomic
from workbench.generation.blocks import RowMaker
from workbench.generation.plan import Plan, TablePlan
from workbench.spec.model import Spec
from workbench.spec.problems import Path as SpecPath
from workbench.spec.problems import Problem, suggest
from workbench.spec.quality import CounterfactualConfig


def find_problems(spec: Spec, plan: Plan | None) -> Iterator[Problem]:
    """What `counterfactuals` name that is not there or cannot be exchanged. Without a plan only names are looked at."""
    for name, config in spec.tables.items():
        known = [column.name for column in config.columns]
        for position, entry in enumerate(config.counterfactuals):
            place: SpecPath = ("tables", name, "counterfactuals", position)
            unknown = [key for key in ("column", "swap") if getattr(entry, key) not in known]
            for key in unknown:
                message = f"There is no column “{getattr(entry, key)}” in this table."
                yield Problem(message, suggest(getattr(entry, key), known), (*place, key))
            if not unknown and plan is not None and name in plan.tables:
                yield from _check_entry(plan.tables[name], entry, place)


def list_values(table: TablePlan, entry: CounterfactualConfig) -> list[Any]:
    """The values that are exchanged: those of the entry, or all that its column can have."""
    return list(entry.values) if entry.values is not None else list(table.columns[entry.swap].maker.options or ())


def make_texts(
    plan: Plan, table: str, entry: CounterfactualConfig, most: int | None = None
) -> Iterator[tuple[Any, NDArray[np.int64], list[str | None]]]:
    """For each value that is exchanged: the value, the numbers of the rows, and their texts, None for a null.

    Rows that the table leaves out are left out here too, and those in which a scenario sets the text. `most` makes
    fewer rows than the entry asks for. Raises WorkbenchError where they cannot be made.
    """
    planned = plan.tables[table]
    size = min(entry.rows if most is None else min(most, entry.rows), planned.rows)
    base = RowMaker(planned, np.arange(size, dtype=np.int64))
    kept = base.kept & ~np.isin(base.chosen, list(planned.columns[entry.column].branches))
    places = np.flatnonzero(kept)
    follow = {name for name in planned.columns if entry.swap in planned.find_steps(name)}
    for value in list_values(planned, entry):
        maker = copy.copy(base)
        maker.made = {name: made for name, made in base.made.items() if name not in follow}
        maker.made[entry.swap] = fill(value, planned.columns[entry.swap].maker.kind, size)
        maker.reason = np.where(kept, -1, np.maximum(base.reason, 0))
        plan.session.media.clear()
        texts = maker.make(entry.column).take(places).to_list()
        # What does not depend on the value is made once, and is the same for all of them.
        base.made |= {name: made for name, made in maker.made.items() if name not in follow}
        yield value, base.rows[places], texts


def make_missing(
    plan: Plan, known: list[CounterfactualRecord], folder: Path, version: str
) -> list[CounterfactualRecord]:
    """Write the files that are not in `folder` as the spec asks for them; others that are there go.

    `version` is the dataset's fingerprint. Returns the records of all files. Raises WorkbenchError where rows cannot be
    made, OSError where they cannot be written.
    """
    records = []
    for name, config in plan.spec.tables.items():
        for position, entry in enumerate(config.counterfactuals):
            path = f"{COUNTERFACTUALS}/{name}-{position}.parquet"
            digest = _digest(plan.tables[name], entry, version)
            found = next((each for each in known if (each.path, each.digest) == (path, digest)), None)
            if found is None or not _is_whole(folder / path, found):
                found = _write(plan, name, entry, folder, path, digest, version)
            records.append(found)
    if (folder / COUNTERFACTUALS).is_dir():
        names = {Path(record.path).name for record in records}
        for file in (folder / COUNTERFACTUALS).iterdir():
            if file.name not in names:
                file.unlink()
        if not names:
            (folder / COUNTERFACTUALS).rmdir()
    return records


def _write(
    plan: Plan, name: str, entry: CounterfactualConfig, folder: Path, path: str, digest: str, version: str
) -> CounterfactualRecord:
    import pyarrow
    import pyarrow.parquet

    numbers: list[int] = []
    values: list[str] = []
    texts: list[str | None] = []
    for value, rows, made in make_texts(plan, name, entry):
        numbers += rows.tolist()
        values += [str(value)] * len(rows)
        texts += made
    table = pyarrow.table(
        {
            "row": pyarrow.array(numbers, pyarrow.int64()),
            "value": pyarrow.array(values, pyarrow.string()),
            "text": pyarrow.array(texts, pyarrow.string()),
        },
        metadata={**make_mark(version, learned=plan.tables[name].is_costly), "workbench.digest": digest},
    )
    sink = pyarrow.BufferOutputStream()
    pyarrow.parquet.write_table(table, sink, compression="zstd")
    content: bytes = sink.getvalue().to_pybytes()
    make_folder(folder / COUNTERFACTUALS)
    write_atomic(folder / path, content)
    return CounterfactualRecord(
        path=path,
        table=name,
        column=entry.column,
        swap=entry.swap,
        digest=digest,
        rows=len(numbers),
        bytes=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
    )


def _digest(table: TablePlan, entry: CounterfactualConfig, version: str) -> str:
    """SHA-256 (hex) of what decides the file: the dataset's rows, and what is exchanged in which of them."""
    said = [version, entry.column, entry.swap, entry.rows, [repr(value) for value in list_values(table, entry)]]
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()


def _is_whole(file: Path, record: CounterfactualRecord) -> bool:
    try:
        return file.stat().st_size == record.bytes and hash_file(file) == record.sha256
    except OSError:
        return False


def _check_entry(table: TablePlan, entry: CounterfactualConfig, place: SpecPath) -> Iterator[Problem]:
    column, swap = table.columns[entry.column], table.columns[entry.swap]
    if column.maker.kind != "string" or not isinstance(column.config, GeneratedConfig):
        message = f"“{entry.column}” is no text that a model writes."
        written = [name for name, each in table.columns.items() if isinstance(each.config, GeneratedConfig)]
        yield Problem(message, suggest(entry.column, written), (*place, "column"))
        return
    if entry.swap not in table.find_steps(entry.column):
        message = f"“{entry.column}” does not depend on “{entry.swap}”, so exchanging it changes no text."
        yield Problem(message, f"Name {{{{ {entry.swap} }}}} in its prompt.", (*place, "swap"))
        return
    if swap.maker.kind not in ("bool", "int64", "double", "string"):
        yield Problem(f"“{entry.swap}” has no values that can be exchanged.", "Name a category.", (*place, "swap"))
        return
    options, values = swap.maker.options, list_values(table, entry)
    if len(values) < 2:
        message = f"It is not known which values “{entry.swap}” can have."
        yield Problem(message, "Add “values:”, for instance [female, male].", (*place, "swap"))
    for position, value in enumerate(values if entry.values is not None else ()):
        spot: SpecPath = (*place, "values", position)
        if find_kind(value) != swap.maker.kind and (find_kind(value), swap.maker.kind) != ("int64", "double"):
            yield Problem(f"“{value}” is not of the kind of the values of “{entry.swap}”.", "", spot)
        elif options is not None and value not in options:
            message = f"“{entry.swap}” never has the value “{value}”."
            yield Problem(message, suggest(str(value), map(str, options)), spot)
