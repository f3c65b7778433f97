"""What a column type is: a config that is data, and a function that turns it into a maker of values.

A type's module registers itself with `register` when it is imported; `registry` imports them all. Other packages
give a `ColumnType` by an entry point of the group `workbench.columns`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from workbench.calls.session import Session
from workbench.columns.streams import Draws
from workbench.columns.values import Kind, Nested, Values
from workbench.spec.model import ColumnConfig, ModelConfig
from workbench.spec.registry import Registry

if TYPE_CHECKING:
    import pandas as pd

Group = Literal["samplers", "references", "derived", "generated", "checked"]
Row = Mapping[str, Values]


@dataclass(frozen=True, slots=True)
class Maker:
    """A column made ready once: `values(draws, inputs)` gives its values for the rows of `draws`.

    `inputs` holds the columns of `references()` for the same rows. What it returns for a row depends on that row's
    draws and inputs alone, so that rows can be made in any order and in any company.
    """

    kind: Kind
    values: Callable[[Draws, Row], Values]
    bounds: tuple[float, float] | None = None
    """Lowest and highest value that can occur (timestamps in microseconds since 1970), None where unknown."""
    options: tuple[Any, ...] | None = None
    """Every value that can occur where they are few and known, as plain Python values."""
    shares: tuple[float, ...] | None = None
    """How likely each of `options` is, where that depends on no other column."""
    unique: bool = False
    """No two rows get the same value."""
    members: Mapping[str, Kind] | None = None
    """Of the kind `struct`: the names of what it holds, with their kinds."""
    nested: Nested | None = None
    """Of the kind `nested`: what its values are made of."""
    serial: bool = False
    """The value of a row depends on other rows of its family, so it cannot be drawn again by itself."""
    files: Callable[[Draws, Row], list[bytes | None]] | None = None
    """The values are paths, relative to the dataset's folder, of files with this content; None for a null. It is
    asked once a block is committed, so that a preview makes no files."""
    find_lost: Callable[[Draws], NDArray[np.bool_]] | None = None
    """Which rows, once `values` has been asked for them, are to be left out because they got no answer."""
    costly: bool = False
    """A model is asked that costs time or money: never for rows that are left out, and by one process alone."""

    calls: float = 1.0
    """Where it is `costly`: about how many calls a row takes."""

    @property
    def shape(self) -> Nested:
        """What decides the Arrow type of the values."""
        return self.nested or self.members or self.kind


Makers = Mapping[str, Maker]


def _refuse_source(name: str) -> pd.DataFrame:
    raise ValueError(f"there is no source “{name}”")


def _number_nothing(name: str) -> None:
    return None


def _refuse_link(config: Any) -> Maker:
    raise ValueError("its table has no foreign key to that table")


def _refuse_synthesized(config: Any) -> Maker:
    raise ValueError("its table has no synthesizer")


@dataclass(frozen=True, slots=True)
class TableContext:
    """What a column may know of its surroundings when it is compiled.

    `makers` are those of the columns it refers to, `rows` the size of its table, `models` the spec's models, which
    `session` asks. `read_source(name)` gives the part of a real table that may be learned from (never its holdout),
    `make_link(config)` the maker of a column of the row that a foreign key leads to, `make_synthesized(config)` that
    of a column of the table's synthesizer; all raise ValueError with a sentence for the user. `number_source(name)`
    gives for each row of `read_source(name)` its number in the whole source, None where that is not known.
    """

    makers: Makers = field(default_factory=dict)
    rows: int = 1
    models: Mapping[str, ModelConfig] = field(default_factory=dict)
    session: Session = field(default_factory=Session)
    read_source: Callable[[str], pd.DataFrame] = _refuse_source
    make_link: Callable[[Any], Maker] = _refuse_link
    make_synthesized: Callable[[Any], Maker] = _refuse_synthesized
    number_source: Callable[[str], NDArray[np.int64] | None] = _number_nothing


Make = Callable[[Any, TableContext], Maker]


@dataclass(frozen=True, slots=True)
class ColumnType:
    """`make(config, context)` compiles a config.

    It raises ValueError with a sentence for the user where the config cannot work. `example` is one line of YAML.
    """

    name: str
    group: Group
    config: type[ColumnConfig]
    make: Make
    example: str
    summary: str


COLUMNS: Registry[ColumnType] = Registry("workbench.columns")


def register(config: type[ColumnConfig], make: Make, *, group: Group, example: str) -> ColumnType:
    """Add a column type under the name of its config's `type`; its summary is the first line of the config's doc."""
    name = str(config.model_fields["type"].annotation.__args__[0])  # type: ignore[union-attr]
    summary = (config.__doc__ or "").strip().splitlines()[0]
    return COLUMNS.add(name, ColumnType(name, group, config, make, example, summary))
