"""One row of a dataset with its record, as lines to read: what it holds, and what each value was made from."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from workbench.errors import UsageError
from workbench.files import clean_text

if TYPE_CHECKING:
    from workbench.datasets.provenance import RowRecord
    from workbench.datasets.store import Dataset

WIDTH = 80
_LEAST = 24
"""Characters that a value has at least beside its name, however long the latter is."""


def read_record(dataset: Dataset, table: str | None, row: int) -> RowRecord:
    """The record of a row. Raises UsageError where there is no such row, or it is not said of which table."""
    from workbench.datasets.provenance import read_row_record
    from workbench.spec.loading import load_spec
    from workbench.synthesizers.registry import spec_types

    if table is None and len(dataset.tables) > 1:
        raise UsageError(
            f"{dataset.reference} has several tables: {', '.join(dataset.tables)}.", "Name one of them with --table."
        )
    return read_row_record(dataset, table or dataset.tables[0], row, load_spec(dataset.spec_text, spec_types()).spec)


def describe_record(record: RowRecord) -> Iterator[str]:
    """The lines, none longer than WIDTH."""
    number = "" if record.number in (None, record.row) else f" (number {record.number:,} in the plan)"
    split = "" if record.split is None else f", split {record.split}"
    yield from _wrap(f"{record.dataset}   table {record.table}, row {record.row:,}{number}{split}", "  ")
    yield ""
    indent = min(max(map(len, record.values), default=0), WIDTH - _LEAST - 4) + 2
    for name, value in record.values.items():
        shown = clean_text(str(value), keep_newlines=True)
        parts = [textwrap.wrap(line, WIDTH - indent - 2) or [""] for line in shown.splitlines() or [""]]
        head = clean_text(name)
        if len(head) > indent - 2:
            yield f"  {head}"[:WIDTH]
            head = ""
        for position, line in enumerate(line for part in parts for line in part):
            yield f"  {head if not position else '':{indent}}{line}".rstrip()
    yield ""
    yield "Made from"
    for line in _describe_origin(record):
        yield from _wrap(f"  {line}", "    ")


def _describe_origin(record: RowRecord) -> Iterator[str]:
    if record.scenario is not None:
        asked = ", ".join(f"{name} = {_show(value)}" for name, value in record.set.items())
        yield f"scenario {record.scenario}: {asked}"
    if record.balance:
        yield f"quota: {', '.join(f'{name} = {_show(value)}' for name, value in record.balance.items())}"
    for real in record.real_rows:
        rows = ", ".join(f"{row:,}" for row in real.rows)
        yield f"{real.column}: {'was shown rows' if real.shown else 'row'} {rows} of {real.source}"
    for written in record.written:
        tries = f", try {written.attempt + 1}" if written.attempt else ""
        yield f"{written.column}: written by {written.model}{tries}"
        yield f"  prompt {written.prompt}"
    if record.fitted is not None:
        fit = record.fitted
        privacy = "no differential privacy" if fit.epsilon is None else f"epsilon {fit.epsilon:.3g}"
        yield f"{', '.join(fit.columns)}: {fit.type} fitted to {fit.source}, {privacy}, model {fit.sha256[:16]}…"
    told = {each.column for each in record.real_rows} | {each.column for each in record.written} | {*record.set}
    told |= set(record.fitted.columns) if record.fitted is not None else set()
    others: dict[str, list[str]] = {}
    for name, recipe in record.recipes.items():
        if name not in told:
            others.setdefault(str(recipe.get("type", "")), []).append(name)
    for kind, names in others.items():
        yield f"{', '.join(names)}: {kind}"
    yield from _describe_makers(record)
    if record.generation:
        yield f"generation {record.generation}: models were tuned on synthetic rows"
    yield f"seed {record.seed}, fingerprint {record.fingerprint[:16]}…, spec SHA-256 {record.spec_sha256[:16]}…"


def _describe_makers(record: RowRecord) -> Iterator[str]:
    """What is known of the sources and models that were named, once for each."""
    for source in {each.source: each for each in record.real_rows}.values():
        yield f"source {source.source}: {source.origin}, licence {source.licence}"
    for model in {each.model: each for each in record.written}.values():
        yield (
            f"model {model.model}: {model.name}, provider {model.provider}, revision {model.revision}, "
            f"licence {model.licence}"
        )


def _show(value: Any) -> str:
    if isinstance(value, Mapping):
        return " ".join(str(each) if key == "type" else f"{key} {each}" for key, each in value.items())
    return str(value)


def _wrap(text: str, indent: str) -> list[str]:
    return textwrap.wrap(clean_text(text), WIDTH, subsequent_indent=indent, break_on_hyphens=False)
