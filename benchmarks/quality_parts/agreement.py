"""Our figures beside those of SDMetrics, fairlearn, scikit-learn and statsmodels where the definitions are the same.

`anonymeter` attacks in another way than our checks do, so of its risks only the order is compared.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from peers.environment import FOLDER, QUALITY_HOME, find_python, run_script
from quality_parts.planted import Tables, plant_six, write_tables

from workbench.datasets.packaged import load_packaged
from workbench.datasets.sources import RealData
from workbench.quality.asking import ask
from workbench.quality.catalogue import CHECKS
from workbench.quality.checks.coverage import find_range_coverage
from workbench.quality.fairness import Rates, find_parity
from workbench.quality.pairs import compare_pairs
from workbench.quality.privacy.membership import attack_membership
from workbench.quality.rows import find_wilson_interval
from workbench.quality.selftest.holdouts import describe_table
from workbench.quality.selftest.population import LABEL, draw_people
from workbench.quality.similarity import encode_columns, find_kind, measure_similarity
from workbench.spec.model import QualityConfig

ORACLES = FOLDER / "quality_oracles.py"
SAME = 5e-5
"""Figures that differ by less agree to four digits."""
RISKS = ("singling_out", "linkability", "inference")


@dataclass(frozen=True, slots=True)
class Agreement:
    """One measure against one peer: how many figures were compared, and the two that differ most."""

    measure: str
    peer: str
    tables: str
    figures: int
    ours: float
    theirs: float
    note: str = ""

    @property
    def agrees(self) -> bool:
        """Whether all figures are the same to four digits."""
        return abs(self.ours - self.theirs) < SAME


@dataclass(slots=True)
class _Pairs:
    """(ours, theirs) of one measure on all tables."""

    values: list[tuple[float, float]] = field(default_factory=list)

    def add(self, ours: float | None, theirs: float | None) -> None:
        if ours is not None and theirs is not None and not np.isnan(theirs):
            self.values.append((float(ours), float(theirs)))

    def find_worst(self) -> tuple[float, float]:
        return max(self.values, key=lambda pair: abs(pair[0] - pair[1]))


def measure_agreement(work: Path) -> dict[str, Any]:
    """All agreements, and the shapes and pair trends of each planted table, as plain values."""
    tables = [plant_six(), _spoil_german_credit()]
    people = _draw_people()
    names = ", ".join(each.name for each in tables)
    compared = {name: _Pairs() for name in _SDMETRICS}
    overview = []
    for each in tables:
        folder = write_tables(each, work / each.name.replace(" ", "_"))
        theirs = _ask_peer("measure", folder)
        for name, made in each.made.items():
            ours = _measure_table(each.train, made)
            _compare_table(compared, ours, theirs[name])
            overview.append(
                {"tables": each.name, "made": name, "ours": [ours["shapes"], ours["pair_trends"]],
                 "theirs": [theirs[name]["shapes"], theirs[name]["pair_trends"]]}
            )  # fmt: skip
    theirs = _ask_peer("measure", write_tables(people, work / people.name))
    for name, made in people.made.items():
        # Where more is missing, ours lowers the similarity of the column, which SDMetrics' leaves to another figure.
        keys = _OF_COLUMNS if name == "fresh" else ("missing",)
        _compare_columns(compared, _measure_columns(people.train, made), theirs[name], keys)
    found = [
        Agreement(
            title,
            "SDMetrics",
            names + (", people" if key in _OF_COLUMNS else ""),
            len(compared[key].values),
            *compared[key].find_worst(),
            note,
        )
        for key, (title, note) in _SDMETRICS.items()
    ]
    found += [*_compare_fairness(work), *_compare_numbers(work)]
    return {
        "measures": [asdict(each) | {"agrees": each.agrees} for each in found],
        "tables": overview,
        "risks": _compare_risks(tables, work),
    }


_OF_COLUMNS = ("shape", "missing", "coverage", "range", "boundary")
_SDMETRICS = {
    "shape": ("similarity of a column, 1 - KS or 1 - TV", "KSComplement, TVComplement"),
    "shapes": ("mean over columns", "Column Shapes"),
    "pair": (
        "similarity of a pair of columns",
        "CorrelationSimilarity; ContingencySimilarity, numbers cut by each table's own range as it does",
    ),
    "pair_trends": ("mean over pairs that depend on one another", "Column Pair Trends, which leaves out weak pairs"),
    "missing": ("similarity of the share missing", "MissingValueSimilarity"),
    "coverage": ("share of a column's categories that occur", "CategoryCoverage"),
    "range": ("share of a column's range that is reached", "RangeCoverage"),
    "boundary": ("share of a column within the real range", "BoundaryAdherence"),
    "new_rows": ("share of rows that are no real row", "NewRowSynthesis with a tolerance of 0"),
}


def _measure_columns(train: pd.DataFrame, made: pd.DataFrame) -> dict[str, dict[str, float]]:
    names = [str(name) for name in train.columns]
    codes = {name: encode_columns(train[name], made[name], find_kind(train[name])) for name in names}
    columns: dict[str, dict[str, float]] = {}
    for name in names:
        found = {"shape": measure_similarity(codes[name])}
        found["missing"] = 1 - abs(float((codes[name].a < 0).mean()) - float((codes[name].b < 0).mean()))
        if codes[name].ordered:
            real, own = _read_numbers(train[name]), _read_numbers(made[name])
            found["range"] = find_range_coverage(real, own)
            found["boundary"] = float(((own >= real.min()) & (own <= real.max())).mean())
        else:
            levels = set(train[name].dropna().astype(str))
            found["coverage"] = len(levels & set(made[name].dropna().astype(str))) / len(levels)
        columns[name] = found
    return columns


def _read_numbers(column: pd.Series) -> NDArray[np.float64]:
    present = column.dropna()
    moments = pd.api.types.is_datetime64_any_dtype(present)
    return present.astype("datetime64[us]").astype("int64").to_numpy(np.float64) if moments else present.to_numpy(float)


def _measure_table(train: pd.DataFrame, made: pd.DataFrame) -> dict[str, Any]:
    names = [str(name) for name in train.columns]
    columns = _measure_columns(train, made)
    pairs = _measure_pairs(train, made, names)
    evidence = describe_table("made", made, RealData(train, train.head(0), "", len(train), "", ""))
    copies = next(finding for finding in ask(_get("privacy.copies"), evidence))
    return {
        "columns": columns,
        "shapes": float(np.mean([each["shape"] for each in columns.values()])),
        "pairs": pairs,
        "new_rows": 1 - (copies.value or 0.0),
    }


def _measure_pairs(train: pd.DataFrame, made: pd.DataFrame, names: list[str]) -> dict[tuple[str, str], float]:
    """SDMetrics cuts the numbers of each table by that table's own range, where ours are cut by the real one's: a
    number beside a category is cut in its way here.
    """
    numbers = [name for name in names if find_kind(train[name]) == "number"]
    cut = [
        frame.assign(
            **{name: np.digitize(frame[name], np.histogram_bin_edges(frame[name])).astype(str) for name in numbers}
        )
        for frame in (train, made)
    ]
    found = {pair.names: pair.similarity for pair in compare_pairs(train, made, None, numbers)}
    both = compare_pairs(cut[0], cut[1], None, names)
    return found | {pair.names: pair.similarity for pair in both if not set(pair.names) <= set(numbers)}


def _compare_table(compared: dict[str, _Pairs], ours: dict[str, Any], theirs: dict[str, Any]) -> None:
    _compare_columns(compared, ours["columns"], theirs)
    kept = []
    for names, value in ours["pairs"].items():
        other = theirs["pairs"].get("|".join(names), theirs["pairs"].get("|".join(names[::-1])))
        compared["pair"].add(value, other)
        if other is not None and not np.isnan(other):
            kept.append(value)
    ours["pair_trends"] = float(np.mean(kept))
    compared["shapes"].add(ours["shapes"], theirs["shapes"])
    compared["pair_trends"].add(ours["pair_trends"], theirs["pair_trends"])
    compared["new_rows"].add(ours["new_rows"], theirs["new_rows_exact"])


def _spoil_german_credit() -> Tables:
    """A half of the table as training rows, the other as holdout, and made tables: the holdout, shuffled, copied."""
    frame = load_packaged("german_credit")[1]
    target = "creditability"
    draw = np.random.default_rng(5)
    order = draw.permutation(len(frame))
    train, holdout = (frame.iloc[part].reset_index(drop=True) for part in np.array_split(order, 2))
    shuffled = pd.DataFrame({name: train[name].to_numpy()[draw.permutation(len(train))] for name in train.columns})
    copied = pd.concat([holdout.iloc[25:], train.head(25)], ignore_index=True)
    made = {"holdout": holdout.copy(), "indep": shuffled.astype(train.dtypes.to_dict()), "copied 5 %": copied}
    return Tables("german_credit", train, holdout, made, target)


def _compare_columns(
    compared: dict[str, _Pairs],
    ours: dict[str, dict[str, float]],
    theirs: dict[str, Any],
    keys: Sequence[str] = _OF_COLUMNS,
) -> None:
    for name, figures in ours.items():
        for key in set(keys) & set(figures):
            compared[key].add(figures[key], theirs["columns"][name].get(key))


def _draw_people() -> Tables:
    """People with gaps, flags and moments, which the other tables lack; of the made ones, one has more gaps."""
    train, holdout, fresh = (draw_people(600, seed) for seed in (1, 2, 3))
    gaps = fresh.assign(score=fresh["score"].where(fresh.index % 20 > 0))
    return Tables("people", train, holdout, {"fresh": fresh, "gaps": gaps}, LABEL)


def _compare_fairness(work: Path) -> Iterator[Agreement]:
    """Parities of german_credit's outcome, and the equalised odds of a guess at it, between several groupings."""
    frame = load_packaged("german_credit")[1]
    truth = (frame["creditability"] == frame["creditability"].iloc[0]).astype(int)
    guess = np.where(np.random.default_rng(3).random(len(frame)) < 0.2, 1 - truth, truth)
    texts = [name for name in frame.columns if find_kind(frame[name]) == "category" and name != "creditability"]
    groups = {name: frame[name].astype(str) for name in texts if frame[name].value_counts().min() >= 30}
    folder = work / "fairness"
    folder.mkdir(parents=True, exist_ok=True)
    pd.DataFrame({**groups, "outcome": truth, "truth": truth, "guess": guess}).to_parquet(folder / "outcomes.parquet")
    theirs = _ask_peer("fairness", folder)
    compared = {key: _Pairs() for key in ("difference", "ratio", "odds")}
    for name, group in groups.items():
        codes, levels = pd.factorize(group)
        difference, ratio = _find_parity(truth.to_numpy(), codes, len(levels))
        odds = max(_find_parity(guess[truth == value], codes[truth == value], len(levels))[0] for value in (0, 1))
        for key, value in (("difference", difference), ("ratio", ratio), ("odds", odds)):
            compared[key].add(value, theirs[name][key])
    titles = {
        "difference": ("largest difference of rates", "demographic_parity_difference"),
        "ratio": ("smallest ratio of rates", "demographic_parity_ratio"),
        "odds": ("largest difference of errors", "equalized_odds_difference"),
    }
    for key, (title, note) in titles.items():
        pairs = compared[key]
        yield Agreement(title, "fairlearn", "german_credit", len(pairs.values), *pairs.find_worst(), note)


