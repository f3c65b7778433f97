"""Fairness: shares, outcomes and a model's errors by group, each with a planted bias and without one."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from workbench.datasets.sources import RealData
from workbench.quality.asking import ask
from workbench.quality.catalogue import CHECKS
from workbench.quality.check import FROM_SPEC, Finding
from workbench.quality.checks.counterfactuals import flip_signs, measure_texts
from workbench.quality.evidence import Evidence
from workbench.quality.fairness import Rates, compare_pair, find_difference_interval, find_parity
from workbench.quality.selftest.population import draw_people
from workbench.spec.loading import load_spec
from workbench.spec.model import QualityConfig, Spec
from workbench.synthesizers.registry import spec_types

SPEC = """name: people
rows: 10
columns:
  - {name: sex, type: category, values: {female: 0.48, male: 0.52}}
  - {name: note, type: template, template: "about {{ sex }}"}
"""
FAIRNESS = {"across": ["sex", "region"], "outcome": "repaid", "favourable": True}


def load(text: str) -> Spec:
    loaded = load_spec(text, spec_types())
    assert loaded.spec is not None, loaded.problems
    return loaded.spec


@cache
def draw_parts(rows: int = 4000) -> tuple[pd.DataFrame, RealData]:
    made, train, holdout = (draw_people(rows, seed) for seed in (21, 22, 23))
    return made, RealData(train, holdout, "", 2 * rows, "", "")


def check(
    name: str,
    frame: pd.DataFrame,
    real: RealData | None,
    spec: str = SPEC,
    folder: Path | None = None,
    **gates: object,
) -> Finding:
    entry = CHECKS.get(name)
    assert entry is not None
    config = QualityConfig.model_validate({"label": "repaid", "fairness": FAIRNESS, **gates})
    found = ask(entry, Evidence("people", load(spec).tables["people"], frame, real, config, seed=3, folder=folder))
    assert len(found) == 1
    return found[0]


def turn_down_women(frame: pd.DataFrame) -> pd.DataFrame:
    turned = (frame["sex"] == "female") & frame["repaid"] & (np.arange(len(frame)) % 3 == 0)
    return frame.assign(repaid=frame["repaid"] & ~turned)


@pytest.mark.parametrize("is_real", [True, False])
def test_an_outcome_turned_against_one_group_is_named_with_and_without_real_data(is_real: bool) -> None:
    frame, real = draw_parts()
    clean = check("fairness.outcomes", frame, real if is_real else None)
    assert clean.verdict == "pass"
    finding = check("fairness.outcomes", turn_down_women(frame), real if is_real else None)
    assert finding.verdict == "warn"
    assert finding.detail.startswith("sex: repaid=True female")
    assert finding.value is not None
    assert finding.value > 0.2
    assert finding.interval is not None
    assert finding.interval[0] < finding.value < finding.interval[1]
    assert finding.figures["ratio sex"] is not None
    assert (finding.reference is not None) == is_real
    assert {"rate", "low", "high", "rows", "real"} == set(finding.columns["sex=female: repaid=True"])


def test_a_gate_on_the_gap_fails_where_the_difference_is_larger() -> None:
    frame, real = draw_parts()
    finding = check("fairness.outcomes", turn_down_women(frame), real, max_parity_gap=0.05)
    assert (finding.verdict, finding.gated, finding.source) == ("fail", True, FROM_SPEC)
    assert check("fairness.outcomes", frame, real, max_parity_gap=0.1).verdict == "pass"


def test_a_difference_that_an_allowed_column_explains_is_gone_within_its_strata() -> None:
    draw = np.random.default_rng(1)
    group = draw.choice(["a", "b"], 20_000)
    skill = np.where(draw.random(20_000) < np.where(group == "a", 0.8, 0.3), "high", "low")
    frame = pd.DataFrame(
        {"group": group, "skill": skill, "hired": draw.random(20_000) < np.where(skill == "high", 0.6, 0.1)}
    )
    fairness = {"across": ["group"], "outcome": "hired", "favourable": True, "given": ["skill"]}
    figures = check("fairness.outcomes", frame, None, fairness=fairness).figures
    assert figures["difference group"] == pytest.approx(0.25, abs=0.03)
    assert figures["difference group given skill"] == pytest.approx(0.0, abs=0.03)


def test_difference_and_ratio_are_those_of_highest_and_lowest_rate() -> None:
    outcome = np.array([1, 1, 1, 0] * 20 + [1, 0, 0, 0] * 20 + [1, 1, 0, 0] * 20, np.float64)
    rates = Rates.count(outcome, np.repeat([0, 1, 2], 80), 3)
    assert find_parity(rates, rates.find_judged()) == (0.5, pytest.approx(1 / 3))
    contrast = compare_pair(rates, 1, 0)
    assert contrast.difference == pytest.approx(0.5)
    assert np.exp(contrast.log_ratio) == pytest.approx(1 / 3)
    # Katz et al. 1978: 1/x - 1/n of both sides
    assert contrast.log_ratio_variance == pytest.approx(1 / 20 - 1 / 80 + 1 / 60 - 1 / 80)


def test_the_interval_of_a_difference_is_newcombes() -> None:
    # Newcombe 1998, table II, example (a): 56/70 against 48/80
    assert find_difference_interval((48, 80), (56, 70)) == pytest.approx((0.0524, 0.3339), abs=5e-4)


def test_a_small_group_is_not_enough_data_and_never_judged() -> None:
    frame, _ = draw_parts()
    frame = frame.head(2000).copy()
    frame.loc[frame.index[:20], "region"] = "islands"
    frame.loc[frame.index[:20], "repaid"] = False
    finding = check("fairness.outcomes", frame, None)
    assert finding.verdict == "pass"
    assert "not enough data: islands (20 rows)" in finding.detail
    assert check("fairness.outcomes", frame.head(25), None).verdict == "not assessed"


def test_a_group_that_lost_half_of_its_rows_is_named() -> None:
    frame, real = draw_parts()
    assert check("fairness.representation", frame, real).verdict == "pass"
    lost = frame[(frame["region"] != "west") | (np.arange(len(frame)) % 2 == 0)].reset_index(drop=True)
    finding = check("fairness.representation", lost, real)
    assert finding.verdict == "warn"
    assert "less than four fifths of their share: west" in finding.detail
    assert finding.columns["region=west"]["asked"] == pytest.approx(0.1, abs=0.02)


def test_shares_are_held_to_the_balance_that_is_asked_for_before_the_real_ones() -> None:
    frame, real = draw_parts()
    spec = SPEC + "balance: [{column: sex, shares: {female: 0.8, male: 0.2}}]\n"
    finding = check("fairness.representation", frame, real, spec)
    assert finding.verdict == "warn"
    assert "asked for by “balance”" in finding.detail
    assert check("fairness.representation", frame, None, fairness={"across": ["sex"]}).verdict == "pass"
    nothing = check("fairness.representation", frame, None, fairness={"across": ["region"]})
    assert nothing.verdict == "not assessed"


def test_a_model_that_learns_from_biased_rows_fails_the_group_on_real_people() -> None:
    frame, real = draw_parts()
    assert check("fairness.model", frame, real).verdict == "pass"
    finding = check("fairness.model", turn_down_women(frame), real)
    assert finding.verdict == "warn"
    assert "repaid by sex: “positives found”" in finding.detail
    assert finding.reference is not None
    assert finding.value is not None
    assert finding.value > finding.reference + 0.05


@pytest.mark.parametrize("name", ["fairness.outcomes", "fairness.representation", "fairness.model"])
def test_without_groups_named_fairness_is_not_asked(name: str) -> None:
    frame, real = draw_parts()
    entry = CHECKS.get(name)
    assert entry is not None
    assert ask(entry, Evidence("people", load(SPEC).tables["people"], frame, real)) == []


COUNTERFACTUAL = SPEC + "counterfactuals: [{column: note, swap: sex, rows: 60}]\n"
Write = Callable[[int, str], str]


def write(folder: Path, texts: Write, rows: int = 60) -> None:
    path = folder / "counterfactuals" / "people-0.parquet"
    path.parent.mkdir(exist_ok=True)
    pd.DataFrame([
        {"row": row, "value": value, "text": texts(row, value)} for value in ("female", "male") for row in range(rows)
    ]).to_parquet(path)  # fmt: skip


def say(row: int, value: str) -> str:
    return f"The customer {value} asked for a loan of {row} and waits for {'an answer ' * (row % 5)}today."


BIASED: dict[str, tuple[Write, str]] = {
    "length": (lambda row, value: say(row, value) * (2 if value == "male" else 1), "words"),
    "refusal": (
        lambda row, value: "I'm sorry, I can't help." if value == "male" and row % 2 else say(row, value),
        "refusals",
    ),
    "competence": (
        lambda row, value: say(row, value) + (" A skilled expert." if value == "male" else ""),
        "competence",
    ),
    "warmth": (
        lambda row, value: say(row, value) + (" A warm, friendly voice." if value == "female" else ""),
        "warmth",
    ),
    "blame": (lambda row, value: say(row, value) + (" Rather suspicious." if value == "male" else ""), "negative"),
}


@pytest.mark.parametrize(("texts", "measure"), BIASED.values(), ids=BIASED)
def test_texts_that_differ_by_the_exchanged_value_are_named(tmp_path: Path, texts: Write, measure: str) -> None:
    write(tmp_path, say)
    finding = check("fairness.counterfactuals", pd.DataFrame(), None, COUNTERFACTUAL, tmp_path)
    assert finding.verdict == "pass", finding.detail
    write(tmp_path, texts)
    finding = check("fairness.counterfactuals", pd.DataFrame(), None, COUNTERFACTUAL, tmp_path)
    assert finding.name == "fairness.counterfactuals.note.sex"
    assert finding.verdict == "warn"
    assert measure in finding.detail
    assert "sex" in finding.fix


def test_counterfactuals_that_are_missing_damaged_or_few_are_not_assessed(tmp_path: Path) -> None:
    finding = check("fairness.counterfactuals", pd.DataFrame(), None, COUNTERFACTUAL, tmp_path)
    assert (finding.verdict, finding.detail) == ("not assessed", "the counterfactual rows were not made")
    write(tmp_path, say, rows=20)
    finding = check("fairness.counterfactuals", pd.DataFrame(), None, COUNTERFACTUAL, tmp_path)
    assert finding.verdict == "not assessed"
    assert "not enough data" in finding.detail
    (tmp_path / "counterfactuals" / "people-0.parquet").write_bytes(b"PAR1 no parquet")
    finding = check("fairness.counterfactuals", pd.DataFrame(), None, COUNTERFACTUAL, tmp_path)
    assert finding.verdict == "not assessed"
    assert "cannot be read" in finding.detail


def test_flipped_signs_give_the_p_values_of_the_exact_test() -> None:
    draw = np.random.default_rng(2)
    same = flip_signs(np.zeros((50, 1)), draw)
    all_alike = flip_signs(np.ones((12, 1)), draw)
    assert same[0] == 1.0
    assert all_alike[0] == pytest.approx(2 / 2**12, rel=0.5)
    noise = draw.normal(size=(400, 2000))
    assert (flip_signs(noise, draw) < 0.05).mean() == pytest.approx(0.05, abs=0.015)


def test_words_are_counted_whole_and_refusals_found() -> None:
    texts = pd.DataFrame({"a": ["As an AI I cannot", "a skilful, warm leader"], "b": ["the unskilled", "a bad risk"]})
    measured = measure_texts(texts)
    assert measured["refusals"].tolist() == [[1.0, 0.0], [0.0, 0.0]]
    assert measured["competence"].tolist() == [[0.0, 0.0], [2.0, 0.0]]
    assert measured["negative"].tolist() == [[0.0, 0.0], [0.0, 2.0]]
