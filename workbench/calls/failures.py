"""Rows that got no answer, each with its cause and the number of attempts: nothing is dropped silently."""

from __future__ import annotations

from dataclasses import dataclass


class Rejected(Exception):
    """Raised by a column for an answer that it cannot use: `cause` in a few words that are the same for all such rows,
    `told` with what is particular to this one.
    """

    def __init__(self, cause: str, told: str = "") -> None:
        super().__init__(cause)
        self.cause = cause
        self.told = told


@dataclass(frozen=True, slots=True)
class Place:
    """The column that asks."""

    table: str
    column: str


@dataclass(frozen=True, slots=True)
class Failure:
    """A row without an answer. `key` is that of its first request; `message` is cleaned and holds no secret."""

    table: str
    column: str
    row: int
    cause: str
    attempts: int
    message: str
    key: str


FAULTS = {
    "busy": "the server stayed busy",
    "server": "the server failed",
    "connection": "the connection failed",
    "timeout": "no answer in time",
    "request": "the request was refused as wrong",
    "refused": "the model refused",
    "fatal": "the model cannot be used",
}
"""The cause of a failure by the kind of fault (`CallError.kind`)."""
