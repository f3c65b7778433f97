"""How a pretrained model spells a value: in tokens of its own vocabulary, and which of them may come next.

A row is “ age is 39, job is clerk,”. Each piece, a name or a value, is made tokens of by itself, so that learning and
writing see the same tokens. A text that is one of a column's levels goes token by token along a trie held in arrays;
numbers and moments go character by character. A comma ends a value, and levels that hold one are quoted, so no value is
the beginning of another.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from workbench.columns.values import Values
from workbench.errors import UsageError
from workbench.synthesizers.profile import ColumnProfile, TableProfile, decode_codes, decode_numbers, find_codes
from workbench.synthesizers.types.language_model.texts import CHARACTERS, END, NULL, TextForm, choose_form

Ints = NDArray[np.int64]
State = int | str
"""A node of a trie, or the text so far."""


class Spelling(Protocol):
    """The tokens of a column's values. States are what was written of one, from `start`; None is after its end."""

    start: State
    longest: int
    """Tokens of the longest value, with its end."""

    def spell(self, values: Values) -> list[list[int]]:
        """The tokens of each value, with its end."""

    def follow(self, state: State) -> Ints:
        """The tokens that may come next, never none."""

    def advance(self, state: State, choice: int) -> State | None:
        """The state after the token at place `choice` of `follow(state)`."""

    def read(self, states: Sequence[State]) -> Values:
        """The values that were written, from the last state of each before its end."""


class Tokens:
    """A tokenizer of transformers by pieces. Raises UsageError for one that knows no digits."""

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        self.begin: list[int] = [] if tokenizer.bos_token_id is None else [int(tokenizer.bos_token_id)]
        self.characters = {mark: self.encode(mark)[-1] for mark in CHARACTERS}
        if len(set(self.characters.values())) < len(CHARACTERS):
            raise UsageError(
                "The model's vocabulary has no tokens of its own for digits and punctuation.", "Choose another model."
            )

    def encode(self, text: str) -> list[int]:
        """The tokens of a piece, without any that begin or end a whole text."""
        found: list[int] = self._tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"]
        return found

    def encode_all(self, texts: Sequence[str]) -> list[list[int]]:
        """The same for many."""
        found: list[list[int]] = self._tokenizer(list(texts), add_special_tokens=False, verbose=False)["input_ids"]
        return found

    def name(self, column: str) -> list[int]:
        """What stands before a value of the column."""
        return self.encode(f" {column} is")


class LevelSpelling:
    """Values along a trie. A state is the number of a node; leaf i stands for the level `codes[i]`, -1 for null.

    The leaves are in the order of their tokens, those of one node side by side: `first` and `last` (nodes,) bound its
    leaves, and `children[bounds[node] : bounds[node + 1]]` are the nodes after it, each by the token `labels[child]`.
    """

    start: State = 0

    def __init__(self, profile: ColumnProfile, tokens: Tokens) -> None:
        self._profile = profile
        self._end = tokens.characters[END]
        paths = _spell_levels(profile, tokens)
        order = sorted(range(len(paths)), key=lambda at: paths[at])
        self._paths = [paths[at] for at in order]
        self.codes = np.array([at if at < len(profile.levels or ()) else -1 for at in order], np.int64)
        self._leaf = np.empty(len(paths), np.int64)
        self._leaf[order] = np.arange(len(paths))
        self.longest = max(map(len, paths))
        self._build()
        masses = np.append(profile.shares * (1 - profile.missing), profile.missing)[self.codes]
        self._sums = np.append(0.0, np.cumsum(masses))

    def spell(self, values: Values) -> list[list[int]]:
        return [self._paths[leaf] for leaf in self.find_leaves(values).tolist()]

    def find_leaves(self, values: Values) -> Ints:
        """The leaf of each value; a text that is no level counts as null, or else as any level."""
        codes = find_codes(self._profile, values)
        codes[codes < 0] = len(self._leaf) - 1
        return self._leaf[codes]

    def follow(self, state: State) -> Ints:
        return self._labels[self._children(int(state))]

    def advance(self, state: State, choice: int) -> State | None:
        child = int(self._children(int(state))[choice])
        # The node of the end is not entered, so that the state before it tells the value.
        return None if self._bounds[child] == self._bounds[child + 1] else child

    def find_shares(self, state: State) -> NDArray[np.float64]:
        """The real shares of the tokens of `follow(state)`."""
        children = self._children(int(state))
        masses = self._sums[self._last[children]] - self._sums[self._first[children]]
        total = masses.sum()
        return np.asarray(masses / total if total > 0 else masses)

    def find_masses(self) -> NDArray[np.float64]:
        """The real shares of the leaves."""
        masses: NDArray[np.float64] = np.diff(self._sums)
        return masses

    def get_path(self, leaf: int) -> list[int]:
        """The tokens of a leaf."""
        return self._paths[leaf]

    def read(self, states: Sequence[State]) -> Values:
        leaves = []
        for state in states:
            children = self._children(int(state))
            leaves.append(int(self._first[children[self._labels[children] == self._end]][0]))
        return self.read_leaves(np.array(leaves, np.int64))

    def read_leaves(self, leaves: Ints) -> Values:
        """The values of leaves."""
        return decode_codes(self._profile, self.codes[leaves])

    def _children(self, node: int) -> Ints:
        return np.arange(self._bounds[node], self._bounds[node + 1])

    def _build(self) -> None:
        """Nodes in the order of their depth, so that the children of one stand side by side."""
        matrix = np.full((len(self._paths), self.longest), -1, np.int64)
        for row, path in enumerate(self._paths):
            matrix[row, : len(path)] = path
        first, last = [np.zeros(1, np.int64)], [np.array([len(matrix)])]
        labels = [np.full(1, -1)]
        changed = np.append(True, np.zeros(len(matrix) - 1, np.bool_))
        parents = []
        for depth in range(self.longest):
            changed = changed | np.append(True, matrix[1:, depth] != matrix[:-1, depth])
            starts = np.flatnonzero(changed)
            stops = np.append(starts[1:], len(matrix))
            there = matrix[starts, depth] >= 0
            first.append(starts[there])
            last.append(stops[there])
            labels.append(matrix[starts[there], depth])
            base = sum(map(len, first[: depth + 1])) - len(first[depth])
            parents.append(base + np.searchsorted(first[depth], starts[there], side="right") - 1)
        self._first, self._last = np.concatenate(first), np.concatenate(last)
        self._labels = np.concatenate(labels)
        counts = np.bincount(np.concatenate(parents), minlength=len(self._first))
        self._bounds = np.append(1, 1 + np.cumsum(counts))


