"""What a column type is: a config that is data, and a function that turns it into a maker of values.

A type's module registers itself with `register` when it is imported; `registry` imports them all. Other packages
give a `ColumnType` by an entry point of the group `workbench.columns`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from workbench.columns.streams import Draws
from workbench.columns.values import Kind, Values
from workbench.spec.model import ColumnConfig
from workbench.spec.registry import Registry

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
    unique: bool = False
    """No two rows get the same value."""


Makers = Mapping[str, Maker]


@dataclass(frozen=True, slots=True)
class ColumnType:
    """`make(config, makers)` compiles a config, given the makers of the columns it refers to.

    It raises ValueError with a sentence for the user where the config cannot work. `example` is one line of YAML.
    """

    name: str
    group: Group
    config: type[ColumnConfig]
    make: Callable[[Any, Makers], Maker]
    example: str
    summary: str


COLUMNS: Registry[ColumnType] = Registry("workbench.columns")


def register(
    config: type[ColumnConfig], make: Callable[[Any, Makers], Maker], *, group: Group, example: str
) -> ColumnType:
    """Add a column type under the name of its config's `type`; its summary is the first line of the config's doc."""
    name = str(config.model_fields["type"].annotation.__args__[0])  # type: ignore[union-attr]
    summary = (config.__doc__ or "").strip().splitlines()[0]
    return COLUMNS.add(name, ColumnType(name, group, config, make, example, summary))
