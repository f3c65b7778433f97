"""Blocks: the same rows in any company, constraints kept, scenarios exact."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.generation.blocks import Block, make_block
from workbench.generation.check import check_text
from workbench.generation.plan import Plan
from workbench.generation.planning import resize_spec
from workbench.generation.preview import preview_table, preview_text

PlanOf = Callable[[str], Plan]

SPEC = """name: bank
seed: 11
rows: 3000
primary_key: id
columns:
  - {name: id, type: id, pattern: "C{n:05d}"}
  - {name: country, type: category, values: {DE: 0.5, FR: 0.3, IT: 0.2}}
  - {name: city, type: category, given: country, values: {DE: [Berlin, Bonn], FR: [Paris], IT: [Roma, Bari]}}
  - {name: amount, type: lognormal, mean: 3, stddev: 1, decimals: 2}
  - {name: balance, type: lognormal, mean: 3.5, stddev: 1, decimals: 2, missing: 0.1}
  - {name: hour, type: uniform_int, low: 0, high: 23}
  - {name: fraud, type: bernoulli, p: 0}
  - {name: who, type: faker, method: first_name}
  - {name: share, type: expression, expression: "round(amount / balance, 3)", drop: true}
  - {name: memo, type: template, template: "{{ who }} in {{ city }} at {{ hour }}: {{ share }}"}
constraints:
  - {type: inequality, low: amount, high: balance}
  - {type: range, column: share, low: 0.01}
scenarios:
  - {name: night, share: 0.02, set: {fraud: true, hour: {type: uniform_int, low: 1, high: 4}}}
  - {name: big, share: 0.101, set: {amount: 500.0, balance: {type: uniform, low: 400, high: 900}, country: IT}}
"""


def rows_of(block: Block) -> dict[int, tuple[Any, ...]]:
    lists = [values.to_list() for values in block.columns.values()]
    return dict(zip(block.rows.tolist(), zip(*lists, strict=True), strict=True))


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    checked = check_text(SPEC, tmp_path_factory.getbasetemp())
    assert checked.plan is not None
    return checked.plan


@pytest.fixture(scope="module")
def whole(plan: Plan) -> Block:
    return make_block(plan, "bank", 0, 3000)


@settings(max_examples=40, deadline=None)
@given(bounds=st.tuples(st.integers(0, 3000), st.integers(0, 3000)))
def test_a_block_is_the_same_rows_whatever_its_bounds(plan: Plan, whole: Block, bounds: tuple[int, int]) -> None:
    start, stop = min(bounds), max(bounds)
    expected = {row: values for row, values in rows_of(whole).items() if start <= row < stop}
    assert rows_of(make_block(plan, "bank", start, stop)) == expected


def test_every_constraint_holds_in_every_kept_row(whole: Block, plan: Plan) -> None:
    amount, balance = whole.columns["amount"].data, whole.columns["balance"]
    assert balance.valid is not None
    assert (amount <= balance.data)[balance.valid].all()
    assert whole.rejected == {}


def test_scenarios_have_their_exact_rows_and_do_not_overlap(whole: Block) -> None:
    rows = [dict(zip(whole.columns, values, strict=True)) for values in rows_of(whole).values()]
    night = [row for row in rows if row["fraud"]]
    big = [row for row in rows if row["amount"] == 500.0]
    assert whole.scenarios == {"night": 60, "big": 303}
    assert len(night) == 60
    assert len(big) == 303
    assert not any(row["amount"] == 500.0 for row in night)
    assert all(1 <= row["hour"] <= 4 for row in night)
    assert all(500 <= row["balance"] <= 900 and row["city"] in ("Roma", "Bari") for row in big)


def test_what_is_derived_sees_what_a_scenario_sets(whole: Block) -> None:
    rows = [dict(zip(whole.columns, values, strict=True)) for values in rows_of(whole).values()]
    assert all(f"in {row['city']} at {row['hour']}:" in row["memo"] for row in rows)


def test_dropped_columns_are_used_and_left_out(whole: Block) -> None:
    assert "share" not in whole.columns


def test_adding_columns_and_scenarios_after_the_others_leaves_values_unchanged(plan_of: PlanOf, whole: Block) -> None:
    more = SPEC.replace("constraints:", "  - {name: extra, type: normal, mean: 0, stddev: 1}\nconstraints:")
    more += "  - {name: last, share: 0.01, set: {extra: 7}}\n"
    block = make_block(plan_of(more), "bank", 0, 3000)
    extra = block.columns["extra"].to_list()
    assert {row: values[:-1] for row, values in rows_of(block).items()} == rows_of(whole)
    assert extra.count(7.0) == 30


def test_removing_a_column_leaves_the_others_unchanged(plan_of: PlanOf, whole: Block) -> None:
    line = "  - {name: country"
    fewer = "\n".join(row for row in SPEC.splitlines() if not row.startswith("  - {name: id")) + "\n"
    assert line in fewer
    block = make_block(plan_of(fewer.replace("primary_key: id\n", "")), "bank", 0, 3000)
    assert rows_of(block) == {row: values[1:] for row, values in rows_of(whole).items()}


def test_the_order_of_columns_in_the_spec_does_not_matter_for_their_values(plan_of: PlanOf, whole: Block) -> None:
    lines = SPEC.splitlines()
    columns = [line for line in lines if line.startswith("  - {name") and "type: " in line and "share: 0" not in line]
    text = SPEC
    for line in columns:
        text = text.replace(line + "\n", "")
    text = text.replace("columns:\n", "columns:\n" + "\n".join(reversed(columns)) + "\n")
    block = make_block(plan_of(text), "bank", 0, 100)
    assert block.columns["memo"].to_list() == whole.columns["memo"].to_list()[:100]


RULES = """name: r
rows: 4000
columns:
  - {name: a, type: uniform, low: 0, high: 1}
  - {name: b, type: uniform, low: 0, high: 1}
  - {name: c, type: uniform, low: 0, high: 1}