class FormSpelling:
    """Numbers and moments character by character. A state is the text so far; that of null is NULL."""

    start: State = ""

    def __init__(self, profile: ColumnProfile, form: TextForm, tokens: Tokens) -> None:
        self._profile = profile
        self._form = form
        self._characters = tokens.characters
        self.longest = form.longest

    def spell(self, values: Values) -> list[list[int]]:
        return [[self._characters[mark] for mark in text] for text in self.write(values)]

    def write(self, values: Values) -> list[str]:
        """The text of each value, with its end."""
        texts = self._form.write(values)
        valid = [True] * len(texts) if values.valid is None else values.valid.tolist()
        return [(text if known else NULL) + END for text, known in zip(texts, valid, strict=True)]

    def count_shares(self, state: State, texts: Sequence[str]) -> NDArray[np.float64]:
        """The shares among `texts`, with their ends, of the tokens of `follow(state)`."""
        begun = str(state)
        counted = Counter(text[len(begun)] for text in texts if text.startswith(begun))
        counts = np.array([counted[mark] for mark in self._list_marks(begun)], np.float64)
        return np.asarray(counts / max(counts.sum(), 1.0))

    def follow(self, state: State) -> Ints:
        return np.array([self._characters[mark] for mark in self._list_marks(str(state))], np.int64)

    def advance(self, state: State, choice: int) -> State | None:
        mark = self._list_marks(str(state))[choice]
        return None if mark == END else str(state) + mark

    def read(self, states: Sequence[State]) -> Values:
        known = np.array([state != NULL for state in states])
        numbers = np.full(len(states), np.nan)
        numbers[known] = self._form.read([str(state) for state in states if state != NULL])
        return decode_numbers(self._profile, numbers)

    def _list_marks(self, text: str) -> str:
        if text == NULL:
            return END
        marks = self._form.follow(text)
        return marks + NULL if not text and self._profile.missing else marks


def make_spellings(profile: TableProfile, tokens: Tokens) -> dict[str, LevelSpelling | FormSpelling]:
    """The spelling of every column."""
    return {
        name: FormSpelling(column, choose_form(column), tokens)
        if column.levels is None
        else LevelSpelling(column, tokens)
        for name, column in profile.columns.items()
    }


def _spell_levels(profile: ColumnProfile, tokens: Tokens) -> list[list[int]]:
    """The tokens of each level, then those of null where there are nulls."""
    end = tokens.characters[END]
    levels = profile.levels or ()
    if profile.role == "number":
        form = choose_form(replace(profile, levels=None))
        texts = form.write(decode_codes(profile, np.arange(len(levels))))
        paths = [[tokens.characters[mark] for mark in text] for text in texts]
        if len({tuple(path) for path in paths}) < len(paths):
            paths = [[tokens.characters[mark] for mark in str(at)] for at in range(len(paths))]
        space = [tokens.characters[" "]]
        paths, null = [space + path for path in paths], [*space, tokens.characters[NULL]]
    else:
        paths = tokens.encode_all([f" {_quote(str(level))}" for level in levels])
        # A tokenizer that writes two levels alike, in small letters perhaps, gets the place of each to tell them apart.
        if len({tuple(path) for path in paths}) < len(paths):
            paths = tokens.encode_all([f" {_quote(str(level))} e{at}" for at, level in enumerate(levels)])
        null = tokens.encode(f" {NULL}")
    return [[*path, end] for path in [*paths, *([null] if profile.missing else [])]]


def _quote(text: str) -> str:
    plain = text and text == text.strip() and text != NULL and not text.startswith('"')
    return text if plain and END not in text and text.isprintable() else json.dumps(text, ensure_ascii=False)


def find_names(spellings: Mapping[str, Spelling], tokens: Tokens) -> dict[str, list[int]]:
    """The tokens before a value of each column; a number's begins after the space."""
    space = tokens.encode(" ")
    return {
        name: tokens.name(name) + (space if isinstance(spelling, FormSpelling) else [])
        for name, spelling in spellings.items()
    }
