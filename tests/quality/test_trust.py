"""Over-trust: real edge cases that nothing stands for, too much that is synthetic, a model's own words; and bad data,
which none of the checks of usefulness, fairness and trust may stumble over.
"""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from workbench.datasets.sources import RealData
from workbench.quality.asking import ask
from workbench.quality.catalogue import CHECKS
from workbench.quality.check import FROM_SPEC, Finding
from workbench.quality.evidence import Evidence
from workbench.quality.selftest.population import draw_people
from workbench.spec.loading import load_spec
from workbench.spec.model import QualityConfig, Spec
from workbench.synthesizers.registry import spec_types

SPEC = """name: people
rows: 10
columns: [{name: amount, type: uniform, low: 0, high: 1}, {name: job, type: category, values: [manager, retired]}]
scenarios: [{name: managers, share: 0.01, set: {job: manager}}]
balance: [{column: job, shares: {manager: 0.5, retired: 0.5}}]
parity: [{outcome: repaid, across: job, max_gap: 0.01}]
"""
CHECKED = [
    "usefulness.transfer", "usefulness.mixing", "training.label_leak", "balance", "parity", "fairness.representation",
    "fairness.outcomes", "fairness.model", "fairness.counterfactuals", "trust.edge_cases", "scenarios",
    "trust.synthetic_share", "trust.own_output",
]  # fmt: skip


def load(text: str) -> Spec:
    loaded = load_spec(text, spec_types())
    assert loaded.spec is not None, loaded.problems
    return loaded.spec


PEOPLE = load(SPEC.replace("{name: amount", "{name: repaid, type: bernoulli, p: 0.5}, {name: amount")).tables["people"]


@cache
def draw_parts(rows: int = 3000) -> tuple[pd.DataFrame, RealData]:
    made, train, holdout = (draw_people(rows, seed) for seed in (31, 32, 33))
    return made, RealData(train, holdout, "", 2 * rows, "", "")


def ask_check(
    name: str, frame: pd.DataFrame, real: RealData | None, manifest: Any = None, **gates: Any
) -> list[Finding]:
    entry = CHECKS.get(name)
    assert entry is not None
    config = QualityConfig.model_validate(gates)
    return ask(entry, Evidence("people", PEOPLE, frame, real, config, seed=3, manifest=manifest))


def drop_burdened(frame: pd.DataFrame) -> pd.DataFrame:
    return frame[frame["burden"] < frame["burden"].quantile(0.985)].reset_index(drop=True)


def drop_boats(frame: pd.DataFrame) -> pd.DataFrame:
    return frame[frame["purpose"] != "boat"].reset_index(drop=True)


@pytest.mark.parametrize(
    ("plant", "words"), [(drop_burdened, "highest 0.5% of burden"), (drop_boats, "purpose: boat: 0 of")]
)
def test_a_missing_edge_case_is_named_with_real_rows_by_number(plant: Callable[[Any], Any], words: str) -> None:
    frame, real = draw_parts()
    clean = ask_check("trust.edge_cases", frame, real)[0]
    assert clean.verdict == "pass", clean.detail
    assert clean.value == pytest.approx(clean.reference, abs=0.15)
    finding = ask_check("trust.edge_cases", plant(frame), real)[0]
    assert finding.verdict == "warn"
    assert words in finding.detail
    assert "real training rows" in finding.detail
    assert "scenarios" in finding.fix
    numbers = [value for name, value in finding.figures.items() if name.startswith("missing real row")]
    missed = real.train.iloc[[int(number) for number in numbers if number is not None]]
    assert ((missed["purpose"] == "boat") | (missed["burden"] > real.train["burden"].quantile(0.98))).all()


def test_rows_far_from_all_others_are_missed_where_columns_are_independent() -> None:
    frame, real = draw_parts()
    draw = np.random.default_rng(1)
    parted = pd.DataFrame({name: draw.permutation(frame[name]) for name in frame})
    finding = ask_check("trust.edge_cases", parted, real)[0]
    assert finding.verdict == "warn"
    assert finding.value is not None
    assert finding.reference is not None
    assert finding.value > finding.reference + 0.1
    assert "extreme in" in finding.detail


def test_few_rows_have_no_edge_cases_to_judge() -> None:
    frame, real = draw_parts()
    few = RealData(real.train.head(60), real.holdout.head(60), "", 0, "", "")
    assert ask_check("trust.edge_cases", frame.head(60), few)[0].verdict == "not assessed"


def test_more_than_nine_tenths_synthetic_is_warned_of_and_a_gate_fails() -> None:
    frame, real = draw_parts()
    even = ask_check("trust.synthetic_share", frame, real)[0]
    assert (even.verdict, even.value) == ("pass", 0.5)
    few = RealData(real.train.head(300), real.holdout, "", 0, "", "")
    finding = ask_check("trust.synthetic_share", frame, few)[0]
    assert finding.verdict == "warn"
    assert "2,700 of these rows" in finding.fix
    assert "2410.13098" in finding.source
    gated = ask_check("trust.synthetic_share", frame, real, max_synthetic_share=0.3)[0]
    assert (gated.verdict, gated.gated, gated.source) == ("fail", True, FROM_SPEC)
    nothing = ask_check("trust.synthetic_share", frame, None, max_synthetic_share=0.3)[0]
    assert (nothing.verdict, nothing.gated) == ("not assessed", True)
    assert nothing.detail == "no real rows to mix with: all of it is synthetic"


