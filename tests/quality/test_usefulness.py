"""Usefulness: what cannot be learned from is told from what can; a fresh real sample is as good as real rows."""

from collections.abc import Callable
from functools import cache

import numpy as np
import pandas as pd
import pytest

from workbench.datasets.packaged import load_packaged
from workbench.datasets.sources import RealData
from workbench.quality.asking import ask
from workbench.quality.catalogue import CHECKS
from workbench.quality.check import FROM_SPEC, Finding
from workbench.quality.evidence import Evidence
from workbench.quality.selftest.population import draw_people
from workbench.spec.loading import load_spec
from workbench.spec.model import QualityConfig, Spec
from workbench.synthesizers.registry import spec_types

CHANGED = Callable[[pd.DataFrame], pd.DataFrame]


def load(text: str) -> Spec:
    loaded = load_spec(text, spec_types())
    assert loaded.spec is not None, loaded.problems
    return loaded.spec


PEOPLE = load("name: people\nrows: 10\ncolumns: [{name: amount, type: uniform, low: 0, high: 1}]\n")


@cache
def draw_parts(rows: int) -> tuple[pd.DataFrame, RealData]:
    made, train, holdout = (draw_people(rows, seed) for seed in (11, 12, 13))
    return made, RealData(train, holdout, "", 2 * rows, "", "")


def check(
    name: str, frame: pd.DataFrame, real: RealData | None, label: str | None = "repaid", **gates: object
) -> list[Finding]:
    entry = CHECKS.get(name)
    assert entry is not None
    config = QualityConfig.model_validate({"label": label, **gates})
    return ask(entry, Evidence("people", PEOPLE.tables["people"], frame, real, config, seed=3))


