"""Children given their parents: how many, what they are, and which of them are learned from."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from workbench.columns.values import Values, make_text_array
from workbench.errors import UsageError
from workbench.spec.model import SynthesizerConfig
from workbench.synthesizers.children import FittedChildren, fit_children
from workbench.synthesizers.fitting import read_settings
from workbench.synthesizers.profile import read_table
from workbench.synthesizers.sequences.fitting import fit_sequences
from workbench.synthesizers.synthesizer import FitContext
from workbench.synthesizers.types.sequence import SequenceConfig

PARENTS = 400


def make_families(seed: int = 0) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Shops, a third of them without orders; city shops have more and dearer ones."""
    generator = np.random.default_rng(seed)
    place = generator.choice(["city", "village"], PARENTS, p=[0.4, 0.6])
    shops = pd.DataFrame({"shop": np.arange(PARENTS) + 1000, "place": place, "area": generator.normal(80, 10, PARENTS)})
    counts = np.where(generator.random(PARENTS) < 1 / 3, 0, 1 + generator.poisson(np.where(place == "city", 5, 1)))
    of_shop = np.repeat(np.arange(PARENTS), counts)
    size = len(of_shop)
    orders = pd.DataFrame(
        {
            "at": of_shop + 1000,
            "price": np.round(generator.gamma(5, np.where(place[of_shop] == "city", 20, 4)), 2),
            "express": generator.random(size) < np.where(place[of_shop] == "city", 0.4, 0.02),
            "day": generator.integers(0, 1000, size),
        }
    )
    return shops, orders.sample(frac=1, random_state=2).reset_index(drop=True)


def configure(**settings: Any) -> SynthesizerConfig:
    return read_settings("gaussian_copula", "orders", {"given": ["place"], **settings})


def give_places(*places: str) -> dict[str, Values]:
    return {"place": Values(make_text_array(places))}


@pytest.fixture(scope="module")
def families() -> tuple[pd.DataFrame, pd.DataFrame]:
    return make_families()


@pytest.fixture(scope="module")
def fitted(families: tuple[pd.DataFrame, pd.DataFrame]) -> FittedChildren:
    shops, orders = families
    return fit_children(orders, "at", shops, "shop", configure(), FitContext())


def test_the_number_of_children_depends_on_the_parent_and_may_be_0(
    families: tuple[pd.DataFrame, pd.DataFrame], fitted: FittedChildren
) -> None:
    shops, orders = families
    counts = orders["at"].value_counts().reindex(shops["shop"], fill_value=0).to_numpy()
    parents = np.arange(2000, dtype=np.int64)
    for place in ("city", "village"):
        real = counts[(shops["place"] == place).to_numpy()]
        made = fitted.draw_lengths(parents, give_places(*[place] * 2000), (1, "orders"))
        assert made.dtype == np.int64
        assert made.mean() == pytest.approx(real.mean(), rel=0.15)
        assert (made == 0).mean() == pytest.approx((real == 0).mean(), abs=0.06)


def test_children_are_like_those_of_such_parents(fitted: FittedChildren) -> None:
    rows = np.arange(4000, dtype=np.int64)
    given = give_places(*["city"] * 2000, *["village"] * 2000)
    made = fitted.draw_rows(rows, given, (1, "orders"))
    assert made["place"].data.tolist() == given["place"].data.tolist()
    assert made["price"].data[:2000].mean() == pytest.approx(100, rel=0.12)
    assert made["price"].data[2000:].mean() == pytest.approx(20, rel=0.15)
    assert made["express"].data[:2000].mean() == pytest.approx(0.4, abs=0.05)
    assert made["express"].data[2000:].mean() == pytest.approx(0.02, abs=0.02)


def test_lengths_and_rows_do_not_depend_on_company(fitted: FittedChildren) -> None:
    numbers = np.arange(3000, dtype=np.int64)
    given = give_places(*["city", "village"] * 1500)
    lengths = fitted.draw_lengths(numbers, given, (4,))
    rows = fitted.draw_rows(numbers, given, (4,))
    some = numbers[5::11]
    own = {name: values.take(some) for name, values in given.items()}
    assert fitted.draw_lengths(some, own, (4,)).tolist() == lengths[some].tolist()
    assert fitted.draw_rows(some, own, (4,))["price"].data.tolist() == rows["price"].data[some].tolist()


