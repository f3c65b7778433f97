"""Where one row comes from: what was asked of it, which real rows and which answers of models it was made from.

The parts that differ from row to row stand in `provenance/*.parquet`, row i of a file about row i of the data file of
the same name; what all rows share (models with revision and licence, sources, fitted models, recipes) in the manifest.
Here they are put together. A table without such files was made by samplers alone: then seed, spec, table and number say
everything of a row.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from workbench.datasets.manifest import NOT_STATED, PROVENANCE, FileRecord, Manifest, ModelRecord, find_damage
from workbench.datasets.splitting import split_tables
from workbench.datasets.store import Dataset
from workbench.errors import UsageError, WorkbenchError
from workbench.files import clean_text
from workbench.spec.model import Spec


@dataclass(frozen=True, slots=True)
class RealRows:
    """Rows of a source, numbered from 0 in the whole of it, that the value of `column` was taken from, or that a model
    was shown as examples when it wrote the column."""

    column: str
    source: str
    rows: list[int]
    shown: bool
    origin: str
    licence: str
    sha256: str | None


@dataclass(frozen=True, slots=True)
class WrittenValue:
    """A value that a model wrote. `prompt` is the SHA-256 (hex) of the request with its parameters, seed and model;
    `attempt` counts tries from 0."""

    column: str
    model: str
    prompt: str
    attempt: int
    provider: str
    name: str
    revision: str
    licence: str


@dataclass(frozen=True, slots=True)
class FittedColumns:
    """Columns that a model made which was fitted to a source; `epsilon` is None where no privacy was promised."""

    type: str
    source: str
    key: str
    sha256: str
    epsilon: float | None
    columns: list[str]


@dataclass(frozen=True, slots=True)
class RowRecord:
    """`row` is the position in the table, from 0; `number` that in the plan, which counts rows left out too, None where
    it is not known. `set` holds what the scenario puts into columns, `balance` the quotas that the row counts for:
    values, or samplers. `recipes` are the parts of the spec by column, `split` the side that the row is on."""

    dataset: str
    fingerprint: str
    table: str
    row: int
    number: int | None
    seed: int
    spec_sha256: str
    generation: int
    values: dict[str, Any]
    recipes: dict[str, dict[str, Any]]
    split: str | None = None
    scenario: str | None = None
    set: dict[str, Any] = field(default_factory=dict)
    balance: dict[str, Any] = field(default_factory=dict)
    real_rows: list[RealRows] = field(default_factory=list)
    written: list[WrittenValue] = field(default_factory=list)
    fitted: FittedColumns | None = None

    def as_json(self) -> dict[str, Any]:
        """Its fields. What JSON has no number for, such as infinity, is told as text."""
        told = asdict(self)
        told["values"] = {
            name: str(value) if isinstance(value, float) and not math.isfinite(value) else value
            for name, value in self.values.items()
        }
        return told


def read_row_record(dataset: Dataset, table: str, row: int, spec: Spec | None = None) -> RowRecord:
    """The values and the record of the row at position `row`, from 0, of a table. With the dataset's `spec` its split
    is found too.

    Raises UsageError for a table or row that does not exist, WorkbenchError where a file is damaged.
    """
    manifest = dataset.manifest
    dataset.schema(table)  # which knows the tables
    total = manifest.tables[table].rows
    if not 0 <= row < total:
        hint = f"Its rows are numbered from 0 to {total - 1:,}." if total else "It has no rows."
        raise UsageError(f"The table “{table}” of {dataset.reference} has no row {row:,}.", hint)
    file, place = _find_file(manifest, table, row)
    told = _read_told(dataset, file, place)
    requested = _read_requested(told.get("requested"))
    return RowRecord(
        dataset=dataset.reference,
        fingerprint=manifest.fingerprint,
        table=table,
        row=row,
        number=told.get("number", None if manifest.tables[table].rejected else row),
        seed=manifest.seed,
        spec_sha256=manifest.spec_sha256,
        generation=manifest.generation,
        values=_read_row(dataset, file.path, place),
        recipes={column.name: column.recipe for column in manifest.tables[table].columns},
        split=_find_split(dataset, table, row, spec),
        scenario=requested.get("scenario"),
        set=requested.get("set", {}),
        balance=requested.get("balance", {}),
        real_rows=_list_real_rows(manifest, table, told),
        written=_list_written(manifest, told),
        fitted=_find_fitted(manifest, table),
    )


def find_model(manifest: Manifest, name: str) -> ModelRecord:
    """What the manifest says of a model by its name in the spec, or of one that it does not know."""
    return manifest.models.get(name, ModelRecord(provider=name))


def _find_file(manifest: Manifest, table: str, row: int) -> tuple[FileRecord, int]:
    """The data file that holds a row, and the row's place in it."""
    for file in manifest.files:
        if file.table == table:
            if row < file.rows:
                return file, row
            row -= file.rows
    raise WorkbenchError(f"{manifest.reference} is damaged: its files hold too few rows.", "Generate it again.")


