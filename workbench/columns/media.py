"""What `image` and `audio` share: the values are paths, the files are made when a block is committed.

A model that costs something is asked for the values already, since a row that fails has no path; its files then come
from the store of answers. Until the next block the session knows what makes each path, so that other columns can look
at a picture.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from workbench.calls.asking import ask
from workbench.calls.failures import Place, Rejected
from workbench.calls.session import Session
from workbench.columns.column_type import Maker, Row, TableContext
from workbench.columns.generated import ColumnModel, NullSkippedConfig, compile_skip, spread
from workbench.columns.streams import Draws
from workbench.columns.values import Values
from workbench.providers.requests import Answer, ImageRequest, SpeechRequest

_MOST_TRIES = 100  # the row got its file within the tries of its own column

MediaRequest = TypeVar("MediaRequest", ImageRequest, SpeechRequest)


class MediaConfig(NullSkippedConfig):
    """A column of files that a model makes."""

    SKIPPED: ClassVar[str] = "a skipped row has no file"


def make_media(
    config: MediaConfig,
    context: TableContext,
    model: ColumnModel,
    suffix: str,
    read: Callable[[Draws, Row], list[MediaRequest | None]],
) -> Maker:
    """A maker of the paths `media/TABLE/COLUMN/ROW.suffix`, null where `read` asks for nothing or nothing was made.

    `read` gives the request of each row.
    """
    is_asked = compile_skip(config, context)
    session = context.session

    def choose(draws: Draws, inputs: Row) -> list[MediaRequest | None]:
        asked = is_asked(draws, inputs)
        rows = {name: column.take(asked) for name, column in inputs.items()}
        requests = iter(read(draws.select(asked), rows))
        return [next(requests) if said else None for said in asked.tolist()]

    def produce(draws: Draws, requests: list[MediaRequest | None], *, counts: bool) -> list[bytes | None]:
        places = [place for place, request in enumerate(requests) if request is not None]
        wanted = [request for request in requests if request is not None]
        made = model.ask(draws.select(_index(places)), wanted, [read_file] * len(wanted), counts=counts)
        contents: list[bytes | None] = [None] * len(requests)
        for place, content in zip(places, made, strict=True):
            contents[place] = content
        return contents

    def values(draws: Draws, inputs: Row) -> Values:
        requests = choose(draws, inputs)
        if model.is_costly:
            contents = produce(draws, requests, counts=True)
            requests = [
                None if content is None else request for request, content in zip(requests, contents, strict=True)
            ]
        paths: list[str | None] = []
        for row, request in zip(draws.rows.tolist(), requests, strict=True):
            path = None if request is None else name_file(draws, row, suffix)
            paths.append(path)
            if path is not None and request is not None:
                session.media[path] = (model.model, Place(draws.table, draws.column), row, request)
        return spread(paths)

    def files(draws: Draws, inputs: Row) -> list[bytes | None]:
        requests = choose(draws, inputs)
        for place, row in enumerate(draws.rows.tolist()):
            # A row that was drawn again, to keep a rule, has the request of its last draw.
            known = session.media.get(name_file(draws, row, suffix))
            if known is not None:
                requests[place] = cast(MediaRequest, known[3])
        return produce(draws, requests, counts=not model.is_costly)

    return Maker("string", values, files=files, find_lost=model.dropper, costly=model.is_costly)


def name_file(draws: Draws, row: int, suffix: str) -> str:
    """The path of the file of a row, relative to the dataset's folder."""
    return f"media/{draws.table}/{draws.column}/{row:09d}.{suffix}"


def read_file(answer: Answer) -> bytes:
    """The file of an answer. Raises Rejected where there is none."""
    if not answer.data:
        raise Rejected("empty answer", "a filter held it back" if answer.finish == "filter" else "there is no file")
    return answer.data


def read_media(session: Session, paths: Sequence[str | None]) -> list[bytes | None]:
    """The files of the block in the making that `paths` name, made again or taken from the store; None for null."""
    contents: list[bytes | None] = []
    for path in paths:
        known = None if path is None else session.media.get(path)
        if known is None:
            contents.append(None)
            continue
        model, place, row, request = known
        contents += ask(session, model, place, [row], [request], [read_file], _MOST_TRIES, counts=False)
    return contents


def _index(places: Sequence[int]) -> NDArray[np.int64]:
    return np.array(places, np.int64)
