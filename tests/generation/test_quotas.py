"""Balance and parity: exact shares, equal rates, and what does not go together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.datasets.quotas import share_out
from workbench.generation.blocks import Block, make_block
from workbench.generation.parity import STRIPE, find_gap
from workbench.generation.plan import Plan
from workbench.spec.problems import Problem

PlanOf = Callable[[str], Plan]
ProblemsOf = Callable[[str], list[Problem]]

COLUMNS = """name: t
rows: 2000
columns:
  - {name: id, type: id}
  - {name: region, type: category, values: {n: 0.25, s: 0.75}}
  - {name: city, type: category, given: region, values: {n: [Oslo, Bergen], s: [Rome, Bari, Pisa]}}
  - {name: fraud, type: bernoulli, p: 0.03}
  - {name: amount, type: uniform, low: 0, high: 100}
  - {name: large, type: expression, expression: "amount > 60"}
"""


def make(plan: Plan, start: int = 0, stop: int | None = None) -> Block:
    return make_block(plan, "t", start, plan.tables["t"].rows if stop is None else stop)


def count(block: Block, *names: str) -> Counter[tuple[object, ...]]:
    return Counter(zip(*(block.columns[name].to_list() for name in names), strict=True))


def test_a_balance_is_exact_to_the_row(plan_of: PlanOf) -> None:
    block = make(plan_of(COLUMNS + "balance: [{column: fraud, shares: {true: 0.1, false: 0.9}}]\n"))
    assert count(block, "fraud") == {(True,): 200, (False,): 1800}
    assert block.balance == [[200, 1800]]


def test_a_balance_over_two_columns_is_exact_in_every_cell(plan_of: PlanOf) -> None:
    shares = "{n: {true: 0.25, false: 0.25}, s: {true: 0.005, false: 0.495}}"
    block = make(plan_of(COLUMNS + f"balance: [{{columns: [region, fraud], shares: {shares}}}]\n"))
    cells = {("n", True): 500, ("n", False): 500, ("s", True): 10, ("s", False): 990}
    assert count(block, "region", "fraud") == cells
    assert all((city in ("Oslo", "Bergen")) == (region == "n") for region, city in count(block, "region", "city"))


def test_a_balance_of_a_computed_column_draws_what_it_is_computed_from(plan_of: PlanOf) -> None:
    block = make(plan_of(COLUMNS + "balance: [{column: large, shares: {true: 0.9, false: 0.1}}]\n"))
    assert count(block, "large") == {(True,): 1800, (False,): 200}
    pairs = zip(block.columns["amount"].to_list(), block.columns["large"].to_list(), strict=True)
    assert all((amount > 60) == large for amount, large in pairs)


def test_a_balance_of_a_dependent_category_keeps_what_it_depends_on(plan_of: PlanOf) -> None:
    shares = "{Oslo: 0.4, Bergen: 0.1, Rome: 0.2, Bari: 0.2, Pisa: 0.1}"
    block = make(plan_of(COLUMNS + f"balance: [{{column: city, shares: {shares}}}]\n"))
    assert count(block, "city")[("Oslo",)] == 800
    assert count(block, "region") == {("n",): 1000, ("s",): 1000}


def test_rows_of_a_scenario_count_towards_the_balance(plan_of: PlanOf) -> None:
    text = COLUMNS + "scenarios: [{name: raid, share: 0.02, set: {fraud: true, region: n}}]\n"
    block = make(plan_of(text + "balance: [{column: fraud, shares: {true: 0.05, false: 0.95}}]\n"))
    assert count(block, "fraud") == {(True,): 100, (False,): 1900}
    assert block.scenarios == {"raid": 40}


def test_any_rows_of_a_balanced_table_can_be_made_alone(plan_of: PlanOf) -> None:
    text = (
        COLUMNS
        + "balance:\n  - {column: fraud, shares: {true: 0.1, false: 0.9}}\n"
        + "  - {column: large, shares: {true: 0.5, false: 0.5}}\n"
    )
    plan = plan_of(text)
    whole = make(plan)
    part = make(plan, 700, 900)
    for name, values in part.columns.items():
        assert values.to_list() == whole.columns[name].to_list()[700:900]


@given(st.lists(st.integers(0, 50), min_size=1, max_size=9).filter(any), st.integers(0, 10_000))
def test_shares_are_given_out_to_the_last_row(weights: list[int], rows: int) -> None:
    shares = [weight / sum(weights) for weight in weights]
    given_out = share_out(rows, shares)
    assert sum(given_out) == rows
    assert all(abs(each - share * rows) < 1 for each, share in zip(given_out, shares, strict=True))


PARITY = """name: t
rows: 25000
columns:
  - {name: group, type: category, values: {a: 0.6, b: 0.3, c: 0.1}}
  - {name: income, type: lognormal, mean: 3, stddev: 1}
  - {name: bonus, type: expression, expression: "30 if group == 'a' else 0"}
  - {name: granted, type: expression, expression: "income + bonus > 40"}
  - {name: lucky, type: bernoulli, p: 0.2}
  - {name: letter, type: template, template: "{{ 'yes' if granted else 'no' }}"}
