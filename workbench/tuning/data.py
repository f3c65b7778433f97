"""Which rows a run learns from and which it is measured on, taken from a dataset and the real data its spec names.

The measure is on real rows that neither generation nor training has seen, wherever the spec has a source. Without one a
tenth of the synthetic rows is kept aside, chosen by a hash of what they say, so that equal rows are on the same side.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from workbench.datasets.gates import describe_gate
from workbench.datasets.sources import RealData, read_source
from workbench.datasets.store import Dataset
from workbench.datasets.training_rows import TrainingRow, find_columns, label_values, render, render_choices
from workbench.errors import UsageError
from workbench.progress import Progress
from workbench.spec.loading import load_spec
from workbench.spec.model import Spec, TrainingConfig
from workbench.synthesizers.registry import spec_types

if TYPE_CHECKING:
    import pandas as pd

TrainOn = Literal["synthetic", "real"]
REAL_HOLDOUT, SYNTHETIC_TEST = "real holdout", "synthetic test split"
MAX_HELD_OUT = 2000
"""Rows measured on, at most: enough for two percentage points, and the measure stays shorter than the training."""
_TEST_SHARE = 0.1


@dataclass(frozen=True, slots=True)
class TuningData:
    """`choices[i]` are all answers `held_out[i]` could have, one for each of `values`; both empty without a label."""

    train: list[TrainingRow]
    held_out: list[TrainingRow]
    values: list[str]
    choices: list[list[TrainingRow]]
    evaluated_on: str
    sources: list[str]


def read_tuning_data(dataset: Dataset, train_on: TrainOn, progress: Progress) -> TuningData:
    """Read and render the rows to train on and to measure on.

    Raises `UsageError` where the spec does not say how to train, lacks the real data asked for, or has too few rows.
    """
    spec = _read_spec(dataset)
    training = spec.training
    if training is None:
        raise UsageError(
            f"The spec of {dataset.reference} does not say how a row becomes a training example.",
            "Add a “training:” block with a prompt and a completion, then generate again.",
        )
    if training.task == "preference":
        raise UsageError(
            "Tuning on preferences is not possible here.",
            f"Export them for a trainer that does: workbench export {dataset.reference} --to trl",
        )
    wanted = sorted(find_columns(training))
    real = _read_real(spec, dataset, wanted, required=train_on == "real", progress=progress)
    if train_on == "real" and real is not None:
        train_frame, origin = real.train, real.origin
    else:
        train_frame, origin = _read_table(dataset, training), dataset.reference
    train_frame = _drop_unlabelled(train_frame, training, "training", progress)
    if real is not None and len(real.holdout):
        held_out_frame, evaluated_on = real.holdout, REAL_HOLDOUT
    else:
        train_frame, held_out_frame = _split_by_hash(train_frame, training)
        evaluated_on = SYNTHETIC_TEST
    held_out_frame = _drop_unlabelled(held_out_frame, training, "held-out", progress)
    if not len(train_frame) or not len(held_out_frame):
        raise UsageError(f"{origin} has too few rows to train and to measure on.", "Generate more rows.")
    if len(held_out_frame) > MAX_HELD_OUT:
        progress.log(f"Measures on {MAX_HELD_OUT:,} of {len(held_out_frame):,} held-out rows, drawn at random.")
        held_out_frame = held_out_frame.sample(MAX_HELD_OUT, random_state=spec.seed % 2**32)
    values = label_values(training, train_frame) if training.label else []
    return TuningData(
        train=render(training, train_frame),
        held_out=render(training, held_out_frame),
        values=[str(value) for value in values],
        choices=render_choices(training, held_out_frame, values) if values else [],
        evaluated_on=evaluated_on,
        sources=_describe_sources(dataset, real),
    )


def _read_spec(dataset: Dataset) -> Spec:
    loaded = load_spec(dataset.spec_text, spec_types())
    if loaded.spec is None:
        first = loaded.problems[0]
        raise UsageError(
            f"The spec stored in {dataset.reference} cannot be read: {first.message}",
            "It was made by another version of the program or by a plug-in that is missing; generate it again.",
        )
    return loaded.spec


def _read_table(dataset: Dataset, training: TrainingConfig) -> pd.DataFrame:
    if training.table is None and len(dataset.tables) != 1:
        raise UsageError(
            f"{dataset.reference} has several tables: {', '.join(dataset.tables)}.",
            "Name the one to train on as “table” in the training block.",
        )
    return dataset.read(training.table or dataset.tables[0])


def _read_real(
    spec: Spec, dataset: Dataset, wanted: Sequence[str], *, required: bool, progress: Progress
) -> RealData | None:
    """The first source that has the columns that the templates name."""
    reasons = []
    for name, source in spec.sources.items():
        real = read_source(source, dataset.spec_folder, spec.seed)
        missing = [column for column in wanted if column not in real.train.columns]
        if not missing:
            return real
        reasons.append(f"The source “{name}” lacks the column “{missing[0]}” that the training block names.")
    if required:
        raise UsageError(
            reasons[0] if reasons else f"The spec of {dataset.reference} names no real data to train on.",
            "Name it under “sources:”, with all columns that the training block uses, or train on synthetic rows.",
        )
    for reason in reasons:
        progress.log(f"{reason} So the measure is on synthetic rows.", "warning")
    return None


def _drop_unlabelled(frame: pd.DataFrame, training: TrainingConfig, what: str, progress: Progress) -> pd.DataFrame:
    if training.label is None or training.label not in frame.columns:
        return frame
    known = frame[training.label].notna()
    if not known.all():
        progress.log(f"{(~known).sum():,} {what} rows without a {training.label} are left out.", "warning")
    return frame[known]


def _split_by_hash(frame: pd.DataFrame, training: TrainingConfig) -> tuple[pd.DataFrame, pd.DataFrame]:
    """(train, test). Rows that say the same have the same hash, and the hash decides."""
    draws = [_draw(row) for row in render(training, frame)]
    limit = 1 - _TEST_SHARE
    if draws and max(draws) < limit and len(set(draws)) > 1:
        limit = max(draws)
    test = [draw >= limit for draw in draws]
    return frame[[not side for side in test]], frame[test]


def _draw(row: TrainingRow) -> float:
    said = repr((row.messages, row.prompt, row.completion, row.text)).encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.sha256(said).digest()[:8], "big") / 2**64


def _describe_sources(dataset: Dataset, real: RealData | None) -> list[str]:
    """Where the rows come from, a sentence each, for the model card."""
    manifest: Any = dataset.manifest
    lines = [f"synthetic dataset {dataset.reference}, fingerprint {manifest.fingerprint}"]
    lines += describe_gate(dataset.folder)
    if real is not None:
        lines.append(f"real data: {real.origin}, {real.rows:,} rows, licence {real.licence}, SHA-256 {real.digest}")
    return lines
