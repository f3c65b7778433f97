"""The private view: no rare level, no exact bound, no exact count; and a row counts no more than is accounted."""

from __future__ import annotations

import datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("opacus")

from workbench.errors import UsageError, WorkbenchError
from workbench.spec.model import DifferentialPrivacyConfig
from workbench.synthesizers.privacy.accounting import PrivacyAccountant
from workbench.synthesizers.privacy.view import keep_private_view, make_private_view
from workbench.synthesizers.profile import RealTable, read_table

ROWS = 4_000
EXTREME = 917_342.61
RARE = "Lighthouse keeper of Skerryvore"


def _make_frame(rows: int = ROWS, seed: int = 1) -> pd.DataFrame:
    source = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "age": source.integers(18, 80, rows),
            "income": np.round(source.lognormal(8, 0.5, rows), 2),
            "job": source.choice(["nurse", "teacher", "cook"], rows, p=[0.5, 0.3, 0.2]),
            "member": source.random(rows) < 0.1,
            "since": pd.Timestamp("2019-05-01") + pd.to_timedelta(source.integers(0, 900, rows), unit="D"),
            "name": [f"Person {number}" for number in range(rows)],
            "score": np.where(source.random(rows) < 0.3, np.nan, source.integers(1, 6, rows)),
            "nothing": [None] * rows,
        }
    )
    frame.loc[3, "income"] = EXTREME
    frame.loc[5, "job"] = RARE
    frame.loc[7, "since"] = pd.Timestamp("1903-04-05")
    return frame


def _view(frame: pd.DataFrame, **settings: object) -> tuple[RealTable, PrivacyAccountant]:
    config = DifferentialPrivacyConfig.model_validate({"max_epsilon": 3.0, **settings})
    accountant = PrivacyAccountant(config.max_epsilon, config.delta)
    return make_private_view(read_table(frame), config, accountant), accountant


def test_no_extreme_value_rare_level_or_identifier_is_in_the_profile() -> None:
    view, accountant = _view(_make_frame())
    profile = view.profile
    told = repr(profile)
    assert RARE not in told
    assert "917342" not in told
    assert "Person" not in told
    assert profile.columns["income"].high < EXTREME
    assert profile.columns["since"].low > pd.Timestamp("1950-01-01").value / 1000
    assert set(profile.columns["job"].levels or ()) == {"nurse", "teacher", "cook"}
    assert profile.columns["name"].role == "identifier"
    assert profile.columns["nothing"].role == "empty"
    assert set(profile.columns["score"].levels or ()) == {1.0, 2.0, 3.0, 4.0, 5.0}
    assert profile.columns["age"].levels is None
    assert accountant.remaining_share == pytest.approx(0.9)
    assert accountant.epsilon < 1.0


def test_values_lie_within_the_private_profile() -> None:
    view, _ = _view(_make_frame())
    for name, column in view.profile.columns.items():
        if column.role == "number":
            numbers = view.numbers(name)
            assert np.nanmin(numbers) >= column.low
            assert np.nanmax(numbers) <= column.high
        if column.role == "category":
            assert (view.codes(name) >= 0).all()
        assert column.missing or not view.find_missing(name).any()
    assert view.profile.columns["score"].missing == pytest.approx(0.3, abs=0.06)
    clipped = view.numbers("income")
    assert (clipped == view.profile.columns["income"].high).mean() < 0.1


def test_counts_are_noisy_and_sum_up_to_the_rows() -> None:
    frame = _make_frame()
    counts = [_view(frame)[0].profile.columns["job"].counts or () for _ in range(3)]
    assert len(set(counts)) > 1
    assert all(sum(found) == pytest.approx(ROWS, abs=3) for found in counts)
    assert all(abs(found[0] / ROWS - 0.5) < 0.05 for found in counts)


