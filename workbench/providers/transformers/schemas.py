"""Answers that are valid JSON under a schema, by llguidance: at each step only tokens that can still lead there.

The texts are compact JSON with a space after commas and colons, as Python's own json writes it and models have seen
it most. Keywords that llguidance cannot enforce are refused by name, never ignored.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from workbench.providers.provider import CallError
from workbench.providers.transformers.constraint import Constraint, Marks
from workbench.providers.transformers.loading import shorten

_WRITTEN = {"whitespace_flexible": False, "item_separator": ", ", "key_separator": ": "}


class SchemaReader:
    """Makes constraints of schemas for one tokenizer. `words` is the width of the model's scores."""

    def __init__(self, tokenizer: Any, words: int, ends: Sequence[int]) -> None:
        self._tokenizer = tokenizer
        self._words = words
        self._ends = list(ends)
        self._wrapped: Any = None
        self._marks: Marks | None = None
        self._known: dict[str, Constraint | CallError] = {}

    def make_constraint(self, schema: str) -> Constraint:
        """The constraint of one answer. Raises CallError of the kind `request` where it cannot be enforced."""
        if schema not in self._known:
            self._known[schema] = self._compile(schema)
        known = self._known[schema]
        if isinstance(known, CallError):
            raise CallError(known.kind, known.message, solution=known.solution)
        return known.copy()

    def _compile(self, schema: str) -> Constraint | CallError:
        try:
            from llguidance import LLMatcher
            from llguidance.hf import from_tokenizer
        except ImportError:
            return CallError(
                "request", "Answers under a schema need the library llguidance.", solution="`pip install llguidance`."
            )
        if self._wrapped is None:
            try:
                self._wrapped = from_tokenizer(self._tokenizer, n_vocab=self._words, eos_token=self._ends)
            except Exception as error:  # what its parser makes of a tokenizer is not documented
                return _refuse(f"the model's tokenizer cannot be read ({shorten(error)})")
            self._marks = _find_marks(self._wrapped)
        try:
            parsed = json.loads(schema)
            grammar = LLMatcher.grammar_from_json_schema(
                json.dumps(parsed if isinstance(parsed, dict) else {"allOf": [parsed]}), defaults=_WRITTEN
            )
        except (ValueError, RecursionError) as error:
            return _refuse(shorten(error))
        matcher = LLMatcher(self._wrapped, grammar, log_level=0)
        fault = matcher.get_error()
        return _refuse(shorten(ValueError(fault))) if fault else Constraint(matcher, self._marks)


def mask_scores(scores: Tensor, lanes: Sequence[int], constraints: Sequence[Constraint]) -> None:
    """Set the scores of all tokens that a row's constraint forbids to minus infinity, in place.

    `scores` has the shape (rows, words); `lanes` are the rows of the constraints.
    """
    words = scores.shape[-1]
    packed = np.stack([constraint.pack_allowed(-(-words // 8)) for constraint in constraints])
    bits = torch.from_numpy(packed).to(scores.device)
    places = torch.arange(8, dtype=torch.uint8, device=scores.device)
    allowed = ((bits[:, :, None] >> places) & 1).bool().flatten(1)[:, :words]
    rows = torch.tensor(lanes, device=scores.device)
    scores[rows] = scores[rows].masked_fill(~allowed, float("-inf"))


def _find_marks(wrapped: Any) -> Marks | None:
    """None where one of them is no token of its own."""
    found = [wrapped.greedy_tokenize(mark) for mark in '"]},a']
    if any(len(tokens) != 1 for tokens in found):
        return None
    quote, square, curly, comma, letter = (tokens[0] for tokens in found)
    return Marks(quote, (square, curly), comma, letter)


def _refuse(reason: str) -> CallError:
    return CallError(
        "request",
        f"The schema cannot be enforced while the model writes: {reason.rstrip('.')}.",
        solution="Leave that keyword out of the schema, or check it afterwards.",
    )
