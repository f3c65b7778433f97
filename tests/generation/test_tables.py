"""Several tables: every child has its parent, any rows can be made alone, and numbers mean what they say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.datasets.table_links import list_links
from workbench.generation.blocks import make_block
from workbench.generation.check import check_text
from workbench.generation.links import CHUNK, count_rows
from workbench.generation.plan import Plan
from workbench.spec.problems import Problem

PlanOf = Callable[[str], Plan]
ProblemsOf = Callable[[str], list[Problem]]

SHOP = """name: shop
seed: 5
tables:
  lines:
    rows: 2000
    foreign_keys:
      - {column: order_id, table: orders, per_parent: {type: uniform_int, low: 0, high: 6}}
      - {column: courier, table: customers}
    columns:
      - {name: sku, type: category, values: [a, b, c]}
      - {name: customer, type: foreign_key, table: orders, column: customer_id}
      - {name: ordered, type: foreign_key, table: orders, column: at}
  customers:
    rows: 150
    primary_key: customer_id
    columns:
      - {name: customer_id, type: id, pattern: "C{n:05d}"}
      - {name: segment, type: category, values: {new: 0.5, old: 0.5}}
      - {name: age, type: uniform_int, low: 0, high: 99}
      - {name: code, type: expression, expression: "age * 3"}
    constraints: [{type: expression, expression: "code > 290 or age < 90"}]
  orders:
    primary_key: order_id
    foreign_keys: [{column: customer_id, table: customers, per_parent: {type: poisson, mean: 4}}]
    columns:
      - {name: order_id, type: id}
      - {name: segment, type: foreign_key, table: customers, column: segment}
      - {name: age, type: foreign_key, table: customers, column: age, drop: true}
      - {name: at, type: datetime, start: 2026-01-01, end: 2026-06-30}
      - {name: senior, type: expression, expression: "age >= 60"}
"""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    checked = check_text(SHOP, tmp_path_factory.getbasetemp())
    assert checked.problems == []
    assert checked.plan is not None
    return checked.plan


def read(plan: Plan, table: str, start: int = 0, stop: int | None = None) -> dict[str, list[object]]:
    block = make_block(plan, table, start, plan.tables[table].rows if stop is None else stop)
    return {name: values.to_list() for name, values in block.columns.items()}


def test_children_may_stand_before_their_parents_in_the_spec(shop: Plan) -> None:
    assert list(shop.tables) == ["lines", "customers", "orders"]


def test_every_foreign_key_leads_to_a_row_that_is_there(shop: Plan) -> None:
    customers, orders, lines = (read(shop, name) for name in ("customers", "orders", "lines"))
    assert set(orders["customer_id"]) <= set(customers["customer_id"])
    assert set(lines["order_id"]) <= set(orders["order_id"])
    assert set(lines["courier"]) <= set(customers["customer_id"])


def test_a_column_read_along_a_key_is_that_of_the_parent_s_row(shop: Plan) -> None:
    customers, orders, lines = (read(shop, name) for name in ("customers", "orders", "lines"))
    segments = dict(zip(customers["customer_id"], customers["segment"], strict=True))
    assert orders["segment"] == [segments[key] for key in orders["customer_id"]]
    owners = dict(zip(orders["order_id"], orders["customer_id"], strict=True))
    moments = dict(zip(orders["order_id"], orders["at"], strict=True))
    assert lines["customer"] == [owners[key] for key in lines["order_id"]]
    assert lines["ordered"] == [moments[key] for key in lines["order_id"]]


def test_a_table_with_rows_has_exactly_these_and_one_without_what_per_parent_gives(shop: Plan) -> None:
    assert shop.tables["lines"].rows == 2000
    assert 480 <= shop.tables["orders"].rows <= 720
    assert len(read(shop, "lines")["sku"]) == 2000


def test_children_stand_in_the_order_of_their_parents(shop: Plan) -> None:
    keys = read(shop, "lines")["order_id"]
    assert keys == sorted(keys)  # type: ignore[type-var]


@settings(max_examples=30, deadline=None)
@given(
    table=st.sampled_from(["customers", "orders", "lines"]), ends=st.tuples(st.integers(0, 500), st.integers(0, 500))
)
def test_any_rows_made_alone_are_those_of_the_whole_table(shop: Plan, table: str, ends: tuple[int, int]) -> None:
    start, stop = (min(end, shop.tables[table].rows) for end in sorted(ends))
    whole, part = make_block(shop, table, 0, shop.tables[table].rows), make_block(shop, table, start, stop)
    inside = (whole.rows >= start) & (whole.rows < stop)
    assert whole.rows[inside].tolist() == part.rows.tolist()
    for name, values in part.columns.items():
        assert whole.columns[name].take(inside).to_list() == values.to_list()


def test_children_of_a_row_that_is_left_out_are_left_out_and_counted(plan_of: PlanOf) -> None:
    text = """name: x
