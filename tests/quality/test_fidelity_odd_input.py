"""Whatever a table holds, fidelity answers and never raises; so do the features that models are given."""

import datetime
import decimal

import numpy as np
import pandas as pd
import pytest

from workbench.datasets.sources import RealData
from workbench.quality.asking import ask
from workbench.quality.catalogue import CHECKS
from workbench.quality.check import Finding
from workbench.quality.evidence import Evidence
from workbench.quality.features import Features
from workbench.quality.selftest.population import draw_people
from workbench.spec.model import QualityConfig, TableConfig

KNOWN = dict(CHECKS.items())
CHECKED = [
    "fidelity.columns",
    "fidelity.pairs",
    "fidelity.accuracy",
    "fidelity.missing",
    "fidelity.coverage",
    "fidelity.classes",
    "fidelity.detection",
]
TABLE = TableConfig.model_validate({"rows": 10, "columns": [{"name": "row_id", "type": "id"}]})
ODD = pd.DataFrame(
    {
        "lists": [[1], {"a": 2}, None] * 20,
        "decimals": [decimal.Decimal("1.5"), None, decimal.Decimal(3)] * 20,
        "days": [datetime.date(2020, 1, 1), None, datetime.date(2021, 1, 1)] * 20,
        "huge": [10**400, 1, 2] * 20,
        "endless": [np.inf, -np.inf, 1e308] * 20,
        "mixed": [1, "a", None] * 20,
        "unpaired": pd.Series(["é\ud800", "x", ""] * 20, dtype=object),
        "null": [None] * 60,
        "constant": [7] * 60,
        "flags": pd.Series([True, None, False] * 20, dtype="boolean"),
        "whole": pd.Series([1, None, 2] * 20, dtype="Int64"),
        "objects": pd.Series([True, None, False] * 20, dtype=object),
        "levels": pd.Categorical(["a", "b", None] * 20),
        "spans": pd.to_timedelta(["1D", None, "2D"] * 20),
        "zoned": pd.to_datetime(["2020-01-01", None, "2021-01-01"] * 20).tz_localize("Europe/Berlin"),
        "complex": [1j, 2, 3] * 20,
        "texts": [f"row {number} {'x' * number}" for number in range(60)],
        "label": ["yes", "no", "no"] * 20,
    }
)
CHANGES = {
    "the same": ODD,
    "no rows": ODD.head(0),
    "one row": ODD.head(1),
    "few rows": ODD.head(29),
    "texts": ODD.drop(columns="unpaired").astype(str),
    "columns in turn": ODD[list(ODD.columns[::-1])],
    "columns exchanged": ODD.set_axis([*ODD.columns[1:], ODD.columns[0]], axis=1),
    "columns missing": ODD[["label", "mixed"]],
    "one column": ODD[["huge"]],
    "no column": ODD[[]],
    "other columns": ODD.add_prefix("other "),
    "doubled names": pd.concat([ODD, ODD[["label", "whole"]]], axis=1),
    "all null": pd.DataFrame({name: [None] * 60 for name in ODD.columns}),
    "one value": pd.concat([ODD.head(1)] * 60, ignore_index=True),
}


def check(
    frame: pd.DataFrame, train: pd.DataFrame, holdout: pd.DataFrame, label: str | None, asked: list[str] = CHECKED
) -> list[Finding]:
    real = RealData(train, holdout, "", 0, "", "")
    evidence = Evidence("odd", TABLE, frame, real, QualityConfig(label=label))
    return [finding for name in asked for finding in ask(KNOWN[name], evidence)]


@pytest.mark.parametrize("change", CHANGES)
def test_odd_tables_are_answered_on_either_side(change: str) -> None:
    for findings in (
        check(CHANGES[change], ODD, ODD, "label"),
        check(ODD, CHANGES[change], CHANGES[change], "label"),
        check(ODD, CHANGES[change], CHANGES[change].head(0), "whole", CHECKED[:-1]),
    ):
        assert {finding.name for finding in findings} <= set(CHECKED)
        for finding in findings:
            assert finding.as_json()["verdict"] in ("pass", "warn", "fail", "not assessed")
            assert finding.detail
            figures = [finding.value, finding.reference, finding.threshold, *(finding.interval or ())]
            assert all(np.isfinite(figure) for figure in figures if figure is not None)


def test_few_rows_are_not_assessed_and_keep_their_gate() -> None:
    real = RealData(draw_people(200, 1), draw_people(200, 2), "", 0, "", "")
    gates = QualityConfig(min_fidelity=0.5, min_pair_fidelity=0.5, max_detection_auc=0.9, label="repaid")
    evidence = Evidence("people", TABLE, draw_people(20, 3), real, gates)
    findings = {name: ask(KNOWN[name], evidence)[0] for name in CHECKED}
    assert {finding.verdict for finding in findings.values()} == {"not assessed"}
    assert {name for name, finding in findings.items() if finding.gated} == {
        "fidelity.columns",
        "fidelity.pairs",
        "fidelity.detection",
    }


def test_what_does_not_apply_is_not_asked() -> None:
    frame = pd.DataFrame({"a": np.arange(60), "b": np.arange(60.0)})
    assert {"fidelity.missing", "fidelity.classes"}.isdisjoint(
        {found.name for found in check(frame, frame, frame, None)}
    )


@pytest.mark.parametrize("one_hot", [False, True])
@pytest.mark.parametrize("change", CHANGES)
def test_features_of_any_table_have_the_shape_they_were_fitted_to(change: str, one_hot: bool) -> None:
    features = Features.fit(ODD, list(ODD.columns), one_hot=one_hot)
    matrix = features.transform(CHANGES[change])
    assert matrix.shape == (len(CHANGES[change]), len(features.names))
    assert len(features.names) == len(features.owners) == len(features.categorical)
    assert not np.isinf(matrix).any()
    assert not (one_hot and np.isnan(matrix).any())
    Features.fit(CHANGES[change], list(ODD.columns), one_hot=one_hot).transform(ODD)


def test_features_know_only_the_rows_they_were_fitted_to() -> None:
    train = pd.DataFrame({"n": [1.0, 3.0, None], "c": ["x", "y", "x"], "on": [True, False, True]})
    other = pd.DataFrame({"n": [5.0, None], "c": ["new", None], "on": [False, None]})
    trees = Features.fit(train, ["n", "c", "on"], one_hot=False)
    assert trees.categorical == [False, True, False]
    np.testing.assert_array_equal(trees.transform(train), [[1, 0, 1], [3, 1, 0], [np.nan, 0, 1]])
    np.testing.assert_array_equal(trees.transform(other), [[5, np.nan, 0], [np.nan, np.nan, np.nan]])
    linear = Features.fit(train, ["n", "c"], one_hot=True)
    assert linear.names == ["n", "n: missing", "c: x", "c: y"]
    np.testing.assert_array_equal(linear.transform(other), [[3, 0, 0, 0], [0, 1, 0, 0]])


def test_moments_are_days_whatever_their_zone_and_rare_levels_share_a_code() -> None:
    moments = pd.DataFrame({"at": pd.to_datetime(["1970-01-02T12:00", None])})
    np.testing.assert_array_equal(Features.fit(moments, ["at"], one_hot=False).transform(moments), [[1.5], [np.nan]])
    many = pd.DataFrame({"c": [f"level {number}" for number in range(45)] * 20})
    assert Features.fit(many, ["c"], one_hot=False).transform(many).max() == 44
