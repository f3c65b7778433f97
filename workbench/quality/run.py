"""The run kind `quality`: every check on every table of a dataset, written to its `quality.json`.

There is one verdict per check and one overall, which is the worst of them. There is no blended score: a good mean
hides the one figure that matters.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.columns.synthesized import SynthesizedColumnConfig
from workbench.datasets.gates import REPORT, digest_dataset
from workbench.datasets.sources import RealData, read_source
from workbench.errors import StopRequested, UsageError
from workbench.files import write_json
from workbench.progress import Level, Progress, RunContext
from workbench.quality.catalogue import CHECKS
from workbench.quality.check import Check, Evidence, Finding, find_worst
from workbench.spec.loading import load_spec
from workbench.spec.model import SourceConfig, Spec
from workbench.synthesizers.registry import spec_types

if TYPE_CHECKING:
    import pandas as pd

    from workbench.datasets.store import Dataset


def run(arguments: dict[str, Any], context: RunContext) -> dict[str, Any]:
    """Check the dataset `arguments["dataset"]` (a folder or name), against the file `arguments["real"]` if given.

    Returns what `quality.json` holds, but with the dataset's folder as "dataset" and name@version as "name". A dataset
    that fails its checks is a finished run: it is `tune` that refuses it.
    """
    from workbench.datasets.store import open_dataset

    dataset = open_dataset(str(arguments["dataset"]), context.workspace)
    real = arguments.get("real")
    report = check_dataset(dataset, Path(real) if real else None, context)
    return report | {"dataset": str(dataset.folder), "name": dataset.reference}


def check_dataset(dataset: Dataset, real_file: Path | None, progress: Progress) -> dict[str, Any]:
    """Run all checks on `dataset` and write its `quality.json`; returns what was written.

    `real_file` stands in for the spec's sources. Raises `UsageError` if real data cannot be read, and `StopRequested`
    between two checks when asked to stop; nothing is written then.
    """
    begin = time.monotonic()
    digest = digest_dataset(dataset.folder)
    spec = _load_spec(dataset)
    progress.stage("read")
    real = _read_real(spec, dataset, real_file)
    findings: list[Finding] = []
    asked = [(table, check) for table in spec.tables for _, check in sorted(CHECKS.items())]
    progress.stage("check")
    evidence: Evidence | None = None
    for done, (table, check) in enumerate(asked):
        if progress.should_stop():
            raise StopRequested
        if evidence is None or evidence.table != table:
            evidence = _collect_evidence(spec, dataset, table, real.get(table))
        for finding in ask(check, evidence):
            findings.append(finding)
            level: Level = "warning" if finding.verdict in ("warn", "fail") else "info"
            progress.log(f"{finding.verdict}: {finding.name} of {table}: {finding.detail}", level)
        progress.step(done + 1, len(asked))
    report = {
        "format": 1,
        "dataset": dataset.reference,
        "verdict": find_worst(finding.verdict for finding in findings),
        "checks": [finding.as_json() for finding in findings],
        "real": {table: _describe_real(each) for table, each in real.items()},
        "seed": spec.seed,
        "digest": digest,
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
        "seconds": round(time.monotonic() - begin, 3),
    }
    write_json(dataset.folder / REPORT, report)
    return report


def ask(check: Check, evidence: Evidence) -> list[Finding]:
    """The findings of one check on one table, with the table's name in them."""
    if check.needs_real and evidence.real is None:
        found = [
            Finding(
                check.name,
                check.question,
                "not assessed",
                len(evidence.frame),
                gated=_is_gated(check, evidence),
                detail="there is no real data to compare with",
            )
        ]
    else:
        found = check.find(evidence)
    return [replace(finding, table=evidence.table) for finding in found]


def _is_gated(check: Check, evidence: Evidence) -> bool:
    return check.gate is not None and getattr(evidence.gates, check.gate) is not None


def _load_spec(dataset: Dataset) -> Spec:
    loaded = load_spec(dataset.spec_text, spec_types())
    if loaded.spec is None:
        reason = loaded.problems[0].message if loaded.problems else "it has problems"
        raise UsageError(
            f"The spec inside {dataset.folder} cannot be read: {reason}",
            "Generate the dataset again with this version of the program, or install the column type it names.",
        )
    return _complete_spec(loaded.spec, dataset)


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


def _collect_evidence(spec: Spec, dataset: Dataset, table: str, real: RealData | None) -> Evidence:
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
    )


def _read_parent_keys(spec: Spec, dataset: Dataset, table: str) -> dict[str, pd.Series[Any]]:
    """The primary keys that each foreign key of a table may have."""
    keys = {}
    for name, (entry, _) in spec.tables[table].find_keys().items():
        key = spec.tables[entry.table].primary_key
        if key is not None:
            keys[name] = dataset.read(entry.table, [key])[key]
    return keys


def _read_real(spec: Spec, dataset: Dataset, real_file: Path | None) -> dict[str, RealData]:
    """Real data by table. A source belongs to the table that learned from it, to that of its name, or to the one that
    shares most columns with it.

    The split is the one that training on real rows gets too: it depends on the source and the spec's seed alone.
    """
    sources: Mapping[str, SourceConfig] = spec.sources
    if real_file is not None:
        first = next(iter(spec.sources.values()), None)
        holdout = first.holdout if first else SourceConfig(path="x").holdout
        sources = {"real": SourceConfig(path=str(real_file.expanduser().absolute()), holdout=holdout)}
    found: dict[str, RealData] = {}
    learned = {table.synthesizer.source: name for name, table in spec.tables.items() if table.synthesizer is not None}
    for name, source in sources.items():
        data = read_source(source, dataset.spec_folder, spec.seed)
        table = learned.get(name) or (name if name in spec.tables else _match_table(spec, data))
        if table is not None:
            found.setdefault(table, data)
    if real_file is not None and not found:
        raise UsageError(
            f"{real_file.name} shares no column with the dataset {dataset.reference}.",
            "Name the columns alike in the file and in the spec.",
        )
    return found


def _match_table(spec: Spec, data: RealData) -> str | None:
    shared = {
        name: len({column.name for column in table.columns if not column.drop} & set(data.train.columns))
        for name, table in spec.tables.items()
    }
    best = max(shared, key=lambda name: shared[name])
    return best if shared[best] else None


def _describe_real(real: RealData) -> dict[str, Any]:
    return {
        "origin": real.origin,
        "licence": real.licence,
        "digest": real.digest,
        "train_rows": len(real.train),
        "holdout_rows": len(real.holdout),
    }
