"""One answer in the making."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from workbench.providers.provider import CallError
from workbench.providers.requests import Answer, Usage
from workbench.providers.transformers.constraint import Constraint

_SPECIAL = "\ufffd"  # what a decoder shows for a character of which only some bytes are there
_CHECKED_EVERY = 16


@dataclass(slots=True, eq=False)
class Row:
    """`position` is the request's. `room` is the most tokens, `uniforms` the chance of each of them.

    `constraint` is None without a schema. `finish` is set when the answer has ended, `failure` where it cannot be made.
    """

    position: int
    prompt: list[int]
    room: int
    uniforms: NDArray[np.float64]
    stops: tuple[str, ...] = ()
    max_chars: int | None = None
    constraint: Constraint | None = None
    tokens: list[int] = field(default_factory=list)
    finish: Literal["stop", "length"] | None = None
    failure: CallError | None = None

    @property
    def uniform(self) -> float:
        """The chance of the next token."""
        return float(self.uniforms[len(self.tokens)])

    def add(self, token: int, ends: frozenset[int], tokenizer: Any) -> None:
        """Append a token and see whether the answer has ended with it."""
        self.tokens.append(token)
        if self.constraint is not None:
            self._follow(token, self.constraint)
        elif token in ends or (self.stops and self._finds_stop(tokenizer)):
            self.finish = "stop"
        elif self._is_too_long(tokenizer):
            self.finish = "length"
        if self.finish is None and len(self.tokens) >= self.room:
            self.finish = "length"

    def read(self, tokenizer: Any) -> str:
        """The text so far, without a character that is not whole yet and without what ended it."""
        text = str(tokenizer.decode(self.tokens, skip_special_tokens=True, clean_up_tokenization_spaces=False))
        if self.finish is None:
            text = text.rstrip(_SPECIAL)
        places = [place for stop in self.stops if (place := text.find(stop)) >= 0]
        return text[: min(places)] if places else text

    def make_answer(self, tokenizer: Any) -> Answer | CallError:
        """What the request gets. The note `cut`: a schema had to be led to its end before the tokens ran out."""
        if self.failure is not None:
            return self.failure
        assert self.finish is not None
        was_cut = self.constraint is not None and self.constraint.is_closing
        return Answer(
            self.read(tokenizer),
            usage=Usage(len(self.prompt), len(self.tokens)),
            finish=self.finish,
            notes={"cut": True} if was_cut else {},
        )

    def _follow(self, token: int, constraint: Constraint) -> None:
        constraint.consume(token, self.room - len(self.tokens))
        fault = constraint.fault
        if fault:
            self.fail(f"The schema could not be followed to the end: {fault.splitlines()[0]}.")
        elif constraint.is_complete:
            self.finish = "stop"

    def fail(self, message: str, solution: str = "") -> None:
        """Give the request up."""
        self.finish, self.failure = "stop", CallError("request", message, solution=solution)

    def _finds_stop(self, tokenizer: Any) -> bool:
        """Each token but a special one has a byte at least, so a stop text lies in the last tokens, one per byte."""
        longest = max(len(stop.encode()) for stop in self.stops)
        tail = tokenizer.decode(self.tokens[-longest - 4 :], skip_special_tokens=True)
        return any(stop in tail for stop in self.stops)

    def _is_too_long(self, tokenizer: Any) -> bool:
        """Whether the text passed what the caller will keep of it, looked at now and then."""
        if self.max_chars is None or len(self.tokens) % _CHECKED_EVERY:
            return False
        return len(self.read(tokenizer)) > self.max_chars
