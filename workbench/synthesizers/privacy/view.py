"""The private view of a real table: its profile learned with noise alone, its values brought into that profile.

What is public: the names, kinds, decimals and steps of the columns, the number of rows, and what the spec gives as
public `bounds` and `values`. The number of rows may be public because the promise is about a row's content: a
neighbouring table has an empty row, which counts nowhere, in the place of one row. Noise and accounting are those of
adding or removing a row (the “zero-out” neighbours of Ponomareva et al., “How to DP-fy ML”, 2023, arXiv:2303.00654).

Everything else comes from one noisy histogram for each column, in which a row counts once:

- Levels nobody gave are kept where their noisy count passes a threshold that the level of a single row passes with a
  chance of delta's part for it (Korolova et al., 2009; Wilkins et al., “Exact Privacy Analysis of the Gaussian Sparse
  Histogram Mechanism”, 2022, arXiv:2202.01100).
- Bounds nobody gave are found on a fixed grid: powers of two for numbers, as the approximate bounds of Google's
  libraries for differential privacy have it (Wilson et al., “Differentially Private SQL with Bounded User
  Contribution”, 2020, arXiv:1909.01917), years for moments. The two outermost cells are then looked at more closely.

It takes a tenth of the budget, in small tables up to three tenths, since counts of few rows drown in noise sooner.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from workbench.columns.values import Values, fill_nulls
from workbench.errors import UsageError
from workbench.spec.model import DifferentialPrivacyConfig
from workbench.spec.problems import suggest
from workbench.synthesizers.privacy.accounting import PrivacyAccountant
from workbench.synthesizers.privacy.histograms import (
    Releases,
    is_discrete,
    learn_bounds,
    learn_levels,
    learn_missing,
    make_whole_levels,
    put_on_grain,
    settle_counts,
)
from workbench.synthesizers.privacy.public import read_bounds, read_levels
from workbench.synthesizers.profile import (
    ColumnProfile,
    RealTable,
    TableProfile,
    decode_codes,
    decode_numbers,
    find_codes,
    find_numbers,
)

LEAST_SHARE, MOST_SHARE = 0.1, 0.3
"""The share of the budget that the view takes, from large tables to small ones."""

WANTED_NOISE = 0.02
"""The noise of a count that is aimed at in small tables, as a part of the rows."""

BOUNDED_WEIGHT = 0.5
"""What a number with public bounds takes, of which nulls alone are counted, beside 1 for other columns."""


KEPT = "private_view.json"
"""What is kept of a view in the folder of a fit that may be stopped and go on."""


def make_private_view(
    table: RealTable,
    config: DifferentialPrivacyConfig,
    accountant: PrivacyAccountant,
    generator: np.random.Generator | None = None,
) -> RealTable:
    """The table with a profile that holds nothing but what is public or was released with noise.

    Numbers are clipped to the profile's bounds; levels that it lacks, and nulls where it has none, give way to values
    drawn at random from the profile, so that the share of nulls stays what it is. A text column becomes a category
    where its frequent levels cover half of its values, else an identifier; one with hardly any value becomes empty.

    Without `generator` the noise comes from the entropy of the operating system. It must: the seed of a spec is public,
    and whoever knows the noise can subtract it. Raises UsageError for public bounds and values that do not fit the
    table, WorkbenchError where the budget is spent.
    """
    source = np.random.default_rng() if generator is None else generator
    profile = make_private_profile(table, config, accountant, source)
    return apply_profile(table, profile, source)


def keep_private_view(
    table: RealTable, config: DifferentialPrivacyConfig, accountant: PrivacyAccountant, folder: Path | None
) -> RealTable:
    """The same, made once for all starts of one fit: it is kept in `folder`, the fit's own, with what it cost.

    A second view would cost the budget again, and what was learned on the first one would not fit to it.
    """
    if folder is None:
        return make_private_view(table, config, accountant)
    from workbench.files import make_folder, write_json
    from workbench.synthesizers.storage import read_profile, write_profile

    identity = [config.model_dump(mode="json"), table.rows, list(table.profile.columns)]
    path = folder / KEPT
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        known = bool(kept["identity"] == identity)
    except (OSError, ValueError, TypeError, KeyError):
        known = False
    if known:
        accountant.load_state(kept["accountant"])
        profile = read_profile(kept["profile"])
    else:
        profile = make_private_profile(table, config, accountant, np.random.default_rng())
        kept = {"identity": identity, "accountant": accountant.get_state(), "fill": secrets.randbits(63)}
        make_folder(folder)
        write_json(path, {**kept, "profile": write_profile(profile)})
    return apply_profile(table, profile, np.random.default_rng(kept["fill"]))


def make_private_profile(
    table: RealTable, config: DifferentialPrivacyConfig, accountant: PrivacyAccountant, generator: np.random.Generator
) -> TableProfile:
    """The profile of `make_private_view`. `table` is as it was read, without any earlier view."""
    _check_names(config, table.profile)
    columns = {name: _read_public(column, config) for name, column in table.profile.columns.items()}
    weights = {name: _weigh(column) for name, column in columns.items()}
    shares = _divide_share(weights, table.rows, accountant)
    unknown = sum(column.role == "category" and column.levels is None for column in columns.values())
    threshold_delta = accountant.threshold_delta / max(unknown, 1)
    learned: dict[str, ColumnProfile] = {}
    for name, column in columns.items():
        releases = Releases(accountant, generator, shares[name], threshold_delta)
        learned[name] = _learn_column(column, table.columns[name], releases)
    return TableProfile(learned, table.rows, tuple(_tell(table.profile, learned, config)))


def apply_profile(table: RealTable, profile: TableProfile, generator: np.random.Generator) -> RealTable:
    """The values of `table` brought into a private `profile` of it, each row by itself."""
    columns = {name: _fit_values(column, table.columns[name], generator) for name, column in profile.columns.items()}
    return RealTable(profile, columns)


def _check_names(config: DifferentialPrivacyConfig, profile: TableProfile) -> None:
    for name in (*config.bounds, *config.values):
        if name not in profile.columns:
            message = f"The table has no column “{name}” to have public bounds or values."
            raise UsageError(message, suggest(name, profile.columns))


def _read_public(column: ColumnProfile, config: DifferentialPrivacyConfig) -> ColumnProfile:
    """The column with what is public of it alone: `levels`, and bounds, unless both are 0, which are unknown then."""
    text = column.kind in ("string", "bool")
    plain = ColumnProfile(
        column.name, column.kind, "category" if text else "number", decimals=column.decimals, step=column.step
    )
    if column.name in config.values:
        plain = replace(plain, levels=read_levels(plain, config.values[column.name]))
        if not text:
            numbers = find_numbers(decode_codes(plain, np.arange(len(plain.levels or ()))))
            return replace(plain, low=float(numbers.min()), high=float(numbers.max()))
    elif column.kind == "bool":
        return replace(plain, levels=(False, True))
    if column.name in config.bounds:
        bounded = put_on_grain(plain, *read_bounds(plain, config.bounds[column.name]))
        if is_discrete(bounded, bounded.low, bounded.high):
            return replace(bounded, levels=make_whole_levels(bounded, np.arange(bounded.low, bounded.high + 1)))
        return bounded
    return plain


def _weigh(column: ColumnProfile) -> float:
    known = column.role == "number" and column.levels is None and column.low < column.high
    return BOUNDED_WEIGHT if known else 1.0


def _divide_share(weights: Mapping[str, float], rows: int, accountant: PrivacyAccountant) -> dict[str, float]:
    """Each column's share of the budget: enough for WANTED_NOISE, within what the view may take."""
    total = sum(weights.values())
    wanted = total * (accountant.unit_noise / (WANTED_NOISE * rows)) ** 2
    share = min(max(wanted, LEAST_SHARE), MOST_SHARE)
    return {name: share * weight / total for name, weight in weights.items()}