def test_children_of_parents_that_are_held_out_are_left_out(families: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    shops, orders = families
    few = shops[:200]
    fitted = fit_children(orders, "at", few, "shop", configure(), FitContext())
    learned = int(orders["at"].isin(few["shop"]).sum())
    assert fitted.rows.report.rows + fitted.rows.report.validation_rows == learned
    assert any(f"{len(orders) - learned:,} rows" in note for note in fitted.rows.report.notes)
    assert fitted.lengths.profile.rows == 200


def test_keys_match_across_whole_and_real_numbers_and_texts(families: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    shops, orders = families
    for kind in (float, str):
        fitted = fit_children(orders.astype({"at": kind}), "at", shops, "shop", configure(), FitContext())
        assert fitted.lengths.report.shares
        assert "at" not in fitted.rows.profile.columns


def test_a_value_that_no_real_parent_with_children_has_is_kept(fitted: FittedChildren) -> None:
    made = fitted.draw_rows(np.arange(3, dtype=np.int64), give_places("moon", "city", "moon"), (1,))
    assert made["place"].data.tolist() == ["moon", "city", "moon"]


def test_children_without_given_columns_have_a_number_of_their_own(
    families: tuple[pd.DataFrame, pd.DataFrame],
) -> None:
    shops, orders = families
    fitted = fit_children(orders, "at", shops, "shop", configure(given=[]), FitContext())
    lengths = fitted.draw_lengths(np.arange(2000, dtype=np.int64), {}, (1,))
    assert lengths.mean() == pytest.approx(len(orders) / PARENTS, rel=0.1)


def test_a_fixed_number_of_children_is_kept() -> None:
    parents = pd.DataFrame({"id": range(30), "x": np.linspace(0, 1, 30)})
    children = pd.DataFrame({"id": np.repeat(range(30), 3), "y": np.arange(90) % 7})
    config = read_settings("gaussian_copula", "children", {"given": ["x"]})
    fitted = fit_children(children, "id", parents, "id", config, FitContext())
    given = {"x": Values(np.full(50, 0.5))}
    assert (fitted.draw_lengths(np.arange(50, dtype=np.int64), given, (1,)) == 3).all()


def test_sequences_of_parents_take_their_columns_and_know_of_parents_without_records(
    families: tuple[pd.DataFrame, pd.DataFrame],
) -> None:
    shops, orders = families
    config = SequenceConfig(source="orders", entity="at", order_by="day", given=["place"])
    fitted = fit_sequences(orders, config, FitContext(), parents=shops, parent_key="shop")
    parents = np.arange(1000, dtype=np.int64)
    given = give_places(*["city", "village"] * 500)
    lengths = fitted.draw_lengths(parents, given, (1,))
    assert (lengths == 0).mean() == pytest.approx(1 / 3, abs=0.08)
    assert lengths[::2].mean() > 1.5 * lengths[1::2].mean()
    made = fitted.draw_records(parents, lengths, given, (1,))
    assert "at" not in made
    owner = np.repeat(parents, lengths)
    assert made["place"].data.tolist() == given["place"].data[owner].tolist()
    days = made["day"].data
    assert (np.diff(days)[np.diff(owner) == 0] >= 0).all()
    price = made["price"].data
    assert price[owner % 2 == 0].mean() > 2.5 * price[owner % 2 == 1].mean()


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"child_key": "shop"}, "at"),
        ({"parent_key": "place"}, "Two parents"),
        ({"child_key": "day"}, "group_by"),
        ({"config": {"given": ["plaice"]}}, "plaice"),
        ({"config": {"differential_privacy": {"max_epsilon": 1.0}}}, "all rows of a person"),
    ],
)
def test_children_that_cannot_be_learned_are_explained(
    families: tuple[pd.DataFrame, pd.DataFrame], change: dict[str, Any], word: str
) -> None:
    shops, orders = families
    keys = {"child_key": "at", "parent_key": "shop", **change}
    with pytest.raises(UsageError, match=word):
        fit_children(
            orders, keys["child_key"], shops, keys["parent_key"], configure(**change.get("config", {})), FitContext()
        )


def test_a_given_column_that_only_the_children_have_bears_on_the_rows_alone(
    families: tuple[pd.DataFrame, pd.DataFrame],
) -> None:
    shops, orders = families
    fitted = fit_children(orders, "at", shops, "shop", configure(given=["place", "express"]), FitContext())
    assert set(fitted.lengths.profile.columns) == {"place", "sequence: length"}
    real = read_table(orders)
    assert set(real.profile.columns) - {"at"} < set(fitted.rows.profile.columns)
