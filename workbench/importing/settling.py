"""The last step of an import: what the check of specs refuses is written as a comment instead.

An importer asks the registry about each column alone; only the whole spec shows that a sampler cannot follow another
one, or that a rule leaves nothing to draw. The user gets a spec that works, and every column of the original in it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from workbench.files import clean_text
from workbench.importing.draft import Draft, DraftItem, DraftTable
from workbench.importing.writing import write_draft
from workbench.spec.problems import Problem

Check = Callable[[str], Sequence[Problem]]

_MOST_ROUNDS = 60


def settle_draft(draft: Draft, check: Check) -> str:
    """The text of the draft once `check`, which gives the problems of a spec's text, finds no error in it.

    Columns and constraints with an error are disabled in place and named in the draft's notes; so are errors that
    belong to neither, which stay.
    """
    for _ in range(_MOST_ROUNDS):
        _fill_empty_tables(draft)
        text = write_draft(draft)
        errors = [problem for problem in check(text) if problem.level == "error"]
        found = [(_find_item(draft, problem), problem) for problem in errors]
        places = {id(item): (item, problem) for item, problem in found if item is not None}
        if not places:
            break
        for item, problem in places.values():
            item.disabled = True
            reason = f"{problem.message} {problem.hint}".strip()
            item.comments.insert(0, f"not converted: {reason}")
            name = item.fields.get("name") or f"the constraint {item.fields.get('type')}"
            draft.notes.append(clean_text(f"{name} could not be converted: {reason}"))
    for problem in errors:
        draft.notes.append(f"Line {problem.line} of the spec: {problem.message} {problem.hint}".strip())
    return text


def _fill_empty_tables(draft: Draft) -> None:
    for table in draft.tables:
        if all(item.disabled for item in table.columns):
            table.columns.append(DraftItem({"name": "row_id", "type": "id"}, ["a table needs a column of its own"]))
        if table.primary_key is not None and table.find(table.primary_key) is None:
            table.comments.append(f"not converted: primary_key: {table.primary_key}")
            table.primary_key = None


def _find_item(draft: Draft, problem: Problem) -> DraftItem | None:
    """The column or constraint that the problem's path leads to; indices count those that are not disabled."""
    path = problem.path
    table: DraftTable | None = draft.tables[0]
    if path[:1] == ("tables",) and len(path) > 1:
        table = next((each for each in draft.tables if each.name == path[1]), None)
        path = path[2:]
    if table is None or len(path) < 2 or path[0] not in ("columns", "constraints") or not isinstance(path[1], int):
        return None
    live = [item for item in (table.columns if path[0] == "columns" else table.constraints) if not item.disabled]
    return live[path[1]] if path[1] < len(live) else None