def shuffle_label(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(repaid=np.random.default_rng(1).permutation(frame["repaid"]))


def part_columns(frame: pd.DataFrame) -> pd.DataFrame:
    draw = np.random.default_rng(2)
    return pd.DataFrame({name: draw.permutation(frame[name]) for name in frame})


def make_noise(frame: pd.DataFrame) -> pd.DataFrame:
    draw = np.random.default_rng(3)
    return pd.DataFrame({
        name: draw.uniform(column.min(), column.max(), len(frame))
        if pd.api.types.is_float_dtype(column)
        else draw.choice(column.unique(), len(frame))
        for name, column in frame.items()
    })  # fmt: skip


@pytest.mark.parametrize("plant", [shuffle_label, part_columns, make_noise])
def test_rows_without_a_signal_lose_it_and_are_named(plant: CHANGED) -> None:
    frame, real = draw_parts(800)
    finding = check("usefulness.transfer", plant(frame), real)[0]
    assert finding.verdict == "warn"
    assert finding.value is not None
    assert finding.value > 0.15
    assert finding.interval is not None
    assert finding.interval[0] > 0.02
    assert finding.fix


def test_fresh_real_rows_teach_as_much_as_real_ones() -> None:
    frame, real = draw_parts(800)
    finding = check("usefulness.transfer", frame, real)[0]
    assert finding.verdict == "pass"
    assert finding.figures["shuffled labels boosting"] == pytest.approx(0.5, abs=0.12)
    assert 0 < (finding.figures["smallest detectable difference"] or 0) < 0.1
    assert finding.reference is not None
    assert "could not be told from none" in finding.detail
    assert {"real linear", "synthetic forest", "gap boosting low", "real linear lowest recall"} <= set(finding.figures)


def test_a_gate_on_the_loss_fails_and_says_that_it_is_the_specs() -> None:
    frame, real = draw_parts(400)
    finding = check("usefulness.transfer", shuffle_label(frame), real, max_usefulness_loss=0.05)[0]
    assert (finding.verdict, finding.gated, finding.source) == ("fail", True, FROM_SPEC)
    assert check("usefulness.transfer", frame, real, max_usefulness_loss=0.9)[0].verdict == "pass"


def test_a_number_is_predicted_as_a_number_and_a_few_classes_one_against_the_rest() -> None:
    frame, real = draw_parts(400)
    number = check("usefulness.transfer", frame, real, label="amount")[0]
    assert number.verdict == "pass"
    assert "R2" in number.detail
    assert "real linear RMSE" in number.figures
    classes = check("usefulness.transfer", frame, real, label="housing")[0]
    assert classes.verdict == "pass"
    assert "AUC" in classes.detail


def test_texts_are_told_by_what_they_are_about() -> None:
    frame = load_packaged("helpdesk")[1][["question", "topic"]].sample(frac=1, random_state=1)
    made, train, holdout = (frame.iloc[start::3].reset_index(drop=True) for start in range(3))
    real = RealData(train, holdout, "", 0, "", "")
    finding = check("usefulness.transfer", made, real, label="topic")[0]
    assert finding.verdict == "pass"
    assert (finding.figures["real linear"] or 0) > 0.8


def test_a_label_that_real_rows_cannot_tell_is_not_assessed() -> None:
    frame, real = draw_parts(400)
    finding = check("usefulness.transfer", frame, real, label="sex")[0]
    assert finding.verdict == "not assessed"
    assert "no better" in finding.detail or "better than chance" in finding.detail


def test_adding_noise_hurts_and_adding_good_rows_does_not() -> None:
    frame, real = draw_parts(800)
    good = check("usefulness.mixing", frame, real)[0]
    assert good.verdict == "pass"
    assert {"add 0.25", "add 1", "add 1 sd", "replace 0.9", "replace 1 gain"} <= set(good.figures)
    bad = check("usefulness.mixing", shuffle_label(frame), real)[0]
    assert bad.verdict == "warn"
    assert "hurts" in bad.detail
    assert bad.value is not None
    assert bad.value < -0.01


def test_without_label_nothing_is_asked_and_without_real_data_nothing_is_assessed() -> None:
    frame, real = draw_parts(400)
    for name in ("usefulness.transfer", "usefulness.mixing"):
        assert check(name, frame, real, label=None) == []
        assert check(name, frame, None)[0].verdict == "not assessed"
        assert check(name, frame.head(20), real)[0].verdict == "not assessed"
        few = RealData(real.train, real.holdout.head(10), "", 0, "", "")
        assert check(name, frame, few)[0].verdict == "not assessed"
    gated = check("usefulness.transfer", frame.head(20), real, max_usefulness_loss=0.1)[0]
    assert (gated.verdict, gated.gated) == ("not assessed", True)


LEAKS: dict[str, tuple[CHANGED, str]] = {
    "a category": (lambda frame: frame.assign(hint=np.where(frame["repaid"], "ok", "no")), "hint"),
    "a known number": (lambda frame: frame.assign(score=np.where(frame["repaid"], 600.0, 400.0)), "score"),
    "a known category": (lambda frame: frame.assign(purpose=np.where(frame["repaid"], "car", "boat")), "purpose"),
}


@pytest.mark.parametrize(("plant", "column"), LEAKS.values(), ids=LEAKS)
@pytest.mark.parametrize("is_real", [True, False])
def test_a_column_made_from_the_label_is_named(plant: CHANGED, column: str, is_real: bool) -> None:
    frame, real = draw_parts(800)
    clean = check("training.label_leak", frame, real if is_real else None)[0]
    assert clean.verdict == "pass"
    finding = check("training.label_leak", plant(frame), real if is_real else None)[0]
    assert finding.verdict == "warn"
    assert finding.detail.startswith(f"{column} tells 100.0% of repaid")
    assert column in finding.fix


def test_a_leak_of_a_number_is_named_and_one_that_reality_has_is_not() -> None:
    frame, real = draw_parts(800)
    leaking = frame.assign(rate=frame["amount"] * 3)
    assert check("training.label_leak", leaking, real, label="amount")[0].verdict == "warn"
    also = RealData(*(each.assign(hint=~each["repaid"]) for each in (real.train, real.holdout)), "", 0, "", "")
    finding = check("training.label_leak", frame.assign(hint=~frame["repaid"]), also)[0]
    assert finding.verdict == "pass"
    assert finding.reference == 1.0


def test_what_the_spec_computes_the_label_from_is_no_leak() -> None:
    spec = load(
        "name: shop\nrows: 300\ncolumns:\n- {name: amount, type: uniform, low: 0, high: 9}\n"
        "- {name: large, type: expression, expression: 'amount > 4'}\n"
        "- {name: size, type: expression, expression: \"'big' if large else 'small'\"}\n"
    )
    amount = np.random.default_rng(1).uniform(0, 9, 300)
    frame = pd.DataFrame({"amount": amount, "large": amount > 4, "size": np.where(amount > 4, "big", "small")})
    entry = CHECKS.get("training.label_leak")
    assert entry is not None
    evidence = Evidence("shop", spec.tables["shop"], frame, gates=QualityConfig(label="large"))
    assert ask(entry, evidence)[0].verdict == "pass"
