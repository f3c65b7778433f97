"""The text columns of a table, with the real texts of the same name: the one place that decides what a text is.

A text is what a model wrote, in whatever form (a string, a conversation, the strings of a record), and any string of
some length. Names of files, options and single words are none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from workbench.columns.registry import COLUMNS
from workbench.quality.evidence import Evidence
from workbench.quality.similarity import find_kind
from workbench.spec.model import ColumnConfig

if TYPE_CHECKING:
    import pandas as pd

MOST_TEXTS = 50_000
"""Of a longer column so many are drawn."""

EMBEDDED = 150
_EMBEDDED_CHARACTERS = 400
"""Of each part of a column so many texts are given to an embedding model, and of each so much: it takes a processor
10 ms."""

Part = Literal["texts", "train", "holdout"]
PARTS: tuple[Part, ...] = ("texts", "train", "holdout")

_LONG = 40
_WORDS = 3
"""A string column is one of texts with more characters than this on average, or with so many words, mostly new."""
_LOOKED_AT = 200
_SILENT = frozenset({"role", "type", "id", "name"})
"""Fields of messages that nobody wrote."""
_SURROGATES = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Texts:
    """Texts that are there, with the number of the row of each; `total` counts the rows, with those of no text."""

    values: list[str]
    rows: NDArray[np.int64]
    total: int

    def __len__(self) -> int:
        return len(self.values)

    def draw(self, most: int, random: np.random.Generator) -> Texts:
        """At most so many of them, shuffled, since files are often sorted and figures of words depend on the order."""
        chosen = random.permutation(len(self.values))[:most]
        return Texts([self.values[place] for place in chosen], self.rows[chosen], self.total)


@dataclass(frozen=True, slots=True)
class TextColumn:
    """A column of texts. `made`: a model wrote them; `designed`: the spec's own templates or samplers did.

    `train` and `holdout` are the real texts of the same name, both without any where there are none. `language` is
    that of a column of code.
    """

    name: str
    texts: Texts
    train: Texts
    holdout: Texts
    made: bool
    designed: bool
    config: ColumnConfig | None = None

    @property
    def language(self) -> str | None:
        """The programming language, None for prose."""
        language = getattr(self.config, "language", None)
        return language if self.made and isinstance(language, str) else None

    @property
    def real(self) -> Texts:
        """The real texts of both parts, which say how much texts repeat; the row numbers are of their parts."""
        both = np.concatenate([self.train.rows, self.holdout.rows])
        return Texts(self.train.values + self.holdout.values, both, self.train.total + self.holdout.total)


def find_text_columns(evidence: Evidence) -> list[TextColumn]:
    """The text columns of the table that hold at least one text, in its order."""
    return list(_find_text_columns(evidence))


def render_text(value: Any) -> str:
    """What was written in a cell: a string itself, the strings in a list or mapping one a line, "" for other values."""
    if isinstance(value, str):
        return value if value.isascii() else _SURROGATES.sub("�", value)
    if isinstance(value, Mapping):
        value = [each for key, each in value.items() if key not in _SILENT]
    if isinstance(value, list | tuple | np.ndarray):
        return "\n".join(filter(None, map(render_text, value)))
    return ""


def read_texts(column: pd.Series[Any], random: np.random.Generator, most: int = MOST_TEXTS) -> Texts:
    """At most `most` texts of a column, in its order; cells of blanks or no text are left out."""
    present = column.dropna()
    if len(present) > most:
        present = present.iloc[np.sort(random.choice(len(present), most, replace=False))]
    values = [render_text(value) for value in present.tolist()]
    kept = [place for place, text in enumerate(values) if text and not text.isspace()]
    rows = np.asarray(present.index, np.int64)[kept] if len(kept) else np.zeros(0, np.int64)
    return Texts([values[place] for place in kept], rows, len(column))


def draw_embedded(evidence: Evidence, column: TextColumn, part: Part, most: int = EMBEDDED) -> Texts:
    """At most `most` texts of a part, cut where they are few enough for an embedding model.

    They are the first of the same order in every check, so that each text has one vector.
    """
    texts: Texts = getattr(column, part)
    drawn = texts.draw(most, evidence.draw(f"embedded {part} {column.name}"))
    return drawn if most > EMBEDDED else replace(drawn, values=[text[:_EMBEDDED_CHARACTERS] for text in drawn.values])


def _find_text_columns(evidence: Evidence) -> Iterator[TextColumn]:
    frame = evidence.frame
    if not frame.columns.is_unique:
        return
    configs = {column.name: column for column in evidence.config.columns}
    for name in map(str, frame.columns):
        if name not in frame.columns or name in evidence.keys:
            continue
        config = configs.get(name)
        own = COLUMNS.get(config.type) if config else None
        made = own is not None and (own.group == "generated" or own.name == "synthesized")
        present = frame[name].dropna()
        if not _holds_texts(evidence, name, present, written=made and own is not None and own.group == "generated"):
            continue
        texts = read_texts(frame[name], evidence.draw(f"texts {name}"))
        if len(texts):
            train, holdout = _read_real(evidence, name)
            designed = own is not None and own.group in ("samplers", "derived")
            yield TextColumn(name, texts, train, holdout, made, designed, config)


def _holds_texts(evidence: Evidence, name: str, present: pd.Series[Any], *, written: bool) -> bool:
    maker = evidence.makers.get(name)
    if not len(present) or (maker is not None and (maker.files is not None or maker.options is not None)):
        return False
    first = present.head(_LOOKED_AT).tolist()
    if not all(isinstance(value, str) for value in first):
        return written and maker is not None and maker.kind in ("struct", "nested") and any(map(render_text, first))
    if maker is not None and maker.kind != "string":
        return False
    if written:
        return True
    if sum(map(len, first)) > _LONG * len(first):
        return True
    words = sum(text.count(" ") + 1 for text in first)
    return words >= _WORDS * len(first) and find_kind(present.head(10 * _LOOKED_AT)) == "text"


def _read_real(evidence: Evidence, name: str) -> tuple[Texts, Texts]:
    if evidence.real is None or name not in evidence.real.train.columns or not evidence.real.train.columns.is_unique:
        nothing = Texts([], np.zeros(0, np.int64), 0)
        return nothing, nothing
    draws: Sequence[np.random.Generator] = [evidence.draw(f"real texts {name} {part}") for part in ("train", "holdout")]
    parts = (evidence.real.train, evidence.real.holdout)
    read = [read_texts(part[name], random) for part, random in zip(parts, draws, strict=True)]
    return read[0], read[1]
