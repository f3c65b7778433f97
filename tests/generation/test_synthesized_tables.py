"""Tables that a synthesizer makes: planned, previewed, fitted in a run, balanced, conditioned."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet
import pytest

from workbench.calls.session import Session
from workbench.datasets.manifest import read_manifest
from workbench.datasets.store import open_dataset
from workbench.errors import UsageError
from workbench.generation import fitting
from workbench.generation import run as generation
from workbench.generation.check import check_text
from workbench.generation.live_preview import preview_stored
from workbench.quality.run import check_dataset
from workbench.workspace import Workspace

Recorder = Callable[..., Any]

TABLE = """
name: loans
seed: 5
sources: {real: {path: loans.csv}}
rows: 2000
primary_key: loan_id
columns:
  - {name: loan_id, type: id}
  - {name: share, type: expression, expression: "amount / income"}
synthesizer: {type: gaussian_copula, source: real}
"""

CHILDREN = """
name: shop
sources:
  customers: {path: customers.csv, group_by: customer}
  orders: {path: orders.csv, group_by: customer}
tables:
  customers:
    rows: 300
    primary_key: customer
    columns: [{name: customer, type: id}]
    synthesizer: {type: gaussian_copula, source: customers}
  orders:
    primary_key: order
    foreign_keys: [{column: customer, table: customers}]
    columns: [{name: order, type: id}]
    synthesizer: {type: TYPE, source: orders}
"""


@pytest.fixture
def loans(tmp_path: Path) -> pd.DataFrame:
    """800 loans, 4 % of them defaulted, most of these with low incomes."""
    generator = np.random.default_rng(1)
    defaulted = np.arange(800) % 25 == 0
    income = np.round(np.where(defaulted, 20_000, 60_000) * np.exp(generator.normal(0, 0.25, 800)), 2)
    frame = pd.DataFrame(
        {
            "income": income,
            "amount": np.round(income * generator.uniform(0.1, 0.5, 800), 2),
            "region": generator.choice(["north", "south", "east"], 800, p=[0.5, 0.3, 0.2]),
            "opened": pd.Timestamp("2024-01-01") + pd.to_timedelta(generator.integers(0, 500, 800), unit="D"),
            "defaulted": defaulted,
        }
    )
    frame.to_csv(tmp_path / "loans.csv", index=False)
    return frame


@pytest.fixture
def shop(tmp_path: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """400 customers of two kinds; business customers order more often and for more, later orders being larger."""
    generator = np.random.default_rng(2)
    kind = np.where(np.arange(400) % 4 == 0, "business", "private")
    counts = np.where(kind == "business", generator.poisson(8, 400), generator.poisson(1.5, 400))
    customers = pd.DataFrame({"customer": [f"K{n}" for n in range(400)], "kind": kind})
    owner = np.repeat(np.arange(400), counts)
    position = np.concatenate([np.arange(count) for count in counts])
    start = pd.to_timedelta(generator.integers(0, 90, 400), unit="D")
    orders = pd.DataFrame(
        {
            "customer": customers.customer.to_numpy()[owner],
            "at": pd.Timestamp("2025-01-01") + start[owner] + pd.to_timedelta(position * 7, unit="D"),
            "amount": np.round(np.where(kind[owner] == "business", 500, 50) + generator.normal(0, 5, len(owner)), 2),
        }
    )
    customers.to_csv(tmp_path / "customers.csv", index=False)
    orders.to_csv(tmp_path / "orders.csv", index=False)
    return customers, orders


def generate(text: str, context: Any, **arguments: Any) -> dict[str, Any]:
    """Run a generation of a spec in the test's folder, in this process."""
    folder = context.workspace.root
    return generation.run({"spec": text, "folder": str(folder), "workers": 1, **arguments}, context)


def read(result: dict[str, Any], table: str) -> pd.DataFrame:
    """A table of a generated dataset."""
    files = sorted((Path(result["dataset"]) / "data").glob(f"{table}-*.parquet"))
    return pd.concat([pyarrow.parquet.read_table(file).to_pandas() for file in files], ignore_index=True)


