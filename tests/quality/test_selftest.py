"""The self-test itself: each defect is caught by its check and by no unrelated one, and clean data trips nothing."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from workbench.errors import UsageError
from workbench.quality.asking import ask
from workbench.quality.catalogue import CHECKS
from workbench.quality.evidence import Evidence
from workbench.quality.selftest.catalogue import DEFECTS, SCENES
from workbench.quality.selftest.holdouts import pass_real_holdouts, split_real
from workbench.quality.selftest.population import LABEL, draw_people
from workbench.quality.selftest.running import CLEAN, Outcome, make_clean, run_self_test, try_defect
from workbench.spec.model import QualityConfig
from workbench.spec.quality import FairnessConfig

ISSUE = {
    "copied_rows", "moved_rows", "independent_columns", "uniform_noise", "leaked_key", "collapsed_category",
    "swapped_correlation", "biased_outcome", "shuffled_labels", "label_in_prompt", "label_leak", "duplicate_family",
    "missing_edge_case", "personal_data", "canary", "flat_picture", "silent_sound", "broken_code",
}  # fmt: skip
SMALL = ("letters", "meters", "pictures", "programs", "sounds")
CHEAP = tuple(name for name, defect in DEFECTS.items() if defect.scene in SMALL)
TABLES = tuple(name for name, defect in DEFECTS.items() if defect.scene in ("customers", "people"))


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Evidence]:
    folder = tmp_path_factory.mktemp("clean")
    return {name: make_clean(scene, 0, 2_000, folder) for name, scene in SCENES.items()}


def test_every_defect_that_is_promised_is_there() -> None:
    assert set(DEFECTS.names()) >= ISSUE


@pytest.mark.parametrize("name", DEFECTS.names())
def test_a_defect_names_checks_that_exist_and_gives_its_reasons(name: str) -> None:
    defect = DEFECTS.get(name)
    assert defect is not None
    assert defect.scene in SCENES.names()
    known = {*CHECKS.names(), "scenario.founders", "sequences.order", "images.repeats"}
    for check in defect.expected:
        assert check in known or check.startswith("fairness.counterfactuals."), check
    assert all(len(reason.split()) >= 4 for reason in defect.consequences.values())
    assert not set(defect.expected) & set(defect.consequences)


@pytest.mark.parametrize("name", DEFECTS.names())
def test_planting_changes_a_copy_and_leaves_the_clean_data(name: str, clean: dict[str, Evidence]) -> None:
    defect = DEFECTS.get(name)
    assert defect is not None
    before = clean[defect.scene]
    frame = before.frame.copy()
    spoiled = defect.plant(before, before.draw("plant"))
    assert before.frame.equals(frame)
    same = spoiled.frame.equals(frame) and spoiled.training == before.training and spoiled.real is before.real
    assert not same or spoiled.manifest != before.manifest or spoiled.folder != before.folder
    assert list(spoiled.frame.columns) == list(frame.columns)
    assert spoiled.frame.dtypes.equals(frame.dtypes)
    assert spoiled.frame.index.equals(frame.index)


@pytest.mark.parametrize("scene", SMALL)
def test_clean_data_trips_no_check(scene: str, clean: dict[str, Evidence]) -> None:
    outcome = try_defect(clean[scene], scene, None)
    assert outcome.tripped == ()
    assert outcome.passed


@pytest.mark.parametrize("name", CHEAP)
def test_a_defect_trips_its_check_and_no_unrelated_one(name: str, clean: dict[str, Evidence]) -> None:
    check_defect(name, clean)


@pytest.mark.slow
@pytest.mark.parametrize("name", TABLES)
def test_a_defect_of_a_table_trips_its_check_and_no_unrelated_one(name: str, clean: dict[str, Evidence]) -> None:
    check_defect(name, clean)


@pytest.mark.slow
def test_clean_people_trip_no_check(clean: dict[str, Evidence]) -> None:
    assert try_defect(clean["people"], "people", None).tripped == ()


def test_clean_customers_trip_no_check(clean: dict[str, Evidence]) -> None:
    assert try_defect(clean["customers"], "customers", None).tripped == ()


@pytest.mark.parametrize("name", TABLES)
def test_a_defect_of_a_table_trips_the_checks_that_it_must(name: str, clean: dict[str, Evidence]) -> None:
    defect = DEFECTS.get(name)
    assert defect is not None
    spoiled = defect.plant(clean[defect.scene], clean[defect.scene].draw(f"plant {name}"))
    cheap = [check for check in defect.expected if not check.startswith("usefulness.")]
    for name in cheap:
        check = CHECKS.get(name) or CHECKS.get("scenarios")
        assert check is not None
        tripped = {finding.name for finding in ask(check, spoiled) if finding.verdict in ("warn", "fail")}
        assert name in tripped, name


def test_a_check_that_warns_of_clean_data_is_not_passed(clean: dict[str, Evidence]) -> None:
    scene = clean["meters"]
    spoiled = replace(scene, frame=scene.frame.assign(watts=scene.frame["watts"] * 3))
    outcome = try_defect(spoiled, "meters", None)
    assert outcome.defect == CLEAN
    assert not outcome.passed
    assert "fidelity.columns" in outcome.unrelated


def test_an_outcome_tells_what_was_missed_and_what_is_unrelated() -> None:
    outcome = Outcome("x", "", "people", ("rules", "schema"), (("rules", "fail"), ("code", "warn")), ("code",), (), 0.1)
    assert outcome.missed == ("schema",)
    assert not outcome.caught
    assert outcome.as_json()["unrelated"] == ("code",)
    assert replace(outcome, expected=("rules",)).caught
    assert not replace(outcome, expected=("rules",)).passed


def test_the_self_test_asks_clean_data_of_the_scene_first_and_reports_as_it_goes() -> None:
    seen: list[Outcome] = []
    found = run_self_test(3, ["flat_picture"], 500, seen.append, workers=1)
    assert [outcome.defect for outcome in seen] == [CLEAN, "flat_picture"]
    assert tuple(seen) == found.outcomes
    assert found.passed
    assert found.as_json()["outcomes"][1]["tripped"] == [{"check": "images", "verdict": "warn"}]


def test_an_unknown_defect_is_refused() -> None:
    with pytest.raises(UsageError, match="There is no defect “flat_pictures”"):
        run_self_test(0, ["flat_pictures"], workers=1)


def test_the_same_seed_plants_the_same(tmp_path: Path) -> None:
    scene = SCENES.get("letters")
    assert scene is not None
    first, second = (make_clean(scene, 5, 100, tmp_path) for _ in range(2))
    defect = DEFECTS.get("chatter")
    assert defect is not None
    planted = [defect.plant(each, each.draw("plant")).frame for each in (first, second)]
    assert planted[0].equals(planted[1])
    assert not first.frame.equals(make_clean(scene, 6, 100, tmp_path).frame)


def test_a_split_of_real_rows_has_three_disjoint_parts_that_are_all_rows() -> None:
    frame = draw_people(300, 1)
    evidence = split_real(frame, 4)
    assert evidence.real is not None
    parts = [evidence.frame, evidence.real.train, evidence.real.holdout]
    assert [len(part) for part in parts] == [100, 100, 100]
    assert sorted(np.concatenate([part["income"] for part in parts])) == sorted(frame["income"])


def test_people_pass_as_a_real_holdout() -> None:
    gates = QualityConfig(label=LABEL, fairness=FairnessConfig(across=["sex"], outcome=LABEL, favourable=True))
    outcomes = list(pass_real_holdouts(draw_people(900, 11), 1, 0, gates))
    assert [(outcome.passed, [alarm.name for alarm in outcome.alarms]) for outcome in outcomes] == [(True, [])]
    assert {"fidelity.columns", "privacy.copies", "fairness.outcomes"} <= set(outcomes[0].judged)


def check_defect(name: str, clean: dict[str, Evidence]) -> None:
    defect = DEFECTS.get(name)
    assert defect is not None
    outcome = try_defect(clean[defect.scene], defect.scene, defect)
    assert outcome.missed == ()
    assert outcome.unrelated == ()
