"""Encoded rows into the tensors of a step, and the order in which rows come.

Only the answers are learned, so only for their tokens is the vocabulary computed: `logits_to_keep` names the places
whose next token counts and `shift_labels` holds those tokens. The loss is the same as with all places; on a small model
whose answers are short it is reached in about two thirds of the time, and on a large vocabulary it saves most memory.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch.utils.data import Sampler

from workbench.tuning.encoding import EncodedRow

IGNORED = -100
_BATCHES_PER_POOL = 16


class Collator:
    """Makes a batch of B rows padded on the right to the longest, T tokens: what `model(**batch)` takes.

    With sparse logits, K being the most learned tokens of a row: `logits_to_keep`, `shift_labels` and `labels` of shape
    (B, K). Without, `labels` of shape (B, T). What is padded is neither attended to nor counted, so the padding token
    is only there to fill the tensor.
    """

    def __init__(self, padding: int, *, sparse: bool) -> None:
        self.padding = padding
        self.sparse = sparse

    def __call__(self, rows: Sequence[EncodedRow]) -> dict[str, torch.Tensor]:
        """The batch of `rows`."""
        ids = pad([row.ids for row in rows], self.padding)
        mask = pad([[1] * len(row.ids) for row in rows], 0)
        if not self.sparse:
            labels = [[t if on else IGNORED for t, on in zip(row.ids, row.learned, strict=True)] for row in rows]
            return {"input_ids": ids, "attention_mask": mask, "labels": pad(labels, IGNORED)}
        places = [[place - 1 for place, on in enumerate(row.learned) if on and place] for row in rows]
        targets = [[row.ids[place + 1] for place in chosen] for row, chosen in zip(rows, places, strict=True)]
        shifted = pad(targets, IGNORED)
        return {
            "input_ids": ids,
            "attention_mask": mask,
            "logits_to_keep": pad(places, 0),
            "shift_labels": shifted,
            "labels": shifted,
        }


class RowOrder(Sampler[int]):
    """Shuffled rows, those of a batch of similar length, the longest batch of all at the very start.

    The order depends on the seed and the epoch alone, so a resumed run sees the rows it would have seen. What would run
    out of memory does so in the first step.
    """

    def __init__(self, lengths: Sequence[int], rows_per_step: int, seed: int) -> None:
        self.lengths = lengths
        self.rows_per_step = rows_per_step
        self.seed = seed
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Called by the data loader before each pass."""
        self.epoch = epoch

    def __len__(self) -> int:
        return len(self.lengths)

    def __iter__(self) -> Iterator[int]:
        generator = torch.Generator().manual_seed(self.seed * 1_000_003 + self.epoch)
        shuffled = torch.randperm(len(self.lengths), generator=generator).tolist()
        pool = self.rows_per_step * _BATCHES_PER_POOL
        steps: list[list[int]] = []
        for start in range(0, len(shuffled), pool):
            by_length = sorted(shuffled[start : start + pool], key=lambda row: -self.lengths[row])
            steps += [by_length[at : at + self.rows_per_step] for at in range(0, len(by_length), self.rows_per_step)]
        whole = [step for step in steps if len(step) == self.rows_per_step]
        whole = [whole[place] for place in torch.randperm(len(whole), generator=generator).tolist()]
        if self.epoch == 0 and whole:
            longest = max(range(len(whole)), key=lambda place: max(self.lengths[row] for row in whole[place]))
            whole[0], whole[longest] = whole[longest], whole[0]
        yield from (row for step in whole for row in step)
        yield from (row for step in steps if len(step) < self.rows_per_step for row in step)


def takes_sparse_logits(model: Any) -> bool:
    """True if the causal language model `model` can compute the vocabulary at chosen places alone."""
    return "logits_to_keep" in inspect.signature(model.forward).parameters


def pad(rows: Sequence[Sequence[int]], filler: int) -> torch.Tensor:
    """Rows of different lengths as one tensor, filled up on the right."""
    longest = max(map(len, rows))
    return torch.tensor([[*row, *([filler] * (longest - len(row)))] for row in rows], dtype=torch.long)