"""


def test_a_rule_redraws_only_the_columns_it_rests_on(plan_of: PlanOf) -> None:
    free = make_block(plan_of(RULES), "r", 0, 4000)
    ruled = make_block(plan_of(RULES + "constraints: [{type: inequality, low: a, high: b}]\n"), "r", 0, 4000)
    assert (free.columns["c"].data == ruled.columns["c"].data).all()
    kept = free.columns["a"].data <= free.columns["b"].data
    assert (free.columns["a"].data[kept] == ruled.columns["a"].data[kept]).all()
    assert (ruled.columns["a"].data <= ruled.columns["b"].data).all()


def test_redrawn_rows_follow_the_distribution_under_the_rule(plan_of: PlanOf) -> None:
    from scipy import stats

    block = make_block(plan_of(RULES + "constraints: [{type: inequality, low: a, high: b}]\n"), "r", 0, 4000)
    # The smaller of two uniform numbers has the distribution function 1 - (1 - x)^2.
    assert stats.kstest(block.columns["a"].data, lambda x: 1 - (1 - x) ** 2).pvalue > 1e-3


def test_a_rule_on_a_computed_column_redraws_what_it_is_computed_from(plan_of: PlanOf) -> None:
    text = RULES + "  - {name: d, type: expression, expression: a + b}\n"
    block = make_block(plan_of(text + "constraints: [{type: range, column: d, low: 1.5}]\n"), "r", 0, 4000)
    assert (block.columns["d"].data >= 1.5).all()
    assert (block.columns["a"].data + block.columns["b"].data == block.columns["d"].data).all()
    assert len(block.rows) == 4000


def test_rows_given_up_on_are_left_out_and_counted_by_reason(plan_of: PlanOf) -> None:
    text = (
        "name: r\nrows: 1000\ncolumns:\n  - {name: n, type: id}\n  - {name: m, type: expression, expression: n % 4}\n"
    )
    text += "constraints: [{type: range, column: m, low: 1}, {type: range, column: n, high: 800}]\n"
    block = make_block(plan_of(text), "r", 0, 1000)
    assert block.rejected == {"1 <= m": 250, "n <= 800": 150}
    assert len(block.rows) == 600
    assert all(len(values) == 600 for values in block.columns.values())


def test_strict_inequalities_allow_no_equal_values(plan_of: PlanOf) -> None:
    text = "name: r\nrows: 500\ncolumns:\n  - {name: a, type: uniform_int, low: 0, high: 2}\n"
    text += "  - {name: b, type: uniform_int, low: 0, high: 2}\nconstraints: [{type: inequality, low: a, high: b%s}]\n"
    strict, loose = (make_block(plan_of(text % end), "r", 0, 500).columns for end in (", strict: true", ""))
    assert (strict["a"].data < strict["b"].data).all()
    assert (loose["a"].data == loose["b"].data).any()


def test_moments_can_be_ordered(plan_of: PlanOf) -> None:
    text = "name: r\nrows: 500\ncolumns:\n  - {name: a, type: datetime, start: 2026-01-01, end: 2026-03-01}\n"
    text += "  - {name: b, type: datetime, start: 2026-01-01, end: 2026-03-01}\n"
    block = make_block(plan_of(text + "constraints: [{type: inequality, low: a, high: b}]\n"), "r", 0, 500)
    assert (block.columns["a"].data <= block.columns["b"].data).all()


def test_a_null_breaks_no_rule(plan_of: PlanOf) -> None:
    text = "name: r\nrows: 500\ncolumns:\n  - {name: a, type: uniform, low: 0, high: 1, missing: 0.5}\n"
    block = make_block(plan_of(text + "constraints: [{type: range, column: a, low: 0.9}]\n"), "r", 0, 500)
    assert 0 < block.columns["a"].count_nulls() < 500
    assert all(value is None or value >= 0.9 for value in block.columns["a"].to_list())


@pytest.mark.parametrize(("rows", "share", "expected"), [(1000, 0.0005, 0), (1000, 0.001, 1), (7, 0.5, 4), (10, 1, 10)])
def test_a_share_is_exact_to_the_row(plan_of: PlanOf, rows: int, share: float, expected: int) -> None:
    text = f"name: r\nrows: {rows}\ncolumns: [{{name: a, type: bernoulli, p: 0}}]\n"
    text += f"scenarios: [{{name: s, share: {share}, set: {{a: true}}}}]\n"
    assert make_block(plan_of(text), "r", 0, rows).columns["a"].data.sum() == expected


def test_shares_that_fill_the_table_do_not_overflow_by_rounding(plan_of: PlanOf) -> None:
    text = "name: r\nrows: 3\ncolumns: [{name: a, type: category, values: [z]}]\n"
    text += "scenarios: [{name: s, share: 0.5, set: {a: x}}, {name: t, share: 0.5, set: {a: y}}]\n"
    assert sorted(make_block(plan_of(text), "r", 0, 3).columns["a"].to_list()) == ["x", "x", "y"]


def test_a_scenario_can_set_null_moments_and_samplers_of_others(plan_of: PlanOf) -> None:
    text = """name: r
