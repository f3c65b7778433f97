"""From answers to a column: the rows that are asked about, their values, and nulls for the others."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from workbench.calls.asking import Accept
from workbench.columns.column_type import Maker, Row, TableContext
from workbench.columns.generated import ColumnModel, GeneratedConfig, compile_skip
from workbench.columns.streams import Draws
from workbench.columns.values import BLANKS, DTYPES, Kind, Nested, Values
from workbench.providers.requests import Request

Question = tuple[Request, Accept[Any]]
"""A request, and what turns its answer into the value of the row."""


def make_answered(
    config: GeneratedConfig,
    context: TableContext,
    model: ColumnModel,
    ask: Callable[[Draws, Row], Sequence[Question | None]],
    kind: Kind = "string",
    members: Mapping[str, Kind] | None = None,
    nested: Nested | None = None,
) -> Maker:
    """A maker of the values that a model answers. `ask` gives the question of each row, None for one that gets null."""
    is_asked = compile_skip(config, context)
    skipped = None if config.skip is None else config.skip.value

    def values(draws: Draws, inputs: Row) -> Values:
        asked = is_asked(draws, inputs)
        chosen = draws.select(asked)
        questions = ask(chosen, {name: column.take(asked) for name, column in inputs.items()})
        places = np.array([place for place, question in enumerate(questions) if question is not None], np.int64)
        put = [question for question in questions if question is not None]
        answers = model.ask(chosen.select(places), [request for request, _ in put], [accept for _, accept in put])
        found: list[Any] = [skipped] * len(draws)
        for position in np.flatnonzero(asked).tolist():
            found[position] = None
        for position, answer in zip(np.flatnonzero(asked)[places].tolist(), answers, strict=True):
            found[position] = answer
        return collect(kind, found)

    return Maker(kind, values, members=members, nested=nested, find_lost=model.dropper, costly=model.is_costly)


def collect(kind: Kind, plain: Sequence[Any]) -> Values:
    """The values `plain` of a kind, None for null."""
    data: Any = np.zeros(len(plain), DTYPES[kind])
    blank = BLANKS.get(kind)
    # One by one: numpy would make lists of equal lengths a second dimension.
    for position, value in enumerate(plain):
        if value is not None:
            data[position] = value
        elif blank is not None:
            data[position] = blank()
    valid = np.array([value is not None for value in plain], np.bool_)
    return Values(data, None if valid.all() else valid)
