"""In which order columns can be made: each after those it is computed from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from graphlib import CycleError, TopologicalSorter


def order_names(needs: Mapping[str, Iterable[str]]) -> tuple[list[str], list[list[str]]]:
    """The names in an order where each comes after what it needs, as near to the given order as that allows.

    Also returns the cycles found, each as the names along it, from the first given one and without repeating it.
    Names on a cycle are left out of the order, and so are those that need them.
    """
    open_needs = {name: set(needed) & needs.keys() for name, needed in needs.items()}
    cycles: list[list[str]] = []
    while True:
        try:
            TopologicalSorter(open_needs).prepare()
            break
        except CycleError as error:
            cycle = list(reversed(error.args[1][1:]))
            first = min(cycle, key=list(needs).index)
            cycles.append(cycle[cycle.index(first) :] + cycle[: cycle.index(first)])
            for name in _find_dependents(open_needs, set(cycle)):
                del open_needs[name]
    order: list[str] = []
    waiting = list(open_needs)
    while waiting:
        ready = next(name for name in waiting if open_needs[name] <= set(order))
        order.append(ready)
        waiting.remove(ready)
    return order, cycles


def find_ancestors(needs: Mapping[str, Iterable[str]], names: Iterable[str]) -> set[str]:
    """`names` and all that they need, directly or not."""
    found: set[str] = set()
    open_names = list(names)
    while open_names:
        name = open_names.pop()
        if name not in found:
            found.add(name)
            open_names.extend(needs[name])
    return found


def _find_dependents(needs: Mapping[str, set[str]], names: set[str]) -> set[str]:
    found = set(names)
    while added := {name for name, needed in needs.items() if needed & found} - found:
        found |= added
    return found
