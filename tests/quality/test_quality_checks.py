"""Each defect, planted alone, trips its own check and what follows from it; a fresh sample of real rows trips none."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from workbench.datasets.packaged import load_packaged
from workbench.datasets.sources import RealData, read_source, split_rows
from workbench.quality.asking import ask
from workbench.quality.catalogue import CHECKS
from workbench.quality.check import Finding, find_worst
from workbench.quality.checks.copies import find_excess
from workbench.quality.evidence import Evidence
from workbench.spec.loading import load_spec
from workbench.spec.model import QualityConfig, SourceConfig, Spec
from workbench.synthesizers.registry import spec_types

MEASURES = ["mean_radius", "mean_texture", "mean_smoothness", "mean_concavity"]
SPEC = """
name: nuclei
rows: 200
primary_key: row_id
columns:
  - {name: row_id, type: id}
  - {name: diagnosis, type: category, values: {benign: 0.63, malignant: 0.37}}
  - {name: mean_radius, type: uniform, low: 5, high: 30}
  - {name: mean_texture, type: normal, mean: 19, stddev: 4}
  - {name: mean_smoothness, type: normal, mean: 0.1, stddev: 0.01}
  - {name: mean_concavity, type: normal, mean: 0.1, stddev: 0.01}
constraints: [{type: inequality, low: mean_smoothness, high: mean_radius}]
scenarios: [{name: large, share: 0.05, set: {diagnosis: malignant, mean_radius: {type: uniform, low: 20, high: 30}}}]
"""
TRAINING = """
training: {task: prompt_completion, prompt: "radius {{ mean_radius }}", completion: "{{ diagnosis }}", label: diagnosis}
"""

Change = Callable[[pd.DataFrame, RealData], pd.DataFrame]


def load(text: str) -> Spec:
    loaded = load_spec(text, spec_types())
    assert loaded.spec, loaded.problems
    return loaded.spec


@pytest.fixture(scope="module")
def samples() -> tuple[pd.DataFrame, RealData]:
    """Fresh real rows that stand for the dataset, and real data to compare them with."""
    columns = ["diagnosis", *MEASURES]
    source = SourceConfig(packaged="breast_cancer", holdout=0.6, stratify_by="diagnosis", columns=columns)
    real = read_source(source, Path(), 1)
    fresh, holdout = split_rows(real.holdout, 0.5, "diagnosis", 2)
    frame = fresh.assign(row_id=range(len(fresh)))
    large = frame.index[:10]
    frame.loc[large, "diagnosis"] = "malignant"
    frame.loc[large, "mean_radius"] = np.linspace(20.01, 27.01, len(large))
    return frame, RealData(real.train, holdout, "", real.rows, "", "")


def check(
    frame: pd.DataFrame, real: RealData | None, spec: Spec | None = None, gates: QualityConfig | None = None
) -> dict[str, Finding]:
    spec = spec or load(SPEC)
    table = spec.tables["nuclei"]
    evidence = Evidence("nuclei", table, frame, real, gates or spec.quality, spec.training, spec.seed)
    return {finding.name: finding for _, each in CHECKS.items() for finding in ask(each, evidence)}


def find_tripped(findings: dict[str, Finding]) -> set[str]:
    return {name for name, finding in findings.items() if finding.verdict in ("warn", "fail")}


def copy_rows(frame: pd.DataFrame, real: RealData) -> pd.DataFrame:
    copied = real.train.head(12).assign(row_id=range(1000, 1012))
    return pd.concat([frame, copied], ignore_index=True)


def repeat_rows(frame: pd.DataFrame, real: RealData) -> pd.DataFrame:
    return pd.concat([frame, frame.head(8).assign(row_id=range(1000, 1008))], ignore_index=True)


def shift_column(frame: pd.DataFrame, real: RealData) -> pd.DataFrame:
    return frame.assign(mean_texture=frame["mean_texture"] * 1.5)


def drop_values(frame: pd.DataFrame, real: RealData) -> pd.DataFrame:
    return frame.assign(mean_texture=frame["mean_texture"].where(frame.index % 3 > 0))


def break_constraint(frame: pd.DataFrame, real: RealData) -> pd.DataFrame:
    smoothness = frame["mean_smoothness"].where(frame.index > 0, 99.0)
    return frame.assign(mean_smoothness=smoothness)


def break_bounds(frame: pd.DataFrame, real: RealData) -> pd.DataFrame:
    return frame.assign(mean_radius=frame["mean_radius"].where(frame.index != 50, -3.0))


def repeat_key(frame: pd.DataFrame, real: RealData) -> pd.DataFrame:
    return frame.assign(row_id=frame["row_id"].where(frame.index > 0, 1))


def miss_scenario(frame: pd.DataFrame, real: RealData) -> pd.DataFrame:
    large = (frame["diagnosis"] == "malignant") & (frame["mean_radius"] >= 20)
    return frame.assign(mean_radius=frame["mean_radius"].where(~large, 18.5))


def lose_column(frame: pd.DataFrame, real: RealData) -> pd.DataFrame:
    return frame.drop(columns="mean_concavity")


def add_column(frame: pd.DataFrame, real: RealData) -> pd.DataFrame:
    return frame.assign(extra=1)


def turn_into_text(frame: pd.DataFrame, real: RealData) -> pd.DataFrame:
    return frame.assign(mean_concavity=frame["mean_concavity"].astype(str))


SHAPE = {"fidelity.accuracy", "fidelity.pairs", "fidelity.coverage", "fidelity.detection"}
"""What a column that is off trips too: it shows in its pairs and its range, and rows can be told from real ones."""


@pytest.mark.parametrize(
    ("plant", "tripped", "follows"),
    [
        (copy_rows, {"privacy.copies"}, set()),
        (repeat_rows, {"duplicates"}, set()),
        (shift_column, {"fidelity.columns"}, SHAPE),
        (drop_values, {"fidelity.columns", "rules"}, {"fidelity.detection"}),
        (break_constraint, {"rules"}, set()),
        (break_bounds, {"rules"}, set()),
        (repeat_key, {"rules"}, set()),
        (miss_scenario, {"scenario.large", "fidelity.coverage"}, set()),
        (lose_column, {"schema"}, set()),
        (add_column, {"schema"}, set()),
        (turn_into_text, {"schema", "fidelity.columns"}, set()),
    ],
)
def test_each_planted_defect_trips_its_check_and_no_unrelated_one(
    samples: tuple[pd.DataFrame, RealData], plant: Change, tripped: set[str], follows: set[str]
) -> None:
    frame, real = samples
    found = find_tripped(check(plant(frame, real), real))
    assert tripped <= found <= tripped | follows


def test_a_collapsed_category_is_seen_in_coverage_shape_and_scenario(samples: tuple[pd.DataFrame, RealData]) -> None:
    frame, real = samples
    findings = check(frame.assign(diagnosis="benign"), real)
    seen = {"fidelity.coverage", "fidelity.columns", "scenario.large"}
    assert seen <= find_tripped(findings) <= seen | SHAPE
    assert "diagnosis" in findings["fidelity.coverage"].detail


def test_an_invented_category_is_seen(samples: tuple[pd.DataFrame, RealData]) -> None:
    frame, real = samples
    findings = check(frame.assign(diagnosis=frame["diagnosis"].where(frame.index > 12, "unknown")), real)
    assert "diagnosis" in findings["fidelity.coverage"].detail
    assert {"fidelity.coverage", "rules"} == find_tripped(findings)


def test_fresh_real_rows_pass_every_check_in_20_random_splits() -> None:
    failures = []
    columns = list(load_packaged("breast_cancer")[1].columns[-14:])
    for seed in range(20):
        source = SourceConfig(packaged="breast_cancer", holdout=0.6, stratify_by="diagnosis", columns=columns)
        real = read_source(source, Path(), seed)
        fresh, holdout = split_rows(real.holdout, 0.5, "diagnosis", seed)
        evidence = Evidence(
            "nuclei", load(SPEC).tables["nuclei"], fresh, RealData(real.train, holdout, "", 0, "", ""), seed=seed
        )
        findings = [found for _, each in CHECKS.items() if each.needs_real for found in ask(each, evidence)]
        failures += [(seed, found.name, found.detail) for found in findings if found.verdict in ("warn", "fail")]
    assert len(failures) <= 1, failures


def test_all_training_rows_given_back_are_copies_although_their_shapes_are_perfect() -> None:
    source = SourceConfig(packaged="breast_cancer", holdout=0.3, stratify_by="diagnosis")
    real = read_source(source, Path(), 1)
    findings = check(real.train, real)
    assert findings["fidelity.columns"].value == 1.0
    assert findings["privacy.copies"].value == 1.0
    assert findings["privacy.copies"].verdict == "fail"
    assert findings["privacy.copies"].reference == 0.0
    assert findings["privacy.membership"].verdict == "fail"
    assert "privacy" in findings["fidelity.detection"].detail


def test_equal_rows_that_arise_by_chance_are_no_sign_of_copying() -> None:
    generator = np.random.default_rng(3)
    real, fresh = (pd.DataFrame({"diagnosis": generator.choice(["benign", "malignant"], 300)}) for _ in range(2))
    train, holdout = split_rows(real.assign(noise=range(300)), 0.3, None, 1)
    finding = check(fresh, RealData(train[["diagnosis"]], holdout[["diagnosis"]], "", 300, "", ""))["privacy.copies"]
    assert finding.value == 1.0
    assert finding.verdict == "pass"
    assert finding.detail.startswith("no sign of copied rows")


def test_the_excess_of_copies_has_its_exact_p_value() -> None:
    assert find_excess((0, 0), (100, 100)) == 1.0
    assert find_excess((5, 0), (100, 100)) == pytest.approx(0.5**5)
    assert find_excess((3, 1), (100, 100)) == pytest.approx(5 / 16)
    assert find_excess((2, 0), (100, 0)) == 0.0


def test_without_real_data_likeness_and_copies_are_not_assessed(samples: tuple[pd.DataFrame, RealData]) -> None:
    findings = check(samples[0], None, load(SPEC + TRAINING))
    for finding in findings.values():
        if finding.group in ("fidelity", "usefulness"):
            assert finding.verdict == "not assessed", finding.name
    assert findings["privacy.copies"].verdict == findings["usefulness.transfer"].verdict == "not assessed"
    assert find_worst(finding.verdict for finding in findings.values()) == "not assessed"


@pytest.mark.parametrize(
    ("plant", "gates", "failed"),
    [
        (shift_column, QualityConfig(min_fidelity=0.9), "fidelity.columns"),
        (repeat_rows, QualityConfig(max_duplicates=0), "duplicates"),
    ],
)
def test_a_gate_turns_a_warning_into_a_failure_and_is_the_threshold(
    samples: tuple[pd.DataFrame, RealData], plant: Change, gates: QualityConfig, failed: str
) -> None:
    frame, real = samples
    without, under = check(plant(frame, real), real)[failed], check(plant(frame, real), real, gates=gates)[failed]
    assert (without.verdict, under.verdict) == ("warn", "fail")
    assert under.gated
    assert under.threshold in (0.9, 0)


def test_few_rows_are_not_assessed_rather_than_passed(samples: tuple[pd.DataFrame, RealData]) -> None:
    frame, real = samples
    finding = check(frame.head(10), real, gates=QualityConfig(min_fidelity=0.1))["fidelity.columns"]
    assert (finding.verdict, finding.gated) == ("not assessed", True)


def test_a_prompt_that_states_the_label_is_a_leak(samples: tuple[pd.DataFrame, RealData]) -> None:
    frame, real = samples
    sound = check(frame, real, load(SPEC + TRAINING))
    assert (sound["training.leak"].verdict, sound["training.labels"].verdict) == ("pass", "pass")
    leaking = load(SPEC + TRAINING.replace("{{ mean_radius }}", "{{ mean_radius }} {{ diagnosis }}"))
    assert check(frame, real, leaking)["training.leak"].verdict == "fail"


def test_a_label_with_few_rows_is_named(samples: tuple[pd.DataFrame, RealData]) -> None:
    frame, real = samples
    few = frame[(frame["diagnosis"] == "benign") | (frame.index < 10)].reset_index(drop=True)
    finding = check(few, real, load(SPEC + TRAINING))["training.labels"]
    assert finding.verdict == "warn"
    assert "malignant has 10 rows" in finding.detail


def test_texts_that_repeat_are_seen_although_rows_differ() -> None:
    text = "name: nuclei\nrows: 100\ncolumns:\n- {name: n, type: uniform, low: 0, high: 1}\n"
    spec = load(text + '- {name: memo, type: template, template: "{{ n }}"}\n')
    memos = [f"the memo {number % 60}" for number in range(100)]
    finding = check(pd.DataFrame({"n": np.linspace(0, 1, 100), "memo": memos}), None, spec)["duplicates.text"]
    assert finding.verdict == "warn"
    assert finding.value == pytest.approx(0.4)
    assert list(finding.examples) == list(range(60, 100))


def test_an_empty_table_is_a_failed_schema_and_nothing_raises(samples: tuple[pd.DataFrame, RealData]) -> None:
    frame, real = samples
    findings = check(frame.head(0), real)
    assert findings["schema"].verdict == "fail"
    assert {finding.verdict for name, finding in findings.items() if name != "schema"} == {"not assessed"}
