"""Copies of a dataset for other programs: its tables as they are, or training examples in a layout, in any format.

Splits are kept: where a dataset has them, each is a file of its own. Everything is streamed, so that memory does not
grow with the rows.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.datasets.embedding import EMBEDDING_FORMATS, embed_batch, embed_schema, find_media
from workbench.datasets.formats import open_writer
from workbench.datasets.layouts import find_layout_problem, write_rows
from workbench.datasets.manifest import SPLITS, Manifest
from workbench.datasets.marks import carry_mark
from workbench.datasets.splitting import iterate_batches
from workbench.datasets.training_rows import find_columns, render
from workbench.errors import UsageError
from workbench.files import clean_text
from workbench.spec.model import Spec, TrainingConfig
from workbench.spec.problems import suggest

if TYPE_CHECKING:
    import pyarrow as pa

_RENDER_ROWS = 4096
"""Rows rendered at once: Python objects of some hundred characters each."""


@dataclass(slots=True)
class Written:
    """`rows` maps each file, relative to the folder written to, to its rows; `left_out` counts rows without label."""

    rows: dict[str, int] = field(default_factory=dict)
    left_out: int = 0


def list_parts(folder: Path, manifest: Manifest, table: str) -> dict[str, list[Path]]:
    """The Parquet files of a table by split; all of them under “train” where the dataset has no splits."""
    splits = manifest.splits.get(table)
    if splits is None:
        return {"train": [folder / record.path for record in manifest.files if record.table == table]}
    return {split: sorted((folder / SPLITS / split).glob(f"{table}-*.parquet")) for split in splits}


def find_training_table(spec: Spec, training: TrainingConfig) -> str:
    """The table that the training block is about. Raises UsageError where that is not clear."""
    if training.table is not None and training.table in spec.tables:
        return training.table
    if training.table is not None:
        raise UsageError(
            f"The training block names the table “{clean_text(training.table)}”, which does not exist.",
            suggest(training.table, spec.tables),
        )
    if len(spec.tables) > 1:
        raise UsageError(
            f"The spec has several tables: {', '.join(spec.tables)}.",
            "Name the one to train on as “table” in the training block.",
        )
    return next(iter(spec.tables))


def need_training(spec: Spec, what: str) -> TrainingConfig:
    """The training block of a spec, or UsageError saying that `what` needs it."""
    if spec.training is None:
        raise UsageError(
            f"{what} needs training examples, and the spec does not say how a row becomes one.",
            "Add a “training:” block to the spec and generate again; the rows are kept.",
        )
    return spec.training


def name_table_file(manifest: Manifest, table: str, split: str, form: str) -> str:
    """`<table>-<split>.<form>` where the table has splits, else `<table>.<form>`."""
    return f"{table}-{split}.{form}" if table in manifest.splits else f"{table}.{form}"


def write_tables(
    folder: Path, manifest: Manifest, form: str, target: Path, only: Collection[str] | None = None
) -> Written:
    """Each table, or those in `only`, into files named by `name_table_file`; pictures and sound go into the file itself
    where the format can hold them.

    Raises OSError where a file cannot be written, WorkbenchError where media are missing.
    """
    written = Written()
    for table in manifest.tables if only is None else only:
        media = find_media(manifest.tables[table]) if form in EMBEDDING_FORMATS else {}
        for split, files in list_parts(folder, manifest, table).items():
            name = name_table_file(manifest, table, split, form)
            written.rows[name] = _copy(files, target / name, form, media, folder)
    return written


def write_layout(
    folder: Path, manifest: Manifest, spec: Spec, layout: str, form: str, target: Path, prefix: str = "training-"
) -> Written:
    """Training examples as `<prefix><split>.<form>`.

    Rows without a value of the label are left out, as in tuning. Raises UsageError where the spec cannot give the
    layout or a template fails on a row, OSError where a file cannot be written.
    """
    training = need_training(spec, f"The layout {layout}")
    problem = find_layout_problem(training, layout)
    if problem is not None:
        raise UsageError(problem, "Choose another layout, or another task in the training block.")
    table = find_training_table(spec, training)
    written = Written()
    for split, files in list_parts(folder, manifest, table).items():
        name = f"{prefix}{split}.{form}"
        written.rows[name] = 0
        schema = carry_mark(write_rows(training, layout, []).schema, _read_schema(files))
        with open_writer(target / name, form, schema) as writer:
            for frame in _read_frames(files, manifest, table, training):
                kept = frame if training.label not in frame.columns else frame[frame[training.label].notna()]
                written.left_out += len(frame) - len(kept)
                examples = write_rows(training, layout, render(training, kept))
                for batch in examples.to_batches():
                    writer.write_batch(batch)
                written.rows[name] += examples.num_rows
    return written


def _copy(files: list[Path], target: Path, form: str, media: dict[str, str], folder: Path) -> int:
    rows = 0
    schema = _read_schema(files)
    if media:
        schema = embed_schema(schema, media)
    with open_writer(target, form, schema) as writer:
        for batch in iterate_batches(files, None):
            rows += batch.num_rows
            for part in embed_batch(batch, schema, media, folder) if media else [batch]:
                writer.write_batch(part)
    return rows


def _read_schema(files: list[Path]) -> pa.Schema:
    import pyarrow.parquet as pq

    return pq.read_schema(files[0])


def _read_frames(files: list[Path], manifest: Manifest, table: str, training: TrainingConfig) -> Iterator[Any]:
    """Frames of the columns that the templates name, all columns where one is missing, so that the error names it."""
    import pyarrow as pa

    from workbench.datasets.store import to_frame

    known = [column.name for column in manifest.tables[table].columns]
    wanted = find_columns(training)
    columns = [name for name in known if name in wanted] if wanted and wanted <= set(known) else known

    for batch in iterate_batches(files, columns):
        for start in range(0, batch.num_rows, _RENDER_ROWS):
            yield to_frame(pa.Table.from_batches([batch.slice(start, _RENDER_ROWS)]))
