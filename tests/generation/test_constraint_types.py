"""Each type of constraint: rows keep it, by construction where it can be, and what cannot hold is found beforehand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from workbench.generation.blocks import Block, make_block
from workbench.generation.plan import Plan
from workbench.spec.problems import Problem

PlanOf = Callable[[str], Plan]
ProblemsOf = Callable[[str], list[Problem]]

COLUMNS = """name: t
rows: 4000
columns:
  - {name: id, type: id}
  - {name: city, type: category, values: {Berlin: 0.6, Paris: 0.3, Rome: 0.1}}
  - {name: country, type: category, values: {DE: 0.2, FR: 0.4, IT: 0.4}}
  - {name: a, type: bernoulli, p: 0.5}
  - {name: b, type: bernoulli, p: 0.25}
  - {name: c, type: uniform_int, low: 0, high: 1}
  - {name: price, type: uniform, low: 0.1, high: 9.9, missing: 0.1}
  - {name: count, type: poisson, mean: 40}
  - {name: total, type: expression, expression: "price * count"}
"""


def make(plan: Plan, start: int = 0, stop: int | None = None) -> Block:
    return make_block(plan, "t", start, plan.tables["t"].rows if stop is None else stop)


def rows_of(block: Block, *names: str) -> list[tuple[object, ...]]:
    return list(zip(*(block.columns[name].to_list() for name in names), strict=True))


def test_a_range_cuts_the_sampler_so_that_nothing_is_drawn_again(plan_of: PlanOf) -> None:
    text = (
        COLUMNS
        + "constraints: [{type: range, column: price, low: 2.5, high: 3}, {type: range, column: count, low: 55}]\n"
    )
    plan = plan_of(text)
    block = make(plan)
    prices = [price for (price,) in rows_of(block, "price") if price is not None]
    assert 2.5 <= min(prices) <= max(prices) <= 3
    assert min(block.columns["count"].to_list()) >= 55
    assert plan.tables["t"].columns["count"].maker.bounds[0] == 55  # type: ignore[index]
    assert len(block.rows) == 4000


def test_fixed_increments_leave_only_multiples_and_keep_nulls(plan_of: PlanOf) -> None:
    block = make(plan_of(COLUMNS + "constraints: [{type: fixed_increments, column: price, increment: 0.05}]\n"))
    prices = [price for (price,) in rows_of(block, "price")]
    assert prices.count(None) == pytest.approx(400, abs=80)
    steps = {f"{price:.12g}" for price in prices if price is not None}
    assert len(steps) == 197  # 0.1, 0.15 … 9.9
    assert all(len(step) <= 4 for step in steps)


def test_fixed_increments_of_whole_numbers_and_of_computed_columns(plan_of: PlanOf) -> None:
    rules = "constraints:\n  - {type: fixed_increments, column: count, increment: 12}\n"
    rules += "  - {type: fixed_increments, column: total, increment: 5}\n"
    block = make(plan_of(COLUMNS + rules))
    assert {count % 12 for (count,) in rows_of(block, "count")} == {0}  # type: ignore[operator]
    assert {total % 5 for (total,) in rows_of(block, "total") if total is not None} == {0.0}  # type: ignore[operator]


def test_fixed_combinations_of_independent_columns_are_drawn_as_one(plan_of: PlanOf) -> None:
    values = "[[Berlin, DE], [Paris, FR], [Rome, IT]]"
    rule = f"constraints: [{{type: fixed_combinations, columns: [city, country], values: {values}}}]\n"
    plan = plan_of(COLUMNS + rule)
    block = make(plan)
    counts = Counter(rows_of(block, "city", "country"))
    assert set(counts) == {("Berlin", "DE"), ("Paris", "FR"), ("Rome", "IT")}
    assert counts["Berlin", "DE"] / 4000 == pytest.approx(0.12 / 0.28, abs=0.03)
    assert counts["Rome", "IT"] / 4000 == pytest.approx(0.04 / 0.28, abs=0.03)
    assert not block.rejected
    assert rows_of(make(plan, 1000, 1100), "city", "country") == rows_of(block, "city", "country")[1000:1100]


def test_fixed_combinations_of_dependent_columns_are_drawn_again(plan_of: PlanOf) -> None:
    text = """name: t
rows: 3000
columns:
  - {name: kind, type: category, values: [x, y]}
  - {name: size, type: category, given: kind, values: {x: [1, 2], y: [2, 3]}}