def _read_told(dataset: Dataset, file: FileRecord, place: int) -> dict[str, Any]:
    path = f"{PROVENANCE}/{Path(file.path).name}"
    known = any(record.path == path for record in dataset.manifest.provenance)
    return _read_row(dataset, path, place) if known else {}


def _read_row(dataset: Dataset, path: str, place: int) -> dict[str, Any]:
    """One row of a Parquet file, as plain values."""
    import pyarrow
    import pyarrow.parquet

    try:
        rows = pyarrow.parquet.read_table(dataset.folder / path, partitioning=None).slice(place, 1).to_pylist()
        row: dict[str, Any] = rows[0]
    except (OSError, IndexError, pyarrow.ArrowException) as error:
        reason = find_damage(dataset.folder, dataset.manifest, thorough=True) or clean_text(str(error))
        raise WorkbenchError(f"{dataset.reference} is damaged: {reason}.", "Generate it again.") from error
    return row


def _read_requested(text: str | None) -> Mapping[str, Any]:
    requested: Mapping[str, Any] = {} if text is None else json.loads(text)
    return requested


def _find_split(dataset: Dataset, table: str, row: int, spec: Spec | None) -> str | None:
    if spec is None or spec.splits is None or table not in dataset.manifest.splits:
        return None
    sides = split_tables(dataset.folder, dataset.manifest, spec)[table]
    return list(spec.splits.shares)[int(sides[row])]


def _list_real_rows(manifest: Manifest, table: str, told: Mapping[str, Any]) -> list[RealRows]:
    found = []
    for key, value in told.items():
        kind, _, name = key.partition(":")
        if kind not in ("source_row", "example_rows") or value is None:
            continue
        column, _, source = name.partition("@")
        shown = kind == "example_rows"
        known = manifest.sources.get(source)
        origin, licence = (NOT_STATED, NOT_STATED) if known is None else (known.origin, known.licence)
        sha256 = None if known is None else known.sha256
        rows = list(value) if shown else [value]
        found.append(RealRows(column, source, rows, shown, origin, licence, sha256))
    return found


def _list_written(manifest: Manifest, told: Mapping[str, Any]) -> list[WrittenValue]:
    found = []
    for key, prompt in told.items():
        kind, _, column = key.partition(":")
        if kind != "prompt" or prompt is None:
            continue
        names = str(told[f"model:{column}"])
        models = [find_model(manifest, name) for name in names.split(", ")]
        facts = (", ".join(dict.fromkeys(getattr(each, key) for each in models)) for key in _MODEL_FACTS)
        found.append(WrittenValue(column, names, prompt, told[f"attempt:{column}"], *facts))
    return found


_MODEL_FACTS = ("provider", "model", "revision", "licence")


def _find_fitted(manifest: Manifest, table: str) -> FittedColumns | None:
    fit = manifest.synthesizers.get(table)
    if fit is None:
        return None
    columns = [column.name for column in manifest.tables[table].columns if column.recipe.get("type") == "synthesized"]
    return FittedColumns(fit.type, fit.source, fit.key, fit.sha256, fit.epsilon, columns)
