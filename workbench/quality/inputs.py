"""What a report is made from: the spec of a dataset, its tables with what belongs to them, and the real rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.columns.synthesized import SynthesizedColumnConfig
from workbench.datasets.manifest import hash_file
from workbench.datasets.reading import read_table
from workbench.datasets.source_paths import find_source_file
from workbench.datasets.sources import RealData, read_source
from workbench.errors import UsageError
from workbench.quality.evidence import Embed, Evidence
from workbench.spec.loading import load_spec
from workbench.spec.model import SourceConfig, Spec
from workbench.synthesizers.registry import spec_types

if TYPE_CHECKING:
    import pandas as pd

    from workbench.datasets.store import Dataset


def read_spec(dataset: Dataset) -> Spec:
    """The spec of a dataset, with the columns listed that synthesizers made. UsageError where it cannot be read."""
    loaded = load_spec(dataset.spec_text, spec_types())
    if loaded.spec is None:
        reason = loaded.problems[0].message if loaded.problems else "it has problems"
        raise UsageError(
            f"The spec inside {dataset.folder} cannot be read: {reason}",
            "Generate the dataset again with this version of the program, or install the column type it names.",
        )
    return _complete_spec(loaded.spec, dataset)


def collect_evidence(
    spec: Spec, dataset: Dataset, table: str, real: RealData | None, embed: Embed | None = None
) -> Evidence:
    """What there is to look at of one table, which is read."""
    training = spec.training
    trained = training is not None and (training.table == table or len(spec.tables) == 1)
    frame = dataset.read(table).reset_index(drop=True)
    return Evidence(
        table,
        spec.tables[table],
        frame,
        real,
        spec.quality,
        training if trained else None,
        spec.seed,
        spec.models,
        _read_parent_keys(spec, dataset, table),
        dataset.folder,
        dataset.manifest,
        spec,
        embed,
    )


def read_real(
    spec: Spec, folder: Path, reference: str, real_file: Path | None = None, holdout_file: Path | None = None
) -> dict[str, RealData]:
    """Real data by table. A source belongs to the table that learned from it, to that of its name, or to the one that
    shares most columns with it. Relative paths of the spec start at `folder`.

    `real_file` stands in for the spec's sources. It is split as they are, by its content and the spec's seed alone, so
    that training on real rows gets the same ones; with `holdout_file` it is not split, and that file is the holdout.
    Raises UsageError where a file cannot be read or shares no column with the dataset, which `reference` names.
    """
    sources: Mapping[str, SourceConfig] = spec.sources
    if real_file is not None:
        first = next(iter(spec.sources.values()), None)
        share = first.holdout if first else SourceConfig(path="x").holdout
        path = str(real_file.expanduser().absolute())
        sources = {"real": SourceConfig(path=path, holdout=0 if holdout_file else share)}
    found: dict[str, RealData] = {}
    learned = {table.synthesizer.source: name for name, table in spec.tables.items() if table.synthesizer is not None}
    for name, source in sources.items():
        data = read_source(source, folder, spec.seed)
        if holdout_file is not None:
            data = _add_holdout(data, holdout_file)
        table = learned.get(name) or (name if name in spec.tables else _match_table(spec, data))
        if table is not None:
            found.setdefault(table, data)
    if real_file is not None and not found:
        raise UsageError(
            f"{real_file.name} shares no column with the dataset {reference}.",
            "Name the columns alike in the file and in the spec.",
        )
    return found


def list_real_files(spec: Spec, folder: Path, real_file: Path | None, holdout_file: Path | None) -> list[Path]:
    """The files that `read_real` reads; datasets of packages are none."""
    given = [file.expanduser().absolute() for file in (real_file, holdout_file) if file is not None]
    if real_file is not None:
        return given
    return [*(find_source_file(source.path, folder) for source in spec.sources.values() if source.path), *given]


def describe_real(real: RealData) -> dict[str, Any]:
    """What a report says of real data."""
    return {
        "origin": real.origin,
        "licence": real.licence,
        "digest": real.digest,
        "train_rows": len(real.train),
        "holdout_rows": len(real.holdout),
    }


def _add_holdout(real: RealData, file: Path) -> RealData:
    holdout = read_table(file)
    missing = [str(name) for name in real.train.columns if name not in holdout.columns]
    if missing:
        raise UsageError(
            f"The holdout {file.name} lacks the column “{missing[0]}” of {real.origin}.",
            "Give a file with the same columns.",
        )
    return replace(
        real,
        holdout=holdout[list(real.train.columns)].reset_index(drop=True),
        digest=f"{real.digest}+{hash_file(file)}",
        rows=len(real.train) + len(holdout),
        origin=f"{real.origin}, holdout {file.name}",
    )


def _complete_spec(spec: Spec, dataset: Dataset) -> Spec:
    """The spec with the columns listed that synthesizers made, which it need not name."""
    tables = {}
    for name, table in spec.tables.items():
        listed = {column.name for column in table.columns}
        made = [
            SynthesizedColumnConfig(name=column.name, type="synthesized")
            for column in (dataset.manifest.tables[name].columns if name in dataset.manifest.tables else ())
            if column.recipe.get("type") == "synthesized" and column.name not in listed
        ]
        tables[name] = table.model_copy(update={"columns": [*table.columns, *made]}) if made else table
    return spec.model_copy(update={"tables": tables})


def _read_parent_keys(spec: Spec, dataset: Dataset, table: str) -> dict[str, pd.Series[Any]]:
    """The primary keys that each foreign key of a table may have."""
    keys = {}
    for name, (entry, _) in spec.tables[table].find_keys().items():
        key = spec.tables[entry.table].primary_key
        if key is not None:
            keys[name] = dataset.read(entry.table, [key])[key]
    return keys


def _match_table(spec: Spec, data: RealData) -> str | None:
    shared = {
        name: len({column.name for column in table.columns if not column.drop} & set(data.train.columns))
        for name, table in spec.tables.items()
    }
    best = max(shared, key=lambda name: shared[name])
    return best if shared[best] else None
