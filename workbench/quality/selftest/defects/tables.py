"""Tables that are unlike the real one: columns apart from one another, noise, categories, gaps and cases that lack."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from workbench.quality.evidence import Evidence
from workbench.quality.selftest.planting import register_defect

_UNLIKE = "what tells the rows from real ones is what was planted"
_FIT = "the planted change moves the joint shares of the columns that it touches"
_RULE = "a rate and an amount of different people are brought together"
_EVENT = "its columns no longer go together in a row"


@register_defect(
    "independent_columns",
    "each column is shuffled by itself: shapes are right, and nothing depends on anything",
    scene="people",
    trips=("fidelity.pairs", "fidelity.detection"),
    consequences={
        "fidelity.accuracy": _FIT,
        "fidelity.missing": "what is missing together no longer is",
        "fidelity.classes": "each class has the columns of all",
        "usefulness.*": "there is nothing to learn",
        "trust.edge_cases": "cases that are rare by several columns at once are gone",
        "rules": _RULE,
        "scenario.*": _EVENT,
        "fairness.model": "a model that learned nothing treats groups otherwise than one of real rows",
    },
)
def shuffle_columns(evidence: Evidence, draw: np.random.Generator) -> Evidence:
    """Shuffle every column."""
    frame = evidence.frame.copy()
    for name in frame.columns:
        frame[name] = frame[name].to_numpy()[draw.permutation(len(frame))]
    return replace(evidence, frame=frame.astype(evidence.frame.dtypes.to_dict()))


@register_defect(
    "uniform_noise",
    "numbers and moments are drawn evenly from their range, categories evenly from their values",
    scene="people",
    trips=("fidelity.columns", "fidelity.pairs", "fidelity.detection"),
    consequences={
        "fidelity.*": "nothing about noise is like the real rows",
        "usefulness.*": "there is nothing to learn",
        "trust.edge_cases": "no row is near to any real one",
        "rules": _RULE,
        "scenario.*": _EVENT,
        "fairness.representation": "every group is equally large, as the real ones are not",
        "fairness.model": "a model that learned nothing treats groups otherwise than one of real rows",
        "privacy.distance_share": "rows far from all real ones have no nearest side but by chance",
    },
)
def draw_noise(evidence: Evidence, draw: np.random.Generator) -> Evidence:
    """Draw every column but the account number anew."""
    frame = evidence.frame.copy()
    rows = len(frame)
    for name in frame.columns.drop("account"):
        column = frame[name]
        if column.dtype.kind in "fi":
            low, high = column.min(), column.max()
            numbers = draw.uniform(low, high, rows) if column.dtype.kind == "f" else draw.integers(low, high + 1, rows)
            frame[name] = np.where(column.isna(), np.nan, np.round(numbers, 2)) if column.hasnans else numbers
        elif column.dtype.kind == "M":
            moments = column.to_numpy("datetime64[us]").astype(np.int64)
            frame[name] = draw.integers(moments.min(), moments.max(), rows).astype("datetime64[us]")
        else:
            frame[name] = draw.choice(column.unique(), rows)
    months = evidence.frame["months"].unique()
    return replace(evidence, frame=frame.assign(months=draw.choice(months, rows)))


@register_defect(
    "collapsed_category",
    "no row is of the west any more: all of them are of the north",
    scene="customers",
    trips=("fidelity.coverage",),
    consequences={
        "fidelity.columns": "a tenth of the rows has another region",
        "fidelity.pairs": _FIT,
        "fidelity.accuracy": _FIT,
        "fidelity.detection": _UNLIKE,
        "trust.edge_cases": "rare jobs and purposes in the west are gone with it",
    },
)
def collapse_category(evidence: Evidence, draw: np.random.Generator) -> Evidence:
    """Turn one region into another."""
    return replace(evidence, frame=evidence.frame.assign(region=evidence.frame["region"].replace("west", "north")))


@register_defect(
    "swapped_correlation",
    "who earns much has little saved: the order of savings is turned round",
    scene="customers",
    trips=("fidelity.pairs",),
    consequences={
        "fidelity.accuracy": _FIT,
        "fidelity.detection": _UNLIKE,
    },
)
def swap_correlation(evidence: Evidence, draw: np.random.Generator) -> Evidence:
    """Give the largest savings to whom had the smallest."""
    savings = evidence.frame["savings"].copy()
    known = savings.notna().to_numpy()
    values = savings.to_numpy()[known]
    turned = np.empty_like(values)
    turned[np.argsort(values, kind="stable")] = np.sort(values)[::-1]
    savings[known] = turned
    return replace(evidence, frame=evidence.frame.assign(savings=savings))


@register_defect(
    "broken_gaps",
    "savings and score are missing as often as in the real rows, but no longer together",
    scene="customers",
    trips=("fidelity.missing",),
    consequences={
        "fidelity.pairs": "columns that are missing together are a pair too",
        "fidelity.accuracy": _FIT,
        "fidelity.detection": _UNLIKE,
    },
)
def break_gaps(evidence: Evidence, draw: np.random.Generator) -> Evidence:
    """Move the gaps of one column to other rows, whose values fill the old ones."""
    score = evidence.frame["score"].to_numpy(copy=True)
    gaps = np.flatnonzero(np.isnan(score))
    others = draw.choice(np.flatnonzero(~np.isnan(score)), len(gaps), replace=False)
    score[gaps], score[others] = score[others], np.nan
    return replace(evidence, frame=evidence.frame.assign(score=score))


@register_defect(
    "missing_edge_case",
    "nobody founds a firm: a small group far from all others has no row",
    scene="customers",
    trips=("trust.edge_cases",),
    consequences={
        "scenario.*": "the founders are an event that the spec asks for",
        "fidelity.coverage": "credits over 84 months are founders' alone",
        "fidelity.columns": "the largest amounts are theirs",
        "fidelity.detection": _UNLIKE,
    },
)
def drop_edge_case(evidence: Evidence, draw: np.random.Generator) -> Evidence:
    """Put other rows in the place of founders."""
    frame = evidence.frame
    founds = (frame["months"] == 84).to_numpy()
    others = draw.choice(np.flatnonzero(~founds), int(founds.sum()), replace=False)
    columns = [name for name in frame.columns if name != "account"]
    changed = frame.copy()
    donors = frame.iloc[others][columns]
    # Each gives half of its columns' values; whole rows would be duplicates.
    for place, name in enumerate(columns):
        changed.loc[founds, name] = (donors if place % 2 else donors.iloc[::-1])[name].to_numpy()
    return replace(evidence, frame=changed)


@register_defect(
    "missed_scenario",
    "the event that the spec asks for has a tenth of the rows that it should",
    scene="customers",
    trips=("scenario.founders",),
    consequences={"fidelity.*": "the event is real, and real rows have it", "trust.edge_cases": "the event is rare"},
)
def miss_scenario(evidence: Evidence, draw: np.random.Generator) -> Evidence:
    """Give founders another purpose."""
    frame = evidence.frame
    shown = frame.index[(frame["purpose"] == "business") & (frame["months"] == 84)]
    return replace(evidence, frame=frame.assign(purpose=frame["purpose"].where(~frame.index.isin(shown[1:]), "car")))


@register_defect(
    "broken_rule",
    "in one row the monthly rate is above the amount that is asked for",
    scene="customers",
    trips=("rules",),
)
def break_rule(evidence: Evidence, draw: np.random.Generator) -> Evidence:
    """Double the amount for the rate of a row."""
    rates, row = evidence.frame["rate"].to_numpy(np.float64, copy=True), int(draw.integers(len(evidence.frame)))
    rates[row] = 2 * evidence.frame["amount"].to_numpy(np.float64)[row]
    return replace(evidence, frame=evidence.frame.assign(rate=rates))


@register_defect(
    "repeated_rows",
    "3 % of the rows repeat an earlier row",
    scene="customers",
    trips=("duplicates",),
    consequences={
        "duplicates.text": "the account number is repeated with the row",
        "fidelity.detection": "a repeated row is known again",
        "rules": "an account number that stands twice",
    },
)
def repeat_rows(evidence: Evidence, draw: np.random.Generator) -> Evidence:
    """Repeat rows in the place of others."""
    order = np.arange(len(evidence.frame))
    chosen = draw.choice(len(order), 2 * round(0.03 * len(order)), replace=False)
    order[chosen[: len(chosen) // 2]] = chosen[len(chosen) // 2 :]
    return replace(evidence, frame=evidence.frame.iloc[order].reset_index(drop=True))


@register_defect(
    "few_real_rows",
    "there are twenty times as many rows as real ones to put beside them",
    scene="customers",
    trips=("trust.synthetic_share",),
    consequences={
        "fidelity.*": "so few real rows are a poor measure",
        "trust.*": "so few real rows are a poor measure",
    },
)
def drop_real_rows(evidence: Evidence, draw: np.random.Generator) -> Evidence:
    """Leave a twentieth of the real training rows."""
    real = evidence.real
    if real is None:
        raise ValueError("this defect needs real rows")
    few = real.train.head(len(evidence.frame) // 20).reset_index(drop=True)
    return replace(evidence, real=replace(real, train=few, rows=len(few) + len(real.holdout)))
