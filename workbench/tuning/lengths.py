"""How long the training batches of a dataset are: the longest decides whether they fit, the mean how long they take."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from workbench.datasets.store import open_dataset
from workbench.datasets.training_rows import TrainingRow
from workbench.errors import UsageError
from workbench.progress import Quiet
from workbench.tuning.data import TrainOn, read_tuning_data
from workbench.workspace import find_workspace

RowLengths = tuple[tuple[int, int], ...]
"""For each row that has something to learn: its tokens, and how many of them are learned."""


@dataclass(frozen=True, slots=True)
class RowSample:
    """Training rows of a dataset that does not exist yet, and how many it will have."""

    rows: list[TrainingRow]
    total: int


@dataclass(frozen=True, slots=True)
class BatchShape:
    """Of one forward pass: tokens of its longest row, learned tokens of the row with most, whether rows are padded."""

    tokens: int
    answers: int
    padded: bool


@dataclass(frozen=True, slots=True)
class BatchShapes:
    """The longest batch of a run and one of mean length; `tokens` are those of a mean batch without its padding."""

    longest: BatchShape
    mean: BatchShape
    tokens: float
    rows: int


def measure_dataset(
    dataset: Path | str, workspace: str | None, train_on: TrainOn, model: Path, max_length: int
) -> RowLengths:
    """Token lengths of the rows of `dataset` that a run would train on, encoded as the folder `model` encodes them."""
    found = open_dataset(str(dataset), find_workspace(workspace))
    return _measure_folder(found.folder, found.manifest.fingerprint, train_on, model, max_length)


def measure_rows(rows: Sequence[TrainingRow], model: Path, max_length: int) -> RowLengths:
    """Token lengths of `rows`, each at most `max_length`. Raises `UsageError` where no row has anything to learn."""
    from workbench.tuning.encoding import encode_rows

    encoded = encode_rows(_load_tokenizer(model), rows, max_length)
    if not encoded.rows:
        raise UsageError(
            f"No row has anything to learn within {max_length} tokens.",
            "Raise the sequence length, or shorten the prompts.",
        )
    return tuple((len(row.ids), row.learned_tokens) for row in encoded.rows)


def has_tokenizer(model: Path) -> bool:
    """Whether the folder holds a tokenizer, so that lengths can be counted."""
    return any((model / name).is_file() for name in ("tokenizer.json", "tokenizer.model", "vocab.json"))


def find_shapes(lengths: RowLengths, batch_size: int, accumulation: int, seed: int) -> BatchShapes:
    """The batches of the first epoch, in the order in which training makes them."""
    from workbench.tuning.batches import RowOrder

    order = list(RowOrder([tokens for tokens, _ in lengths], batch_size * accumulation, seed))
    batches = [[lengths[row] for row in order[at : at + batch_size]] for at in range(0, len(order), batch_size)]
    longest = max(batches, key=lambda batch: (max(tokens for tokens, _ in batch) * len(batch), sum(batch[0])))
    shapes = [_measure_batch(batch) for batch in batches]
    whole = _measure_batch(longest)
    return BatchShapes(
        # Later epochs mix rows anew, so the longest batch may come to hold the row with most to learn.
        longest=BatchShape(whole.tokens, max(answers for _, answers in lengths), whole.padded or batch_size > 1),
        mean=BatchShape(
            max(1, round(sum(shape.tokens for shape in shapes) / len(shapes))),
            max(1, round(sum(shape.answers for shape in shapes) / len(shapes))),
            batch_size > 1,
        ),
        tokens=sum(tokens for tokens, _ in lengths) / len(batches),
        rows=len(lengths),
    )


def _measure_batch(batch: list[tuple[int, int]]) -> BatchShape:
    tokens = [row[0] for row in batch]
    return BatchShape(max(tokens), max(row[1] for row in batch), len(set(tokens)) > 1)


@lru_cache(maxsize=64)
def _measure_folder(folder: Path, fingerprint: str, train_on: TrainOn, model: Path, max_length: int) -> RowLengths:
    """`fingerprint` is here to measure again once the dataset has changed."""
    data = read_tuning_data(open_dataset(str(folder), find_workspace(folder.parent)), train_on, Quiet())
    return measure_rows(data.train, model, max_length)


@lru_cache(maxsize=4)
def _load_tokenizer(model: Path) -> Any:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(str(model), local_files_only=True)
