"""All rows through a decoder: the longest prompts first, as many at once as fit, each given back when it has ended."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence

from workbench.providers.transformers.flight import Decoder, Flight
from workbench.providers.transformers.memory import BatchLimit, clear_memory, is_out_of_memory
from workbench.providers.transformers.rows import Row

_REFILL = 4
"""New rows are taken in when a quarter of the places is empty: prompts are read faster in groups."""


def decode(
    decoder: Decoder,
    rows: Sequence[Row],
    limit: BatchLimit,
    should_stop: Callable[[], bool],
    on_step: Callable[[], None] = lambda: None,
) -> Iterator[Row]:
    """Each row as soon as it has ended; `should_stop` is asked before each token, `on_step` called after it.

    Where memory runs out, half as many rows go on from the tokens they have; a row that does not fit alone fails.
    """
    waiting = deque(sorted(rows, key=lambda row: len(row.prompt), reverse=True))
    flight: Flight | None = None
    alive: list[Row] = []
    while (alive or waiting) and not should_stop():
        places = limit.size - len(alive)
        takes = not alive or (flight is not None and flight.can_join and places >= max(1, limit.size // _REFILL))
        joining = [waiting.popleft() for _ in range(min(places, len(waiting)))] if takes else []
        together = alive + joining
        try:
            flight = _advance(decoder, flight, joining)
            fits = True
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            fits = False
        if fits:
            on_step()
        else:
            # The error is gone by here, and with it the frames that hold tensors.
            flight = None
            clear_memory()
            _make_way(together, waiting, limit)
            together = [row for row in together if row.finish is not None]
        for row in together:
            if row.finish is not None:
                yield row
        alive = [row for row in together if row.finish is None]


def _advance(decoder: Decoder, flight: Flight | None, joining: Sequence[Row]) -> Flight:
    """One token more for every row of the flight and for those that join it."""
    if flight is not None:
        flight.drop_ended()
        if all(row.finish is not None for row in flight.rows):
            flight = None
        else:
            flight.step()
    if joining:
        joined = Flight(decoder, joining)
        if flight is None:
            flight = joined
        else:
            flight.join(joined)
    assert flight is not None
    flight.choose()
    return flight


def _make_way(rows: Sequence[Row], waiting: deque[Row], limit: BatchLimit) -> None:
    """Let rows for which memory ran out wait for a smaller flight; one that was alone can only fail."""
    if len(rows) == 1:
        rows[0].fail(
            f"The prompt of {len(rows[0].prompt):,} tokens does not fit into memory, even alone.",
            "Shorten it, lower max_tokens, or use a smaller model.",
        )
        return
    limit.halve(len(rows))
    waiting.extendleft(row for row in reversed(rows) if row.finish is None)
