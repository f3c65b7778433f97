"""The manifest of a built dataset, from its plan and the records of its blocks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from workbench import __version__
from workbench.calls.session import Session
from workbench.columns.values import name_arrow_type
from workbench.datasets.manifest import (
    NOT_STATED,
    BalanceRecord,
    CellRecord,
    ColumnRecord,
    FileRecord,
    ForeignKeyRecord,
    Manifest,
    ModelRecord,
    ParityRecord,
    ScenarioRecord,
    SourceRecord,
    SynthesizerRecord,
    TableRecord,
    hash_file,
)
from workbench.datasets.packaged import PACKAGED, hash_table
from workbench.datasets.reading import read_table
from workbench.datasets.source_paths import find_source_file
from workbench.datasets.table_links import list_links
from workbench.files import explain_os_error
from workbench.generation.ancestry import trace_generation
from workbench.generation.building import BlockRecord, BuildFolder
from workbench.generation.fingerprint import VERSION_DIGITS
from workbench.generation.parity import Tally, find_gap
from workbench.generation.plan import Plan, TablePlan
from workbench.spec.model import Spec

_LIBRARIES = ("numpy", "scipy", "pandas", "pyarrow", "faker", "jinja2")
_STATED = ("model", "revision", "licence")
"""What the spec may state of a model, and else its provider."""


def record_manifest(
    plan: Plan,
    building: BuildFolder,
    fits: Mapping[str, SynthesizerRecord],
    fingerprint: str,
    text: str,
    folder: Path,
    seconds: float,
) -> Manifest:
    """The manifest; every block of the plan is committed, and `fits` made columns, by table.

    `text` is the spec as written, `folder` that of its paths.
    """
    spec = plan.spec
    tables = {name: _record_table(table, spec, building) for name, table in plan.tables.items()}
    generation, own_output = trace_generation(spec, plan.session, folder)
    return Manifest(
        name=spec.name,
        version=fingerprint[:VERSION_DIGITS],
        fingerprint=fingerprint,
        description=spec.description,
        seed=spec.seed,
        spec=text,
        spec_folder=str(folder.absolute()),
        tables=tables,
        files=[_record_file(block) for block in _in_order(plan, building)],
        provenance=[
            FileRecord(table=block.table, rows=block.rows, **block.provenance)
            for block in _in_order(plan, building)
            if block.provenance is not None
        ],
        generation=generation,
        own_output=own_output,
        rejected=_sum_counts(table.rejected for table in tables.values()),
        sources=record_sources(spec, folder),
        models=record_models(spec, plan.session),
        synthesizers=dict(fits),
        failed=_count_failures(building),
        versions=read_versions(),
        created=datetime.now(UTC).isoformat(timespec="microseconds"),
        seconds=round(seconds, 3),
    )


def record_sources(spec: Spec, folder: Path) -> dict[str, SourceRecord]:
    """Where the real data of the spec comes from. Raises WorkbenchError if it cannot be read."""
    records = {}
    for name, source in spec.sources.items():
        if source.packaged is not None:
            packaged = PACKAGED.get(source.packaged)
            if packaged is not None:
                frame = packaged.load()
                records[name] = SourceRecord(
                    origin=packaged.origin,
                    licence=source.licence or packaged.licence,
                    sha256=hash_table(frame),
                    rows=len(frame),
                    third_party=True,
                )
        elif source.path is not None:
            path = find_source_file(source.path, folder)
            rows = len(read_table(path))
            licence = source.licence or NOT_STATED
            records[name] = SourceRecord(origin=path.name, licence=licence, sha256=_hash_source(path), rows=rows)
    return records


def record_models(spec: Spec, session: Session) -> dict[str, ModelRecord]:
    """The models of the spec, and the one of columns that name none, with what their answers took.

    Revision and licence are what the spec or the provider says of them, or “not stated”.
    """
    records = {}
    opened = {model.name: model for model in session.models.values()}
    for name, model in spec.models.items():
        stated = {"model": model.model, **(model.model_extra or {})}
        told = {key: str(stated[key]) for key in _STATED if stated.get(key) is not None}
        used = opened.get(name)
        if used is None:
            records[name] = ModelRecord(provider=model.provider, **told)
            continue
        details = dict(used.provider.describe())
        found = {key: details.pop(key, None) for key in _STATED}
        found |= {"revision": used.revision or found["revision"]}
        told = {key: str(value) for key, value in found.items() if value} | told
        usage = session.find_usage(used)
        figures = {**vars(usage), "failed": dict(usage.failed)}
        price = NOT_STATED if used.price is None else used.price.evidence
        records[name] = ModelRecord(provider=model.provider, details=details, price=price, **told, **figures)
    for name, used in opened.items():
        if name not in records:  # that of columns which name none
            told = {key: str(value) for key, value in used.provider.describe().items() if key in _STATED}
            records[name] = ModelRecord(provider=used.type.name, **told)
    return records


def restate_licences(models: Mapping[str, ModelRecord], spec: Spec) -> dict[str, ModelRecord]:
    """The models of a dataset with the licences that the spec states of them by now: they decide no row."""
    stated = {name: (model.model_extra or {}).get("licence") for name, model in spec.models.items()}
    return {
        name: record.model_copy(update={"licence": str(stated[name])}) if stated.get(name) else record
        for name, record in models.items()
    }


def read_versions() -> dict[str, str]:
    """Versions of this program and of the libraries whose change may change rows."""
    versions = {"workbench": __version__}
    for name in _LIBRARIES:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            continue
    return versions


def _count_failures(building: BuildFolder) -> dict[str, int]:
    return _sum_counts({f"{each.table}.{each.column}: {each.cause}": 1} for each in building.list_failures())


def _in_order(plan: Plan, building: BuildFolder) -> list[BlockRecord]:
    order = list(plan.tables)
    return sorted(building.committed.values(), key=lambda block: (order.index(block.table), block.number))


def _record_file(block: BlockRecord) -> FileRecord:
    return FileRecord(path=block.path, table=block.table, rows=block.rows, bytes=block.bytes, sha256=block.sha256)


def _record_table(table: TablePlan, spec: Spec, building: BuildFolder) -> TableRecord:
    blocks = [block for block in building.committed.values() if block.table == table.name]
    nulls = _sum_counts(block.nulls for block in blocks)
    achieved = _sum_counts(block.scenarios for block in blocks)
    columns = []
    for name in table.kept:
        column = table.columns[name]
        recipe = column.config.model_dump(mode="json", exclude_defaults=True, exclude={"name"})
        kind = name_arrow_type(column.maker.shape)
        columns.append(ColumnRecord(name=name, type=kind, recipe=recipe, nulls=nulls.get(name, 0)))
    return TableRecord(
        rows=sum(block.rows for block in blocks),
        asked=table.rows,
        primary_key=spec.tables[table.name].primary_key,
        columns=columns,
        rejected=_sum_counts(block.rejected for block in blocks),
        redrawn=_sum_counts(block.redrawn for block in blocks),
        scenarios=[
            ScenarioRecord(name=each.name, share=each.share, asked=each.rows, achieved=achieved.get(each.name, 0))
            for each in table.scenarios
        ],
        foreign_keys=[
            ForeignKeyRecord(column=link.column, table=link.table)
            for link in list_links(spec, table.name)
            if link.column in table.kept
        ],
        balance=[_record_balance(table, position, blocks) for position in range(len(table.balance))],
        parity=[_record_parity(table, position, blocks) for position in range(len(table.parity))],
        recorded=_list_recorded(blocks, building.folder),
    )


def _list_recorded(blocks: list[BlockRecord], folder: Path) -> list[str]:
    """The fields of the files of provenance, which are the same for all blocks of a table."""
    import pyarrow.parquet

    paths = [block.provenance["path"] for block in blocks if block.provenance is not None]
    return list(pyarrow.parquet.read_schema(folder / paths[0]).names) if paths else []


def _record_balance(table: TablePlan, position: int, blocks: list[BlockRecord]) -> BalanceRecord:
    balance = table.balance[position]
    counts = [sum(block.balance[position][cell] for block in blocks) for cell in range(len(balance.cells))]
    cells = [
        CellRecord(values=list(values), asked=asked, achieved=achieved)
        for values, asked, achieved in zip(balance.cells, balance.asked, counts, strict=True)
    ]
    return BalanceRecord(columns=list(balance.columns), cells=cells)


def _record_parity(table: TablePlan, position: int, blocks: list[BlockRecord]) -> ParityRecord:
    parity = table.parity[position]
    tally: Tally = {}
    for block in blocks:
        for group, (true, rows) in block.parity[position].items():
            counts = tally.setdefault(group, [0, 0])
            counts[0] += true
            counts[1] += rows
    gap = round(find_gap(tally), 6)
    return ParityRecord(outcome=parity.outcome, across=parity.across, max_gap=parity.max_gap, achieved_gap=gap)


def _sum_counts(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    total: dict[str, int] = {}
    for each in counts:
        for key, count in each.items():
            total[key] = total.get(key, 0) + count
    return total


def _hash_source(path: Path) -> str:
    try:
        return hash_file(path)
    except OSError as error:
        raise explain_os_error(error, path) from error