constraints: [{type: fixed_combinations, columns: [kind, size], values: [[x, 1], [y, 3], [y, 2]]}]
"""
    counts = Counter(rows_of(make(plan_of(text)), "kind", "size"))
    assert set(counts) == {("x", 1), ("y", 2), ("y", 3)}
    assert counts["x", 1] / 3000 == pytest.approx(1 / 3, abs=0.04)


def test_fixed_combinations_may_come_from_a_source(plan_of: PlanOf, tmp_path: Path) -> None:
    (tmp_path / "real.csv").write_text("city,country\n" + "Berlin,DE\nParis,FR\n" * 30)
    text = COLUMNS + "sources: {real: {path: real.csv, holdout: 0}}\n"
    text += "constraints: [{type: fixed_combinations, columns: [city, country], source: real}]\n"
    assert set(rows_of(make(plan_of(text)), "city", "country")) == {("Berlin", "DE"), ("Paris", "FR")}


def test_one_hot_leaves_exactly_one_true(plan_of: PlanOf) -> None:
    block = make(plan_of(COLUMNS + "constraints: [{type: one_hot, columns: [a, b, c]}]\n"))
    assert {int(a) + int(b) + c for a, b, c in rows_of(block, "a", "b", "c")} == {1}  # type: ignore[call-overload, operator]
    assert len(block.rows) == 4000


def test_an_expression_is_true_in_every_row_that_has_its_values(plan_of: PlanOf) -> None:
    block = make(plan_of(COLUMNS + 'constraints: [{type: expression, expression: "total < 200 or a"}]\n'))
    rows = rows_of(block, "total", "a")
    assert all(total is None or total < 200 or a for total, a in rows)  # type: ignore[operator]
    assert any(total is None and not a for total, a in rows)


def test_unique_leaves_out_repeats_and_counts_them(plan_of: PlanOf) -> None:
    plan = plan_of(COLUMNS + "constraints: [{type: unique, columns: [count, city]}]\n")
    table = plan.tables["t"]
    seen = table.start_seen()
    blocks = [make_block(plan, "t", start, start + 500, seen=seen) for start in range(0, 4000, 500)]
    rows = [row for block in blocks for row in rows_of(block, "count", "city")]
    assert len(rows) == len(set(rows))
    assert sum(block.rejected.get("unique count, city", 0) for block in blocks) == 4000 - len(rows)
    whole = make_block(plan, "t", 0, 4000, seen=table.start_seen())
    assert rows_of(whole, "count", "city") == rows


def test_unique_never_drops_a_null(plan_of: PlanOf) -> None:
    text = "name: t\nrows: 100\ncolumns: [{name: x, type: category, values: [a, b], missing: 0.5}]\n"
    plan = plan_of(text + "constraints: [{type: unique, columns: [x]}]\n")
    values = [x for (x,) in rows_of(make_block(plan, "t", 0, 100, seen=plan.tables["t"].start_seen()), "x")]
    assert values.count("a") == values.count("b") == 1
    assert values.count(None) > 30


WRONG: dict[str, tuple[str, str]] = {
    "two ranges": (
        "{type: range, column: count, low: 50}, {type: range, column: count, high: 30}",
        "(by the constraint 50 <= count)",
    ),
    "two expressions": (
        '{type: expression, expression: "count > 45"}, {type: expression, expression: "count < 35"}',
        "count > 45 and count < 35 conflict",
    ),
    "an expression that never holds": ('{type: expression, expression: "count > 4000"}', "kept by none of 2,000"),
    "an expression without truth": ('{type: expression, expression: "count + 1"}', "must be true or false"),
    "an expression of nothing known": ('{type: expression, expression: "cuont > 1"}', "“count”"),
    "a step between the bounds": (
        "{type: fixed_increments, column: price, increment: 50}",
        "no multiple of 50 lies between 0.1 and 9.9",
    ),
    "a fraction of whole numbers": ("{type: fixed_increments, column: count, increment: 0.5}", "0.5 is none"),
    "combinations that never occur": (
        "{type: fixed_combinations, columns: [city, country], values: [[Bonn, DE]]}",
        "none of its combinations",
    ),
    "combinations of another kind": (
        "{type: fixed_combinations, columns: [city, country], values: [[1, DE]]}",
        "“1” is not of the kind",
    ),
    "combinations of an unknown source": (
        "{type: fixed_combinations, columns: [city, country], source: reel}",
        "there is no source “reel”",
    ),
    "combinations too short": ("{type: fixed_combinations, columns: [city, country], values: [[Bonn]]}", "2 values"),
    "one hot of numbers": ("{type: one_hot, columns: [a, price]}", "true and false"),
    "an unknown type": ("{type: inequalty, low: a, high: b}", "Did you mean “inequality”?"),
    "no type": ("{low: a, high: b}", "has no “type”"),
    "an unknown key": ("{type: inequality, low: price, hihg: count}", "Did you mean “high”?"),
    "an unknown column": ("{type: unique, columns: [idd]}", "“id”"),
}  # fmt: skip


@pytest.mark.parametrize(("rules", "words"), WRONG.values(), ids=WRONG)
def test_a_constraint_that_cannot_be_used_is_a_problem_with_its_line(
    problems_of: ProblemsOf, rules: str, words: str
) -> None:
    problems = problems_of(COLUMNS + f"constraints: [{rules}]\n")
    assert any(words in f"{problem.message} {problem.hint}" and problem.line == 13 for problem in problems), problems


def test_a_table_that_others_refer_to_cannot_leave_repeats_out(problems_of: ProblemsOf) -> None:
    text = """name: x
tables:
  a:
    rows: 5
    primary_key: id
    columns: [{name: id, type: id}, {name: v, type: poisson, mean: 9}]
    constraints: [{type: unique, columns: [v]}]
  b: {foreign_keys: [{column: k, table: a, per_parent: 2}], columns: [{name: n, type: id}]}
"""
    assert "may be left out by its constraint unique v" in problems_of(text)[0].message