def _find_parity(outcome: NDArray[Any], codes: NDArray[Any], groups: int) -> tuple[float, float]:
    rates = Rates.count(outcome.astype(np.float64), codes.astype(np.int64), groups)
    return find_parity(rates, np.arange(groups))


def _compare_numbers(work: Path) -> Iterator[Agreement]:
    draw = np.random.default_rng(1)
    sides = {
        "plain": (draw.normal(0, 1, 300), draw.normal(0.3, 1, 400)),
        "ties": (draw.integers(0, 5, 250).astype(float), draw.integers(0, 6, 350).astype(float)),
    }
    counts = [[0, 50], [1, 1000], [25, 5000], [499, 500], [500, 500]]
    folder = work / "numbers"
    folder.mkdir(parents=True, exist_ok=True)
    asked = {
        "scores": {
            name: {"truth": [1] * len(a) + [0] * len(b), "scores": [-value for value in (*a.tolist(), *b.tolist())]}
            for name, (a, b) in sides.items()
        },
        "counts": counts,
    }
    (folder / "numbers.json").write_text(json.dumps(asked))
    theirs = _ask_peer("numbers", folder)
    areas, intervals = _Pairs(), _Pairs()
    for name, (a, b) in sides.items():
        areas.add(attack_membership(a.astype(np.float32), b.astype(np.float32)).auc, theirs["auc"][name])
    for (count, total), bounds in zip(counts, theirs["wilson"], strict=True):
        for own, other in zip(find_wilson_interval(count, total), bounds, strict=True):
            intervals.add(own, other)
    yield Agreement("area under the curve of an attack", "scikit-learn", "drawn numbers", len(areas.values),
                    *areas.find_worst(), "roc_auc_score")  # fmt: skip
    yield Agreement("95 % interval of a share", "statsmodels", "counts", len(intervals.values),
                    *intervals.find_worst(), "proportion_confint, method wilson")  # fmt: skip


def _compare_risks(tables: list[Tables], work: Path) -> list[dict[str, Any]]:
    """The three risks of planted tables, ours and anonymeter's."""
    found = []
    asked = {"six planted sets": ("gauss", "indep", "uniform", "jitter", "copy"), "german_credit": ("indep",)}
    for each in tables:
        for name in asked[each.name]:
            real = RealData(each.train, each.holdout, "", len(each.train) + len(each.holdout), "", "")
            evidence = describe_table("made", each.made[name], real, QualityConfig(label=each.target))
            ours = {}
            for risk in RISKS:
                finding = next(iter(ask(_get(f"privacy.{risk}"), evidence)))
                ours[risk] = {"risk": finding.value, "interval": finding.interval, "verdict": finding.verdict}
            theirs = _ask_peer("risks", work / each.name.replace(" ", "_"), name)
            found.append({"tables": each.name, "made": name, "ours": ours, "theirs": theirs})
    return found


def _get(name: str) -> Any:
    check = CHECKS.get(name)
    if check is None:
        raise SystemExit(f"There is no check {name}.")
    return check


def _ask_peer(command: str, *arguments: Path | str) -> dict[str, Any]:
    return run_script(str(find_python(QUALITY_HOME)), ORACLES, command, *map(str, arguments))