parity: [{outcome: granted, across: group, max_gap: 0.01}, {outcome: lucky, across: group, max_gap: 0.005}]
"""


def test_parity_makes_the_rates_of_all_groups_equal(plan_of: PlanOf) -> None:
    plan = plan_of(PARITY)
    block = make(plan)
    unequal = make(plan_of(PARITY[: PARITY.index("parity:")]))
    rates = {
        group: sum(large for (name, large) in unequal_rows if name == group)
        / sum(name == group for name, _ in unequal_rows)
        for group in "abc"
        if (unequal_rows := list(zip(*(unequal.columns[n].to_list() for n in ("group", "granted")), strict=True)))
    }
    assert max(rates.values()) - min(rates.values()) > 0.2
    assert find_gap(block.parity[0]) <= 0.01
    assert find_gap(block.parity[1]) <= 0.005
    assert sum(block.columns["lucky"].to_list()) / 25_000 == pytest.approx(0.2, abs=0.001)


def test_what_is_computed_from_an_evened_out_outcome_follows_it(plan_of: PlanOf) -> None:
    block = make(plan_of(PARITY))
    pairs = zip(block.columns["granted"].to_list(), block.columns["letter"].to_list(), strict=True)
    assert all(letter == ("yes" if granted else "no") for granted, letter in pairs)


def test_any_rows_of_an_evened_out_table_can_be_made_alone(plan_of: PlanOf) -> None:
    plan = plan_of(PARITY)
    whole = make(plan)
    for start, stop in ((0, 10), (STRIPE - 5, STRIPE + 5), (24_990, 25_000)):
        part = make(plan, start, stop)
        for name, values in part.columns.items():
            assert values.to_list() == whole.columns[name].to_list()[start:stop]


WRONG: dict[str, tuple[str, str]] = {
    "shares that do not sum to 1": ("balance: [{column: fraud, shares: {true: 0.1, false: 0.8}}]", "sum to 0.9"),
    "a value that never occurs": ("balance: [{column: region, shares: {n: 0.5, w: 0.5}}]", "never has the value “w”"),
    "a value of another kind": ("balance: [{column: fraud, shares: {'yes': 1}}]", "not of the kind"),
    "nesting that does not fit": ("balance: [{columns: [region, fraud], shares: {n: 1}}]", "nested"),
    "an unknown column": ("balance: [{column: frod, shares: {true: 1}}]", "“fraud”"),
    "two balances of a column": (
        "balance: [{column: fraud, shares: {true: 1}}, {column: fraud, shares: {false: 1}}]",
        "Two parts of the spec decide the values of “fraud”",
    ),
    "a scenario with more rows than its value": (
        "scenarios: [{name: raid, share: 0.2, set: {fraud: true}}]\n"
        "balance: [{column: fraud, shares: {true: 0.1, false: 0.9}}]",
        "make more rows with True than its share",
    ),
    "a scenario that draws the column": (
        "scenarios: [{name: raid, share: 0.1, set: {fraud: {type: bernoulli, p: 0.5}}}]\n"
        "balance: [{column: fraud, shares: {true: 0.1, false: 0.9}}]",
        "draws “fraud” by a sampler",
    ),
    "parity of a number": ("parity: [{outcome: amount, across: region}]", "has no rate"),
    "parity of a balanced column": (
        "balance: [{column: fraud, shares: {true: 0.1, false: 0.9}}]\nparity: [{outcome: fraud, across: region}]",
        "decides “fraud” already",
    ),
    "parity across what depends on it": ("parity: [{outcome: fraud, across: frood}]", "“fraud”"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "words"), WRONG.values(), ids=WRONG)
def test_a_quota_that_cannot_be_kept_is_a_problem_with_its_line(problems_of: ProblemsOf, text: str, words: str) -> None:
    problems = problems_of(COLUMNS + text + "\n")
    assert any(words in f"{problem.message} {problem.hint}" and problem.line >= 10 for problem in problems), problems