def find_problem(text: str, folder: Path) -> str:
    """The first problem of a spec, as one text with its place."""
    problem = check_text(text, folder).errors[0]
    return f"{problem.line}: {problem.message} {problem.hint}"


def test_a_run_fits_the_synthesizer_and_makes_rows_like_the_real_ones(loans: pd.DataFrame, recorder: Recorder) -> None:
    told = recorder()
    result = generate(TABLE, told)
    made = read(result, "loans")
    assert list(made.columns) == ["loan_id", "income", "amount", "region", "opened", "defaulted", "share"]
    assert len(made) == 2000
    assert made.loan_id.is_unique
    assert made.income.between(loans.income.min(), loans.income.max()).all()
    assert set(made.region) == {"north", "south", "east"}
    assert (made.opened.dt.normalize() == made.opened).all()
    assert made.defaulted.mean() == pytest.approx(0.04, rel=0.1)
    assert made.income[made.defaulted].median() < 0.6 * made.income[~made.defaulted].median()
    np.testing.assert_allclose(made.share, made.amount / made.income)
    record = read_manifest(Path(result["dataset"])).synthesizers["loans"]
    assert (record.type, record.source, record.epsilon) == ("gaussian_copula", "real", None)
    assert record.rows + record.validation_rows == round(0.8 * len(loans))
    card = (Path(result["dataset"]) / "README.md").read_text()
    assert "no differential privacy" in card
    assert record.sha256 in card


def test_the_preview_is_the_beginning_of_the_run(loans: pd.DataFrame, recorder: Recorder) -> None:
    told = recorder()
    shown = preview_stored(TABLE, told.workspace.root, told.workspace, 20)
    assert [problem for problem in shown["problems"] if problem["level"] == "error"] == []
    made = read(generate(TABLE, told), "loans").head(20)
    assert [row["income"] for row in shown["tables"]["loans"]] == made.income.tolist()
    assert [row["region"] for row in shown["tables"]["loans"]] == made.region.tolist()


def test_a_model_is_fitted_once_and_a_changed_spec_never_meets_an_old_one(
    loans: pd.DataFrame, recorder: Recorder
) -> None:
    told = recorder()
    generate(TABLE, told)
    models = told.workspace.synthesizers
    first = {path.name: (path / "rows" / "model.json").stat().st_mtime_ns for path in models.iterdir()}
    generate(TABLE.replace("rows: 2000", "rows: 500"), recorder("r2"))
    assert {path.name: (path / "rows" / "model.json").stat().st_mtime_ns for path in models.iterdir()} == first
    generate(TABLE.replace("seed: 5", "seed: 6"), recorder("r3"))
    assert len(list(models.iterdir())) == 2


def test_a_table_of_a_thousand_columns_needs_none_listed(tmp_path: Path, recorder: Recorder) -> None:
    generator = np.random.default_rng(3)
    frame = pd.DataFrame({f"c{number}": generator.normal(size=150).round(2) for number in range(1000)})
    frame["kind"] = generator.choice(["a", "b"], 150)
    frame.to_csv(tmp_path / "wide.csv", index=False)
    text = (
        "name: wide\nrows: 100\nsources: {real: {path: wide.csv}}\n"
        "synthesizer: {type: gaussian_copula, source: real}\n"
        "balance: [{column: kind, shares: {a: 0.5, b: 0.5}}]\n"
    )
    made = read(generate(text, recorder()), "wide")
    assert made.shape == (100, 1001)
    assert (made.kind == "a").sum() == 50


def test_a_balance_is_exact_and_the_other_columns_go_with_it(loans: pd.DataFrame, recorder: Recorder) -> None:
    text = TABLE + "balance: [{column: defaulted, shares: {true: 0.5, false: 0.5}}]\n"
    made = read(generate(text, recorder()), "loans")
    assert made.defaulted.sum() == 1000
    assert made.income[made.defaulted].median() < 0.6 * made.income[~made.defaulted].median()


def test_a_scenario_sets_columns_and_the_others_are_drawn_given_them(loans: pd.DataFrame, recorder: Recorder) -> None:
    text = TABLE + "scenarios: [{name: crisis, share: 0.1, set: {defaulted: true, region: south}}]\n"
    made = read(generate(text, recorder()), "loans")
    crisis = made[made.defaulted & (made.region == "south")]
    assert len(crisis) >= 200
    assert crisis.income.median() < 0.6 * made.income[~made.defaulted].median()


