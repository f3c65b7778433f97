"""Datasets written by hand, so that what is made from rows is tested without making rows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from workbench.datasets.manifest import ColumnRecord, FileRecord, ForeignKeyRecord, Manifest, TableRecord, hash_file
from workbench.datasets.table_links import list_links
from workbench.spec.loading import load_spec
from workbench.spec.model import Spec
from workbench.synthesizers.registry import spec_types

Build = Callable[..., tuple[Path, Manifest, Spec]]

TICKETS = """\
name: tickets
seed: 5
rows: 1000
primary_key: id
columns:
  - {name: id, type: id}
  - {name: kind, type: category, values: [a, b, c]}
  - {name: size, type: normal, mean: 0, stddev: 1}
  - {name: said, type: template, template: "x"}
  - {name: urgent, type: bernoulli, p: 0.1}
"""
CARDS = """\
name: fraud
seed: 5
tables:
  cards:
    rows: 300
    primary_key: card
    columns:
      - {name: card, type: id, pattern: "C{n:04d}"}
      - {name: country, type: category, values: [DE, FR]}
  payments:
    rows: 2000
    primary_key: payment
    foreign_keys: [{column: card, table: cards, per_parent: 3}]
    columns:
      - {name: payment, type: id}
      - {name: fraud, type: bernoulli, p: 0.02}
"""


def read_spec(text: str) -> Spec:
    loaded = load_spec(text, spec_types())
    assert loaded.spec is not None, loaded.problems
    return loaded.spec


def make_tickets(rows: int = 1000, repeats: int = 1) -> pa.Table:
    """Rows with each content `repeats` times, a tenth of them urgent."""
    draw = np.random.default_rng(1)
    content = np.arange(rows) // repeats
    sizes = draw.normal(size=rows)[content]
    return pa.table(
        {
            "id": np.arange(1, rows + 1),
            "kind": np.array(["a", "b", "c"], object)[content % 3],
            "size": pa.array([None if number == 7 else sizes[at] for at, number in enumerate(content)], pa.float64()),
            "said": [f"ticket “{number}”,\nline two" for number in content],
            "urgent": content % 10 == 0,
        }
    )


def make_cards(cards: int = 300, payments: int = 2000) -> dict[str, pa.Table]:
    draw = np.random.default_rng(2)
    keys = np.array([f"C{n:04d}" for n in range(cards)], object)
    owners = np.sort(draw.integers(0, cards, payments))
    return {
        "cards": pa.table({"card": keys, "country": np.array(["DE", "FR"], object)[draw.integers(0, 2, cards)]}),
        "payments": pa.table(
            {"payment": np.arange(payments), "fraud": draw.random(payments) < 0.02, "card": keys[owners]}
        ),
    }


@pytest.fixture
def build(tmp_path: Path) -> Build:
    """build(spec text, table or tables) writes a dataset folder with two blocks per table."""

    def build_dataset(text: str, tables: pa.Table | dict[str, pa.Table], **fields: Any) -> tuple[Path, Manifest, Spec]:
        spec = read_spec(text)
        folder = tmp_path / "dataset"
        (folder / "data").mkdir(parents=True, exist_ok=True)
        named = tables if isinstance(tables, dict) else {next(iter(spec.tables)): tables}
        records, files = {}, []
        for name, table in named.items():
            for number, part in enumerate([table.slice(0, len(table) // 2), table.slice(len(table) // 2)]):
                path = folder / "data" / f"{name}-{number:05d}.parquet"
                pq.write_table(part, path)
                files.append(
                    FileRecord(
                        path=f"data/{path.name}", table=name, rows=len(part), bytes=path.stat().st_size,
                        sha256=hash_file(path),
                    )
                )  # fmt: skip
            types = {column.name: column.type for column in spec.tables[name].columns}
            columns = [
                ColumnRecord(
                    name=field.name, type=str(field.type), recipe={"type": types.get(field.name, "foreign_key")}
                )
                for field in table.schema
            ]
            links = [ForeignKeyRecord(column=link.column, table=link.table) for link in list_links(spec, name)]
            records[name] = TableRecord(
                rows=len(table), asked=len(table), primary_key=spec.tables[name].primary_key, columns=columns,
                foreign_keys=links,
            )  # fmt: skip
        manifest = Manifest(
            name=spec.name, version="abcd1234", fingerprint="abcd1234" * 8, seed=spec.seed, spec=text,
            spec_folder="/specs", tables=records, files=files, rejected={}, versions={"workbench": "0.1.0"},
            created="2026-01-01T00:00:00+00:00", seconds=0.0, **fields,
        )  # fmt: skip
        (folder / "manifest.json").write_text(manifest.as_text())
        return folder, manifest, spec

    return build_dataset
