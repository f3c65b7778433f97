"""Requests for pictures as batches of one size, smaller ones where memory runs out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from workbench.providers.diffusers.painters import Drawing, Painter, Stopped
from workbench.providers.diffusers.pictures import encode_png, fit_picture
from workbench.providers.provider import CallError
from workbench.providers.requests import Answer, ImageRequest, Usage
from workbench.providers.transformers.loading import shorten
from workbench.providers.transformers.memory import BatchLimit, is_out_of_memory, work_in_batches


def draw_all(
    painter: Painter, limit: BatchLimit, requests: Sequence[ImageRequest], should_stop: Callable[[], bool]
) -> Iterator[tuple[int, Answer | CallError]]:
    """Each request's position with its picture. Leaves off, between two steps too, when `should_stop` says so."""
    sizes: dict[tuple[int, int], list[int]] = {}
    for position, request in enumerate(requests):
        reason = painter.refuse(request)
        if reason is None:
            sizes.setdefault((request.width, request.height), []).append(position)
        else:
            yield position, CallError("request", reason)

    def draw(positions: Sequence[int]) -> Sequence[Drawing | CallError]:
        return _draw(painter, [requests[position] for position in positions], should_stop)

    try:
        for positions in sizes.values():
            for position, drawn in work_in_batches(positions, limit, draw, should_stop):
                yield position, _finish(drawn, requests[position], painter.unit)
    except Stopped:
        return


def _draw(
    painter: Painter, batch: Sequence[ImageRequest], should_stop: Callable[[], bool]
) -> Sequence[Drawing | CallError]:
    try:
        return painter.draw(batch, should_stop)
    except (CallError, Stopped):
        raise
    except Exception as error:  # pipelines of all kinds check their arguments by all kinds of errors
        if is_out_of_memory(error):
            raise
        return [CallError("request", f"The pipeline cannot draw this: {shorten(error)}") for _ in batch]


def _finish(drawn: Drawing | CallError | None, request: ImageRequest, unit: int) -> Answer | CallError:
    """The answer to a request. A picture that the pipeline's own check finds unsafe is kept, and says so."""
    if drawn is None:
        return CallError("request", f"A picture of {request.width} x {request.height} pixels does not fit into memory")
    if isinstance(drawn, CallError):
        return drawn
    notes = dict(drawn.notes) | ({"unsafe": True} if drawn.unsafe else {})
    data = encode_png(fit_picture(drawn.image, request.width, request.height, unit))
    return Answer(data=data, usage=Usage(images=1), finish="filter" if drawn.unsafe else "stop", notes=notes)