def test_rows_that_break_a_rule_are_drawn_again_with_all_their_columns(loans: pd.DataFrame, recorder: Recorder) -> None:
    text = TABLE + 'constraints: [{type: expression, expression: "amount < 0.4 * income"}]\n'
    result = generate(text, recorder())
    made = read(result, "loans")
    assert (made.amount < 0.4 * made.income).all()
    assert len(made) + sum(result["rejected"].values()) == 2000
    assert len(made) > 1950


def test_rows_do_not_depend_on_blocks_or_processes(loans: pd.DataFrame, recorder: Recorder) -> None:
    text = (
        TABLE.replace("rows: 2000", "rows: 210000") + "balance: [{column: region, shares: {north: 0.5, south: 0.5}}]\n"
    )
    one = generate(text, recorder("r1"))
    two = generate(text, recorder("r2"), out=str(recorder().workspace.root / "pooled"), workers=2)
    names = [{file.path: file.sha256 for file in read_manifest(Path(result["dataset"])).files} for result in (one, two)]
    assert names[0] == names[1]
    assert len(names[0]) == 5


def test_children_are_conditioned_on_their_parent_and_their_number_is_learned(
    shop: tuple[pd.DataFrame, pd.DataFrame], recorder: Recorder
) -> None:
    result = generate(CHILDREN.replace("TYPE", "gaussian_copula"), recorder())
    customers, orders = read(result, "customers"), read(result, "orders")
    assert set(orders.customer) <= set(customers.customer)
    joined = orders.merge(customers, on="customer")
    counts = joined.groupby("kind").size() / customers.groupby("kind").size()
    assert counts["business"] == pytest.approx(8, rel=0.2)
    assert counts["private"] == pytest.approx(1.5, rel=0.3)
    assert joined.amount[joined.kind == "business"].median() == pytest.approx(500, rel=0.05)
    assert joined.amount[joined.kind == "private"].median() == pytest.approx(50, rel=0.1)


def test_sequences_keep_their_order_and_gaps(shop: tuple[pd.DataFrame, pd.DataFrame], recorder: Recorder) -> None:
    text = CHILDREN.replace("TYPE, source: orders", "sequence, source: orders, entity: customer, order_by: at")
    result = generate(text, recorder())
    orders = read(result, "orders")
    gaps = orders.groupby("customer")["at"].diff().dropna()
    assert (gaps >= pd.Timedelta(0)).all()
    assert gaps.median() == pd.Timedelta(days=7)
    shown = preview_stored(text, recorder().workspace.root, recorder().workspace, 15)
    assert [row["amount"] for row in shown["tables"]["orders"]] == orders.amount.head(15).tolist()


def test_a_fit_run_tells_what_it_learned(loans: pd.DataFrame, recorder: Recorder) -> None:
    told = recorder()
    result = fitting.run({"spec": TABLE, "folder": str(told.workspace.root)}, told)
    record = result["models"]["loans"]
    assert record["fidelity"]["score"] > 0.8
    assert record["shares"]["defaulted"]["rarest"]["error"] < 0.1
    assert Path(result["folders"]["loans"]).is_dir()
    json.dumps(result, allow_nan=False)


def test_a_spec_is_checked_and_counted_before_anything_is_fitted(
    shop: tuple[pd.DataFrame, pd.DataFrame], tmp_path: Path
) -> None:
    checked = check_text(CHILDREN.replace("TYPE", "gaussian_copula"), tmp_path)
    assert checked.problems == []
    assert checked.plan is not None
    assert checked.plan.tables["orders"].rows > 300
    assert not (tmp_path / "synthesizers").exists()


def test_a_neural_synthesizer_that_is_not_fitted_says_so_in_a_preview(loans: pd.DataFrame, tmp_path: Path) -> None:
    shown = preview_stored(TABLE.replace("gaussian_copula", "tvae"), tmp_path, Workspace(tmp_path), 5)
    assert "has not been fitted yet" in shown["problems"][0]["message"]
    assert "workbench fit" in shown["problems"][0]["hint"]