def test_public_bounds_and_values_are_kept_as_given() -> None:
    view, _ = _view(
        _make_frame(),
        bounds={
            "income": [0, 50_000],
            "since": [datetime.date(2019, 1, 1), datetime.date(2022, 12, 31)],
            "score": [1, 6],
        },
        values={"job": ["nurse", "teacher", "cook", "pilot"], "age": list(range(18, 80))},
    )
    columns = view.profile.columns
    assert (columns["income"].low, columns["income"].high) == (0, 50_000)
    assert columns["since"].low == pd.Timestamp("2019-01-01").value / 1000
    assert set(columns["job"].levels or ()) == {"nurse", "teacher", "cook", "pilot"}
    assert set(columns["score"].levels or ()) == {1, 2, 3, 4, 5, 6}
    assert set(columns["age"].levels or ()) == set(range(18, 80))
    assert min(columns["job"].counts or ()) >= 1


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"bounds": {"wage": [0, 1]}}, "no column “wage”"),
        ({"bounds": {"age": [9, 3]}}, "are no range"),
        ({"bounds": {"job": [0, 1]}}, "holds no numbers"),
        ({"values": {"member": ["yes"]}}, "“yes” cannot be public"),
        ({"values": {"age": [1, 1]}}, "is given twice"),
        ({"values": {"score": []}}, "are none"),
    ],
)
def test_public_facts_that_do_not_fit_are_refused(settings: dict[str, object], told: str) -> None:
    with pytest.raises(UsageError, match=told):
        _view(_make_frame(100), **settings)


def test_a_budget_too_small_for_bounds_says_what_to_give() -> None:
    frame = pd.DataFrame({"x": np.random.default_rng(0).normal(size=40)})
    with pytest.raises(WorkbenchError, match="too small for the bounds of “x”") as caught:
        _view(frame, max_epsilon=0.2)
    assert "bounds: {x:" in caught.value.solution


def test_a_level_of_a_single_row_hardly_ever_shows() -> None:
    frame = pd.DataFrame({"job": ["cook"] * 60 + [RARE]})
    for _ in range(50):
        view, _ = _view(frame, max_epsilon=20.0)
        assert view.profile.columns["job"].levels == ("cook",)


class _Recorder(PrivacyAccountant):
    """Records what would be released before noise, and releases what another one did, so that both go the same way."""

    def __init__(self, replay: list[np.ndarray] | None = None) -> None:
        super().__init__(3.0, 1e-5)
        self.replay = replay
        self.exact: list[np.ndarray] = []
        self.noisy: list[np.ndarray] = []
        self.sensitivities: list[float] = []

    def release_gaussian(
        self, values: np.ndarray, l2_sensitivity: float, share: float, generator: np.random.Generator | None = None
    ) -> np.ndarray:
        self.exact.append(np.asarray(values, float))
        self.sensitivities.append(l2_sensitivity)
        noisy = super().release_gaussian(values, l2_sensitivity, share, generator)
        self.noisy.append(noisy if self.replay is None else self.replay[len(self.noisy)])
        return self.noisy[-1]


@given(row=st.integers(10, 399), seed=st.integers(0, 5))
@settings(max_examples=15, deadline=None)
def test_one_row_less_changes_each_release_by_no_more_than_its_sensitivity(row: int, seed: int) -> None:
    frame = _make_frame(400, seed).drop(columns=["nothing"])
    config = DifferentialPrivacyConfig(
        max_epsilon=3.0, bounds={"age": (0, 120)}, values={"job": ["nurse", "teacher", RARE], "name": ["nobody"]}
    )
    full = _Recorder()
    make_private_view(read_table(frame), config, full, np.random.default_rng(seed))
    less = _Recorder(replay=full.noisy)
    make_private_view(read_table(frame.drop(index=row)), config, less, np.random.default_rng(seed))
    assert len(full.exact) == len(less.exact)
    for one, other, sensitivity in zip(full.exact, less.exact, full.sensitivities, strict=True):
        assert np.linalg.norm(one - other) <= sensitivity


def test_a_view_is_made_once_for_all_starts_of_a_fit(tmp_path: Path) -> None:
    table = read_table(_make_frame())
    config = DifferentialPrivacyConfig(max_epsilon=3.0)
    accountants = [PrivacyAccountant(3.0, 1e-5) for _ in range(2)]
    views = [keep_private_view(table, config, accountant, tmp_path / "fit") for accountant in accountants]
    assert views[0].profile == views[1].profile
    assert accountants[0].epsilon == accountants[1].epsilon
    for name, values in views[0].columns.items():
        assert values.to_list() == views[1].columns[name].to_list()
    other = keep_private_view(table, DifferentialPrivacyConfig(max_epsilon=2.0), PrivacyAccountant(2.0, 1e-5), tmp_path)
    assert other.profile != views[0].profile