@pytest.mark.parametrize(
    ("generation", "own", "verdict"), [(0, False, "pass"), (1, False, "warn"), (2, True, "fail"), (1, True, "fail")]
)
def test_a_dataset_of_a_tuned_models_own_words_is_refused(generation: int, own: bool, verdict: str) -> None:
    frame, real = draw_parts()
    manifest = SimpleNamespace(models={"writer": 1}, generation=generation, own_output=own)
    finding = ask_check("trust.own_output", frame, real, manifest)[0]
    assert (finding.verdict, finding.value) == (verdict, generation)
    assert ("--waive trust.own_output" in finding.fix) == own
    assert ask_check("trust.own_output", frame, real, SimpleNamespace(models={})) == []


def test_a_scenario_says_whose_threshold_it_is_and_whether_its_rows_are_enough() -> None:
    frame, _ = draw_parts()
    finding = ask_check("scenarios", frame, None)[0]
    assert (finding.verdict, finding.source) == ("pass", FROM_SPEC)
    none = ask_check("scenarios", frame.assign(job="retired"), None)[0]
    assert none.verdict == "fail"
    assert none.fix
    few = frame[frame["job"] == "manager"].head(12)
    rest = frame[frame["job"] != "manager"].head(488)
    told = ask_check("scenarios", pd.concat([few, rest], ignore_index=True), None)[0]
    assert told.verdict == "pass"
    assert "not enough data to judge a model on it" in told.detail


def test_quotas_name_cells_that_are_too_small_and_give_what_chance_would_do() -> None:
    frame, _ = draw_parts()
    even = frame.head(80).assign(job=["manager"] * 20 + ["retired"] * 60)
    finding = ask_check("balance", even, None)[0]
    assert finding.verdict == "fail"
    assert "not enough data: manager (20 rows)" in finding.detail
    assert finding.figures["chi_square_p"] == pytest.approx(7.744e-06, rel=1e-3)
    assert finding.columns["manager"]["low"] == pytest.approx(0.168, abs=0.002)
    rates = ask_check("parity", frame.assign(job=np.where(frame["repaid"], "manager", "retired")), None)[0]
    assert (rates.verdict, rates.value, rates.figures["ratio"]) == ("fail", 1.0, 0.0)


def spoil(change: str, frame: pd.DataFrame) -> pd.DataFrame:
    frame = frame.copy()
    rows = len(frame)
    if change == "empty":
        return frame.head(0)
    if change == "one row":
        return frame.head(1)
    if change == "no columns":
        return frame[[]]
    if change == "null":
        return frame.assign(**dict.fromkeys(["repaid", "sex", "burden", "region"]))
    if change == "constant":
        return frame.assign(repaid=True, sex="x", burden=1.0, job="manager")
    if change == "mixed":
        mixed: list[Any] = [1, "a", None, 2.5, True, (1, 2)]
        return frame.assign(**{
            name: pd.Series([mixed[(row + shift) % 6] for row in range(rows)], dtype=object)
            for shift, name in enumerate(["repaid", "sex", "burden", "region", "job"])
        })  # fmt: skip
    if change == "infinite":
        return frame.assign(burden=np.where(frame.index % 3 == 0, np.inf, -np.inf), amount=np.nan, debt=1e308)
    if change == "missing columns":
        return frame.drop(columns=["repaid", "sex", "burden"])
    if change == "twice":
        return pd.concat([frame, frame[["repaid", "sex", "burden", "job"]]], axis=1)
    if change == "huge":
        return frame.assign(amount=pd.Series([10**400 + row for row in range(rows)], dtype=object), months=2**62)
    if change == "unicode":
        smiles = [chr(0x1F600 + row % 50) for row in range(rows)]
        odd = ["\u202e\x1b[31mé", "\ud800", "\x00"]
        return frame.assign(sex=pd.Series([odd[row % 3] for row in range(rows)], dtype=object), region=smiles)
    if change == "nested":
        return frame.assign(
            sex=pd.Series([[1, row] for row in range(rows)], dtype=object),
            job=pd.Series([{"a": row % 2} for row in range(rows)], dtype=object),
            repaid=pd.Series([[True] for _ in range(rows)], dtype=object),
        )
    assert change == "moments"
    return frame.assign(repaid=frame["asked_at"], sex=frame["asked_at"].dt.tz_localize("UTC"))


@pytest.mark.parametrize("side", ["dataset", "real"])
@pytest.mark.parametrize(
    "change",
    ["empty", "one row", "no columns", "null", "constant", "mixed", "infinite", "missing columns", "twice", "huge",
     "unicode", "nested", "moments"],
)  # fmt: skip
def test_no_check_stumbles_over_bad_data(change: str, side: str, tmp_path: Path) -> None:
    made, train, holdout = (draw_people(120, seed) for seed in (1, 2, 3))
    frames = [made, train, holdout]
    for place in (0,) if side == "dataset" else (1, 2):
        frames[place] = spoil(change, frames[place])
    real = RealData(frames[1], frames[2], "", 0, "", "")
    config = QualityConfig.model_validate({
        "label": "repaid", "fairness": {"across": ["sex", "region"], "given": ["burden"]}, "max_usefulness_loss": 0.1,
    })  # fmt: skip
    for name in CHECKED:
        if name == "scenarios" and change == "twice":  # it needs the makers, which need one column of a name
            continue
        entry = CHECKS.get(name)
        assert entry is not None
        for each in (real, None):
            found = ask(entry, Evidence("people", PEOPLE, frames[0], each, config, folder=tmp_path))
            for finding in found:
                assert finding.verdict in ("pass", "warn", "fail", "not assessed")
                assert Finding.from_json(finding.as_json()).name == finding.name
                assert "\x1b" not in finding.detail
