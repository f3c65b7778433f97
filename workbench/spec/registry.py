"""The one kind of registry: a name in the YAML or on the command line leads to what stands behind it.

Built-in entries are added where they are defined; those of other packages come by entry points of the registry's
group (for instance `workbench.columns`), loaded on first use. A plug-in that fails to load is kept as a reason.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Generic, TypeVar

T = TypeVar("T")


class Registry(Generic[T]):
    """Names in the order they were added. `group` is the entry-point group that third parties use."""

    def __init__(self, group: str) -> None:
        self.group = group
        self.failures: dict[str, str] = {}
        self._entries: dict[str, T] = {}
        self._plugins_loaded = False

    def add(self, name: str, entry: T) -> T:
        """Register `entry`; a second entry of the same name is a programming error."""
        if name in self._entries:
            raise ValueError(f"{self.group}: {name!r} is registered twice")
        self._entries[name] = entry
        return entry

    def get(self, name: str) -> T | None:
        """The entry of that name, or None."""
        self._load_plugins()
        return self._entries.get(name)

    def names(self) -> list[str]:
        """All names, built-in ones first."""
        self._load_plugins()
        return list(self._entries)

    def items(self) -> Iterator[tuple[str, T]]:
        """All names with their entries."""
        self._load_plugins()
        yield from self._entries.items()

    def _load_plugins(self) -> None:
        if self._plugins_loaded:
            return
        self._plugins_loaded = True
        from importlib.metadata import entry_points  # 50 ms that --help need not pay

        for point in entry_points(group=self.group):
            try:
                self.add(point.name, point.load())
            except Exception as error:  # a third party's import may raise anything
                self.failures[point.name] = f"{type(error).__name__}: {error}"