tables:
  a:
    rows: 400
    primary_key: id
    columns: [{name: id, type: id}]
    constraints: [{type: expression, expression: "id % 4 != 0"}]
  b:
    foreign_keys: [{column: a_id, table: a, per_parent: 3}]
    columns: [{name: n, type: id}]
  c:
    rows: 500
    foreign_keys: [{column: a_id, table: a}]
    columns: [{name: n, type: id}]
"""
    plan = plan_of(text)
    block = make_block(plan, "b", 0, plan.tables["b"].rows)
    assert len(block.rows) == 900
    assert dict(block.rejected) == {"the row it refers to was left out": 300}
    picked = make_block(plan, "c", 0, 500)
    assert len(picked.rows) == 500
    assert all(key % 4 for key in picked.columns["a_id"].to_list())


def test_numbers_of_children_follow_their_distribution(plan_of: PlanOf) -> None:
    text = """name: x
tables:
  a: {rows: 4000, primary_key: id, columns: [{name: id, type: id}]}
  b:
    foreign_keys: [{column: a_id, table: a, per_parent: {type: poisson, mean: 2}}]
    columns: [{name: n, type: id}]
"""
    plan = plan_of(text)
    keys = read(plan, "b")["a_id"]
    counts = Counter(Counter(keys).values())
    childless = 4000 - len(set(keys))
    assert childless / 4000 == pytest.approx(np.exp(-2), abs=0.02)
    assert counts[2] / 4000 == pytest.approx(2 * np.exp(-2), abs=0.02)


def test_per_parent_may_depend_on_the_parent(plan_of: PlanOf) -> None:
    text = """name: x
tables:
  a:
    rows: 100
    primary_key: id
    columns: [{name: id, type: id}, {name: big, type: category, values: {true: 0.5, false: 0.5}}]
  b:
    foreign_keys: [{column: a_id, table: a, per_parent: {type: expression, expression: "5 if big else 1"}}]
    columns: [{name: n, type: id}]
"""
    plan = plan_of(text)
    sizes = dict(zip(read(plan, "a")["id"], read(plan, "a")["big"], strict=True))
    counts = Counter(read(plan, "b")["a_id"])
    assert all(counts[key] == (5 if big else 1) for key, big in sizes.items())


@settings(max_examples=60, deadline=None)
@given(counts=st.lists(st.integers(0, 5), min_size=1, max_size=40), rows=st.none() | st.integers(1, 200))
def test_every_row_has_one_parent_and_the_sum_is_exact(counts: list[int], rows: int | None) -> None:
    numbers = np.array(counts)
    if not numbers.sum():
        with pytest.raises(ValueError, match="no row to any parent"):
            count_rows(lambda parents: numbers[parents], len(counts), rows)
        return
    brood = count_rows(lambda parents: numbers[parents], len(counts), rows)
    parents, family = brood.find(np.arange(brood.rows))
    assert brood.rows == (rows or numbers.sum())
    assert (np.diff(parents) >= 0).all()
    if rows is None:
        assert np.bincount(parents, minlength=len(counts)).tolist() == counts
    assert (np.bincount(parents, minlength=len(counts))[parents] == family.size).all()
    assert (family.first == np.searchsorted(parents, parents)).all()


def test_parents_of_far_away_rows_are_found_across_chunks() -> None:
    brood = count_rows(lambda parents: parents % 3, 3 * CHUNK, None)
    rows = np.array([0, brood.rows // 2, brood.rows - 1])
    parents, family = brood.find(rows)
    whole = np.repeat(np.arange(3 * CHUNK), np.arange(3 * CHUNK) % 3)
    assert parents.tolist() == whole[rows].tolist()
    assert family.size.tolist() == (parents % 3).tolist()


TABLES = """name: x
tables:
  a: {rows: 5, primary_key: id, columns: [{name: id, type: id}]}
  p: {rows: 5, columns: [{name: id, type: id}]}
