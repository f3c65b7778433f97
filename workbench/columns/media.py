"""What `image` and `audio` share: the values are paths at once, the files are made when a block is committed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from pydantic import field_validator

from workbench.columns.column_type import Maker, Row, TableContext
from workbench.columns.generated import GeneratedConfig, SkipConfig, compile_skip, spread
from workbench.columns.streams import Draws
from workbench.columns.values import Values

Request = TypeVar("Request")


class MediaConfig(GeneratedConfig):
    """A column of files that a model makes."""

    @field_validator("skip")
    @classmethod
    def validate_skip(cls, skip: SkipConfig | None) -> SkipConfig | None:
        if skip is not None and skip.value is not None:
            raise ValueError("a skipped row has no file: take “value” out")
        return skip


def make_media(
    config: MediaConfig,
    context: TableContext,
    suffix: str,
    read: Callable[[Draws, Row], list[Request | None]],
    produce: Callable[[Sequence[Request]], list[bytes]],
) -> Maker:
    """A maker of the paths `media/TABLE/COLUMN/ROW.suffix`, null where `read` asks for nothing.

    `read` gives the request of each row, from which `produce` makes the files.
    """
    is_asked = compile_skip(config, context)

    def ask(draws: Draws, inputs: Row) -> list[Request | None]:
        asked = is_asked(draws, inputs)
        rows = {name: column.take(asked) for name, column in inputs.items()}
        requests = iter(read(draws.select(asked), rows))
        return [next(requests) if said else None for said in asked.tolist()]

    def values(draws: Draws, inputs: Row) -> Values:
        folder = f"media/{draws.table}/{draws.column}"
        requests = zip(draws.rows.tolist(), ask(draws, inputs), strict=True)
        return spread([None if request is None else f"{folder}/{row:09d}.{suffix}" for row, request in requests])

    def files(draws: Draws, inputs: Row) -> list[bytes | None]:
        requests = ask(draws, inputs)
        made = iter(produce([request for request in requests if request is not None]))
        return [None if request is None else next(made) for request in requests]

    return Maker("string", values, files=files)
