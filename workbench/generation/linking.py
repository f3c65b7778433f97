"""Foreign keys of a spec resolved: to which table each leads, how many rows it makes, and what can be read along it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from workbench.calls.session import NotAsked, Session
from workbench.columns.column_type import Maker, TableContext
from workbench.columns.foreign_key import ForeignKeyColumnConfig
from workbench.columns.registry import COLUMNS
from workbench.errors import WorkbenchError
from workbench.generation.blocks import open_rows
from workbench.generation.inner_samplers import read_sampler
from workbench.generation.links import Brood, Link, Whole, count_rows, make_counter
from workbench.generation.plan import TablePlan
from workbench.spec.model import ColumnConfig, ForeignKeyConfig, Spec, TableConfig
from workbench.spec.problems import Path, Problem, end_sentence, suggest


def add_key_columns(
    table: TableConfig, configs: dict[str, ColumnConfig], path: Path, problems: list[Problem]
) -> dict[str, ColumnConfig]:
    """The columns with one for each entry of `foreign_keys` that is not among them, after the primary key."""
    missing = {}
    seen: set[str] = set()
    for position, entry in enumerate(table.foreign_keys):
        spot = (*path, "foreign_keys", position)
        present = configs.get(entry.column)
        if entry.column in seen:
            message = f"Two foreign keys have the column “{entry.column}”."
            problems.append(Problem(message, "Rename one of them.", (*spot, "column")))
        elif present is None:
            missing[entry.column] = ForeignKeyColumnConfig(
                name=entry.column, type="foreign_key", table=entry.table, per_parent=entry.per_parent
            )
        elif not isinstance(present, ForeignKeyColumnConfig) or present.column or present.table != entry.table:
            message = f"The column “{entry.column}” is made in another way under “columns”."
            hint = "Take it out there: the foreign key makes it."
            problems.append(Problem(message, hint, (*spot, "column")))
        seen.add(entry.column)
    names = list(configs)
    first = 1 if names and names[0] == table.primary_key else 0
    own = {name: configs[name] for name in names[:first]}
    return own | missing | {name: configs[name] for name in names[first:]}


@dataclass(frozen=True, slots=True)
class LearnedCounter:
    """What a synthesizer has learned of how many rows each parent has, along the foreign key `column`.

    `count(parents)` gives them for some parents; equal `identity` means equal numbers.
    """

    column: str
    count: Callable[[Whole], Whole]
    identity: tuple[object, ...]


def plan_links(
    spec: Spec,
    name: str,
    planned: Mapping[str, TablePlan],
    path: Path,
    problems: list[Problem],
    session: Session,
    learned: LearnedCounter | None = None,
) -> tuple[dict[str, Link], int | None]:
    """The links of a table by their column, and its number of rows; None where a problem keeps it from being known.

    `learned` counts the rows of each parent where a synthesizer has learned that.
    """
    table = spec.tables[name]
    links: dict[str, Link] = {}
    before = len(problems)
    brood: Brood | None = None
    for key, place in table.find_keys().values():
        spot = (*path, *place)
        if key.table not in spec.tables:
            message = f"There is no table “{key.table}”."
            problems.append(Problem(message, suggest(key.table, spec.tables), (*spot, "table")))
            continue
        parent = planned[key.table]
        if spec.tables[key.table].primary_key is None:
            message = f"The table “{key.table}” has no primary key to refer to."
            problems.append(Problem(message, "Add “primary_key:” to it.", (*spot, "table")))
            continue
        if parent.uniques:
            message = f"Rows of “{key.table}” may be left out by its constraint {parent.uniques[0].text}."
            hint = "A table that others refer to needs columns that are unique by themselves: id, uuid or unique: true."
            problems.append(Problem(message, hint, (*spot, "table")))
            continue
        link = Link(name, key.column, parent, spec.seed, open_rows)
        if key.per_parent is not None and brood is not None:
            message = "Two foreign keys have “per_parent”, and the rows can be made for one of them only."
            problems.append(Problem(message, "Take it out of one.", (*spot, "per_parent")))
            continue
        if key.per_parent is not None:
            brood = link.brood = _plan_brood(spec, name, key, parent, (*spot, "per_parent"), problems, session)
        elif learned is not None and learned.column == key.column and brood is None:
            brood = link.brood = _count_learned(learned, parent, table.rows, (*spot, "column"), problems)
        links[key.column] = link
    if len(problems) > before:
        return links, None
    if brood is not None:
        if learned is None:
            _compare_rows(table, brood, path, problems)
        return links, brood.rows
    if table.rows is None:
        hint = "Add “rows:”" + (", or “per_parent:” to a foreign key." if links else ".")
        problems.append(Problem(f"The table “{name}” does not say how many rows it has.", hint, path))
    return links, table.rows


def make_link_maker(config: ForeignKeyColumnConfig, links: Mapping[str, Link], spec: Spec) -> Maker:
    """The maker of a column that follows a foreign key. Raises ValueError with a sentence for the user."""
    link = _choose_link(config, links)
    parent = link.parent
    column = config.column or str(spec.tables[parent.name].primary_key)
    if column not in parent.columns:
        raise ValueError(f"the table “{parent.name}” has no column “{column}”. {suggest(column, parent.columns)}")
    planned = parent.columns[column]
    plain = not planned.branches and planned.decider is None and planned.increment is None
    return Maker(
        planned.maker.kind,
        lambda draws, inputs: link.read(draws.rows, column),
        planned.maker.bounds if plain else None,
        planned.maker.options if plain else None,
        members=planned.maker.members,
        nested=planned.maker.nested,
        serial=True,
    )


def _choose_link(config: ForeignKeyColumnConfig, links: Mapping[str, Link]) -> Link:
    if config.column is None:
        if config.name not in links:
            raise ValueError("its foreign key cannot be used")
        return links[config.name]
    if config.via is not None:
        if config.via not in links:
            raise ValueError(f"there is no foreign key “{config.via}” in this table. {suggest(config.via, links)}")
        found = [links[config.via]]
    else:
        found = [link for link in links.values() if link.parent.name == config.table]
    if not found or found[0].parent.name != config.table:
        raise ValueError(f"this table has no foreign key to “{config.table}”; add one under “foreign_keys”")
    if len(found) > 1:
        names = " and ".join(f"“{link.column}”" for link in found)
        raise ValueError(f"{names} both lead to “{config.table}”; say which with “via”")
    return found[0]


def _plan_brood(
    spec: Spec,
    name: str,
    key: ForeignKeyConfig,
    parent: TablePlan,
    spot: Path,
    problems: list[Problem],
    session: Session,
) -> Brood | None:
    """The rows that each parent gets; where it cannot be known a problem is added."""
    maker: Maker | int
    needs: list[str] = []
    if isinstance(key.per_parent, dict):
        config = read_sampler(key.per_parent, key.column, spot, problems)
        column_type = COLUMNS.get(config.type) if config is not None else None
        if config is None or column_type is None:
            return None
        try:
            needs = sorted(config.references())
            unknown = [each for each in needs if each not in parent.columns]
            if unknown:
                raise ValueError(f"the table “{parent.name}” has no column “{unknown[0]}”")
            makers = {each: parent.columns[each].maker for each in needs}
            maker = column_type.make(config, TableContext(makers, parent.rows, spec.models, session))
            if maker.kind != "int64":
                raise ValueError("it must give whole numbers: use poisson or uniform_int, or “decimals: 0”")
        except ValueError as error:
            problems.append(Problem(f"“per_parent” cannot be used: {end_sentence(error)}", "", spot))
            return None
    else:
        maker = int(key.per_parent or 0)
        if not 1 <= maker <= 1_000_000_000:
            message = "“per_parent” must be a whole number from 1 to 1,000,000,000."
            problems.append(Problem(message, "Give one, or a sampler.", spot))
            return None
    count = make_counter(maker, needs, name, key.column, parent, spec.seed, open_rows)
    known = None if needs else (spec.seed, name, key.column, repr(key.per_parent), parent.rows)
    try:
        with session.paused():
            return count_rows(count, parent.rows, spec.tables[name].rows, known)
    except NotAsked as error:
        message = f"“per_parent” cannot depend on what a model writes: {error.cause}"
        problems.append(Problem(message, "Let it depend on other columns.", spot))
        return None
    except ValueError as error:
        problems.append(Problem(f"{str(error)[:1].upper()}{str(error)[1:]}.", "Raise its numbers.", spot))
        return None


def _count_learned(
    learned: LearnedCounter, parent: TablePlan, rows: int | None, spot: Path, problems: list[Problem]
) -> Brood | None:
    try:
        return count_rows(learned.count, parent.rows, rows, learned.identity)
    except WorkbenchError as error:
        problems.append(Problem(error.cause, error.solution, spot))
        return None
    except ValueError as error:
        problems.append(Problem(f"{str(error)[:1].upper()}{str(error)[1:]}.", "Give “rows” or “per_parent”.", spot))
        return None


def _compare_rows(table: TableConfig, brood: Brood, path: Path, problems: list[Problem]) -> None:
    """Warn where `rows` and `per_parent` speak of different amounts."""
    drawn = int(brood.totals[-1])
    if table.rows is not None and not 0.8 <= table.rows / drawn <= 1.25:
        message = f"“per_parent” makes {drawn:,} rows and “rows” asks for {table.rows:,}: each parent's are scaled."
        problems.append(Problem(message, "Leave “rows” out, or change “per_parent”.", (*path, "rows"), level="warning"))