"""


def child(keys: str, columns: str = "{name: n, type: id}", more: str = "") -> str:
    """A table b with these foreign keys."""
    return f"  b: {{{more}foreign_keys: [{keys}], columns: [{columns}]}}\n"


WRONG: dict[str, tuple[str, str]] = {
    "an unknown table": (child("{column: k, table: aa}", more="rows: 5, "), "There is no table “aa”"),
    "a table without a key": (child("{column: k, table: p}", more="rows: 5, "), "no primary key to refer to"),
    "no rows": (child(""), "does not say how many rows"),
    "no rows with a key": (child("{column: k, table: a}"), "does not say how many rows"),
    "two per_parent": (
        child("{column: k, table: a, per_parent: 2}, {column: j, table: a, per_parent: 2}"),
        "Two foreign keys have “per_parent”",
    ),
    "a sampler of fractions": (
        child("{column: k, table: a, per_parent: {type: normal, mean: 2, stddev: 1}}"),
        "it must give whole numbers",
    ),
    "an unknown sampler": (
        child("{column: k, table: a, per_parent: {type: poison, mean: 2}}"),
        "Unknown column type “poison”",
    ),
    "no children at all": (
        child("{column: k, table: a, per_parent: {type: uniform_int, low: 0, high: 0}}"),
        "gives no row to any parent",
    ),
    "a circle": (
        child("{column: k, table: c}", more="rows: 5, primary_key: n, ")
        + child("{column: k, table: b}", more="rows: 5, primary_key: n, ").replace("  b:", "  c:"),
        "“b” refers to “c”, which refers to “b”",
    ),
    "a column that the parent lacks": (
        child("{column: k, table: a, per_parent: 2}", "{name: n, type: foreign_key, table: a, column: idd}"),
        "the table “a” has no column “idd”",
    ),
    "no way to the table": (
        child("", "{name: n, type: foreign_key, table: a, column: id}", "rows: 5, "),
        "this table has no foreign key to “a”",
    ),
    "two ways to the table": (
        child(
            "{column: k, table: a}, {column: j, table: a}",
            "{name: n, type: foreign_key, table: a, column: id}",
            "rows: 5, ",
        ),
        "say which with “via”",
    ),
    "a key that is made in another way": (child("{column: n, table: a}", more="rows: 5, "), "made in another way"),
}


@pytest.mark.parametrize(("text", "words"), WRONG.values(), ids=WRONG)
def test_a_wrong_foreign_key_is_a_problem_with_its_line(problems_of: ProblemsOf, text: str, words: str) -> None:
    problems = problems_of(TABLES + text)
    assert any(words in f"{problem.message} {problem.hint}" and problem.line >= 5 for problem in problems), problems


def test_rows_that_per_parent_does_not_come_near_are_warned_of(problems_of: ProblemsOf) -> None:
    problems = problems_of(TABLES + child("{column: k, table: a, per_parent: 2}", more="rows: 500, "))
    assert [problem.level for problem in problems] == ["warning"]
    assert "“per_parent” makes 10 rows and “rows” asks for 500" in problems[0].message


def test_a_column_that_follows_a_key_is_no_key_itself(shop: Plan) -> None:
    for table, columns in {"lines": ["order_id", "courier"], "orders": ["customer_id"], "customers": []}.items():
        assert [link.column for link in list_links(shop.spec, table)] == columns
        assert list(shop.tables[table].links) == columns