rows: 100
columns:
  - {name: kind, type: category, values: [a]}
  - {name: x, type: uniform, low: 0, high: 1}
  - {name: y, type: datetime, start: 2026-01-01, end: 2026-01-02}
  - {name: z, type: category, values: [n]}
scenarios:
  - name: s
    share: 0.2
    set: {kind: b, x: null, y: 2020-01-01, z: {type: category, given: kind, values: {a: [p], b: [q]}}}
  - {name: t, share: 0.2, set: {x: {type: uniform_int, low: 5, high: 6}}}
"""
    block = make_block(plan_of(text), "r", 0, 100)
    rows = list(zip(*(values.to_list() for values in block.columns.values()), strict=True))
    chosen = [row for row in rows if row[0] == "b"]
    assert len(chosen) == 20
    assert all(row[1] is None and row[2].year == 2020 and row[3] == "q" for row in chosen)
    assert sum(row[1] in (5.0, 6.0) for row in rows) == 20


def test_a_preview_is_the_first_rows_of_the_run(plan: Plan, whole: Block) -> None:
    lists = [values.to_list() for values in whole.columns.values()]
    expected = [dict(zip(whole.columns, row, strict=True)) for row in zip(*lists, strict=True)][:25]
    assert preview_table(plan, "bank", 25) == expected


def test_a_preview_skips_rows_that_are_given_up_on(plan_of: PlanOf) -> None:
    text = "name: r\nrows: 9000\ncolumns: [{name: n, type: id}]\nconstraints: [{type: range, column: n, low: 4000}]\n"
    assert [row["n"] for row in preview_table(plan_of(text), "r", 3)] == [4000, 4001, 4002]


def test_a_preview_has_values_for_json(tmp_path: Any) -> None:
    text = "name: r\nrows: 2\ncolumns:\n  - {name: at, type: datetime, start: 2026-01-01, end: 2026-01-01}\n"
    text += "  - {name: x, type: uniform, low: 1, high: 1, missing: 1}\n"
    result = preview_text(text, tmp_path, rows=10)
    assert result["tables"] == {"r": [{"at": "2026-01-01T00:00:00", "x": None}] * 2}
    assert result["problems"] == []


def test_a_preview_of_a_wrong_spec_has_its_problems_and_no_rows(tmp_path: Any) -> None:
    result = preview_text("name: r\nrows: 2\ncolumns: [{name: x, type: nrmal}]\n", tmp_path)
    assert result["tables"] == {}
    assert result["problems"][0]["line"] == 3


def test_a_row_that_cannot_be_made_is_a_problem_of_the_preview(tmp_path: Any) -> None:
    text = (
        "name: r\nrows: 2\ncolumns: [{name: n, type: id}, {name: t, type: template, template: '{{ 1 / (n - 2) }}'}]\n"
    )
    result = preview_text(text, tmp_path)
    assert "row 1: division by zero" in result["problems"][0]["message"]


def test_resizing_keeps_the_proportion_of_tables(plan_of: PlanOf) -> None:
    text = "name: two\ntables:\n  a: {rows: 1000, columns: [{name: x, type: id}]}\n"
    text += "  b: {rows: 10, columns: [{name: x, type: id}]}\n"
    plan = plan_of(text)
    resized = resize_spec(plan.spec, plan, 50)
    assert {name: table.rows for name, table in resized.tables.items()} == {"a": 50, "b": 1}


def test_a_column_of_nulls_has_the_type_of_any_other_block(plan_of: PlanOf) -> None:
    text = "name: r\nrows: 10\ncolumns:\n  - {name: s, type: category, values: [a], missing: 1}\n"
    text += "  - {name: i, type: uniform_int, low: 0, high: 1, missing: 1}\n"
    block = make_block(plan_of(text), "r", 0, 10)
    assert [values.data.dtype for values in block.columns.values()] == [np.dtype(object), np.dtype(np.int64)]