PROBLEMS = {
    "unknown type": (
        TABLE.replace("gaussian_copula", "gausian_copula"),
        "10: Unknown synthesizer type",
        "gaussian_copula",
    ),
    "unknown source": (TABLE.replace("source: real", "source: reel"), "10: ", "real"),
    "unknown column": (
        TABLE.replace("source: real}", "source: real, columns: [incom]}"),
        "10: “real” has no column “incom”",
        "income",
    ),
    "a column made twice": (
        TABLE.replace("source: real}", "source: real, columns: [income, share]}"),
        "10: “real” has no column “share”",
        "",
    ),
    "unseen category": (
        TABLE + "balance: [{column: region, shares: {west: 0.5, north: 0.5}}]\n",
        "11: This balance cannot be kept: “region” never has the value “west”",
        "",
    ),
    "unseen value in a scenario": (
        TABLE + "scenarios: [{name: a, share: 0.1, set: {region: west}}]\n",
        "11: “region” cannot be set: “west” is no value of the real table",
        "",
    ),
    "value out of bounds": (
        TABLE + "scenarios: [{name: a, share: 0.1, set: {income: -5.0}}]\n",
        "11: “income” cannot be set",
        "",
    ),
    "a given column that is not there": (
        TABLE.replace("source: real}", "source: real, given: [branch]}"),
        "10: There is no column “branch”",
        "",
    ),
    "a synthesized column without a synthesizer": (
        "name: a\nrows: 1\ncolumns: [{name: x, type: synthesized}]\n",
        "3: “x” cannot be made: its table has no synthesizer",
        "",
    ),
}


@pytest.mark.parametrize(("text", "message", "hint"), PROBLEMS.values(), ids=PROBLEMS.keys())
def test_a_problem_of_a_synthesizer_has_its_place(
    text: str, message: str, hint: str, loans: pd.DataFrame, tmp_path: Path
) -> None:
    found = find_problem(text, tmp_path)
    assert found.startswith(message)
    assert hint in found


def test_a_private_child_table_is_refused(shop: tuple[pd.DataFrame, pd.DataFrame], tmp_path: Path) -> None:
    text = CHILDREN.replace(
        "TYPE, source: orders", "gaussian_copula, source: orders, differential_privacy: {max_epsilon: 1}"
    )
    assert "not the parent whose rows they are" in find_problem(text, tmp_path)


def test_a_spec_without_a_synthesizer_cannot_be_fitted(tmp_path: Path, recorder: Recorder) -> None:
    spec = "name: a\nrows: 1\ncolumns: [{name: x, type: id}]\n"
    with pytest.raises(UsageError, match="No table of the spec has a synthesizer"):
        fitting.run({"spec": spec, "folder": str(tmp_path)}, recorder())


def test_another_share_of_holdout_is_another_dataset(loans: pd.DataFrame, tmp_path: Path) -> None:
    plans = [
        check_text(TABLE.replace("path: loans.csv", f"path: loans.csv, holdout: {share}"), tmp_path, Session()).plan
        for share in (0.1, 0.3)
    ]
    assert plans[0] is not None
    assert plans[1] is not None
    assert plans[0].sources != plans[1].sources


def test_quality_compares_what_was_learned_and_leaves_keys_alone(
    shop: tuple[pd.DataFrame, pd.DataFrame], recorder: Recorder
) -> None:
    told = recorder()
    text = CHILDREN.replace("TYPE", "gaussian_copula").replace(
        "source: customers}", "source: customers}\n    scenarios: [{name: firms, share: 0.5, set: {kind: business}}]"
    )
    dataset = open_dataset(generate(text, told)["dataset"], told.workspace)
    checks = {(check["table"], check["name"]): check for check in check_dataset(dataset, None, told)["checks"]}
    assert set(checks["customers", "fidelity.columns"]["columns"]) == {"kind"}
    assert set(checks["orders", "fidelity.columns"]["columns"]) == {"at", "amount"}
    assert checks["customers", "scenario.firms"]["verdict"] == "pass"
    assert checks["orders", "schema"]["verdict"] == "pass"