def _learn_column(column: ColumnProfile, values: Values, releases: Releases) -> ColumnProfile:
    rows = len(values)
    if column.levels is not None or column.role == "category":
        found = learn_levels(column, values, releases)
        if found.levels is not None:
            return settle_counts(found, rows)
        return replace(found, role="empty" if found.missing >= 1 else "identifier")
    if column.low < column.high:
        return replace(column, missing=learn_missing(values, releases))
    found = learn_bounds(column, values, releases)
    return found if found.levels is None else settle_counts(found, rows)


def _fit_values(column: ColumnProfile, values: Values, generator: np.random.Generator) -> Values:
    missing = np.zeros(len(values), np.bool_) if values.valid is None else ~values.valid
    if column.role in ("identifier", "empty"):
        return values if column.role == "identifier" else fill_nulls(column.kind, len(values))
    if column.role == "category":
        codes = find_codes(column, values)
        lacking = (codes < 0) & (~missing | (column.missing == 0))
        codes[lacking] = generator.choice(len(column.levels or ()), int(lacking.sum()), p=column.shares)
        return decode_codes(column, codes)
    numbers = find_numbers(values)
    if column.missing == 0:
        numbers[missing] = generator.uniform(column.low, column.high, int(missing.sum()))
    return decode_numbers(column, numbers)


def _tell(real: TableProfile, learned: Mapping[str, ColumnProfile], config: DifferentialPrivacyConfig) -> list[str]:
    notes = [f"The number of rows, {real.rows:,}, and the names and types of the columns are taken as public."]
    given = sorted({*config.bounds, *config.values})
    if given:
        notes.append(f"Public bounds or values were given for {_quote(given)}.")
    bounded = [
        name
        for name, column in learned.items()
        if column.role == "number" and name not in {*config.bounds, *config.values}
    ]
    if bounded:
        notes.append(f"The bounds of {_quote(bounded)} were learned with noise; numbers beyond them are clipped.")
    kept = [
        name
        for name, column in learned.items()
        if column.role == "category" and column.kind == "string" and name not in config.values
    ]
    if kept:
        notes.append(f"Of {_quote(kept)} only levels of many rows were kept; the others gave way to these at random.")
    others = [name for name, column in learned.items() if column.role == "identifier"]
    if others:
        notes.append(f"Nothing is learned of the texts of {_quote(others)}: most are rare. New ones are made instead.")
    empty = [name for name, column in learned.items() if column.role == "empty"]
    if empty:
        notes.append(f"{_quote(empty)} has hardly any value: it stays empty.")
    return notes


def _quote(names: list[str]) -> str:
    return ", ".join(f"“{name}”" for name in names)
