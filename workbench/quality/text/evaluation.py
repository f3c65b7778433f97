"""Passages of evaluation texts within texts of a dataset: runs of words that are found in both.

A run of 13 words tells prose (Brown et al.: Language Models are Few-Shot Learners, 2020, appendix C). Code and texts of
fewer words are told by runs of 8, and what is shorter still by the whole text. Case and punctuation make no difference.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from workbench.datasets.reading import read_table
from workbench.datasets.source_paths import find_source_file
from workbench.errors import UsageError
from workbench.likeness.ngrams import Sequences, hash_words, roll, split_words
from workbench.quality.text.columns import render_text
from workbench.spec.quality import EvaluationConfig

LONG = 13
SHORT = 8
_FEWEST = 3
"""A text of fewer words, such as “yes”, is in the data by chance."""
_LINES = (".txt", ".md", ".text")
_MOST_BYTES = 256 * 1024**2


@dataclass(frozen=True, slots=True)
class Hits:
    """`texts` are the places of the texts with a passage, `items` those of the evaluation texts that are met."""

    texts: NDArray[np.int64]
    items: NDArray[np.int64]


class WordRuns:
    """The words of some texts, with their runs of either length."""

    def __init__(self, texts: Sequence[str]) -> None:
        self.words: Sequences = hash_words([split_words(text) for text in texts])
        self._runs: dict[int, Sequences] = {}

    def find_runs(self, width: int) -> Sequences:
        """The runs of that many words."""
        if width not in self._runs:
            self._runs[width] = roll(self.words, width)
        return self._runs[width]

    def find_whole(self, width: int, places: NDArray[np.int64]) -> NDArray[np.uint64]:
        """A hash of the whole of each of these texts, which have that many words."""
        runs = self.find_runs(width)
        return runs.flat[runs.starts[places]]


def find_passages(texts: WordRuns, items: WordRuns, *, code: bool = False, whole: bool = True) -> Hits:
    """Which texts hold a passage of which evaluation texts. `whole`: short ones count where a text is equal to them."""
    import pandas as pd

    met, hit = list[NDArray[np.int64]](), list[NDArray[np.int64]]()
    lengths = items.words.lengths
    for width in (SHORT, LONG):
        chosen = lengths >= SHORT if code and width == SHORT else np.zeros(len(lengths), np.bool_)
        if not code:
            chosen = (lengths >= SHORT) & (lengths < LONG) if width == SHORT else lengths >= LONG
        runs, own = items.find_runs(width), texts.find_runs(width)
        owners = runs.find_owners()
        asked = chosen[owners]
        shared = pd.Series(own.flat).isin(pd.unique(runs.flat[asked])).to_numpy()
        if shared.any():
            met.append(own.find_owners()[shared])
            hit.append(owners[asked][np.isin(runs.flat[asked], own.flat[shared])])
    if whole:
        for width in range(_FEWEST, SHORT):
            short, own_short = np.flatnonzero(lengths == width), np.flatnonzero(texts.words.lengths == width)
            if len(short) and len(own_short):
                theirs, ours = items.find_whole(width, short), texts.find_whole(width, own_short)
                met.append(own_short[np.isin(ours, theirs)])
                hit.append(short[np.isin(theirs, ours)])
    nothing = np.zeros(0, np.int64)
    return Hits(np.unique(np.concatenate([nothing, *met])), np.unique(np.concatenate([nothing, *hit])))


def read_evaluation(config: EvaluationConfig, folder: Path) -> list[str]:
    """The texts of an evaluation file, a line each of a plain one; relative paths start at `folder`.

    Raises UsageError where it cannot be read, lacks a column that is asked for, or holds no text.
    """
    path = find_source_file(config.path, folder)
    texts = [text for text in _read_lines(path) if text.strip()] if path.suffix.lower() in _LINES else None
    if texts is None:
        texts = list(_read_cells(config, path))
    if not texts:
        raise UsageError(f"{path.name} holds no text.", "Name the columns of the questions and answers.")
    return texts


def _read_lines(path: Path) -> list[str]:
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise UsageError(f"{path.name} is too large.", "Give a smaller file of evaluation texts.")
        return path.read_text("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path.name} cannot be read as UTF-8 text.", "Check the path under “evaluation”.") from error


def _read_cells(config: EvaluationConfig, path: Path) -> Iterator[str]:
    frame = read_table(path)
    missing = [name for name in config.columns or () if name not in frame.columns]
    if missing:
        raise UsageError(f"{path.name} has no column “{missing[0]}”.", "Correct the columns under “evaluation”.")
    for name in config.columns or frame.columns:
        yield from (text for text in map(render_text, frame[name].dropna().tolist()) if text.strip())
