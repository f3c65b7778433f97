"""SDMetrics, fairlearn, scikit-learn, statsmodels and anonymeter on tables of the benchmark, in their own environment.

    quality_oracles.py measure FOLDER      SDMetrics' figures of each made table in FOLDER against its train.parquet
    quality_oracles.py fairness FOLDER     fairlearn's parities of the outcomes in FOLDER/outcomes.parquet
    quality_oracles.py numbers FOLDER      areas under the curve and intervals of what FOLDER/numbers.json asks for
    quality_oracles.py risks FOLDER MADE   anonymeter's three risks of a made table
    quality_oracles.py report FOLDER       seconds and memory of SDMetrics' reports and of a privacy metric

A folder has train.parquet, holdout.parquet, kinds.json and made tables. Each command prints one line of JSON.
"""

from __future__ import annotations

import json
import resource
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

ATTACKS = 200
"""Attacks of anonymeter on each risk."""
SUBSAMPLE = 1_000
"""Rows of SDMetrics' privacy metric, which compares each with each."""


def main() -> None:
    """Do what the arguments say and print JSON."""
    warnings.filterwarnings("ignore")
    command, folder, *rest = sys.argv[1:]
    print(json.dumps(COMMANDS[command](Path(folder), *rest)))


def measure(folder: Path) -> dict[str, Any]:
    """The figures of every made table."""
    kinds, train = _read_kinds(folder), _read(folder, "train")
    made = sorted(path.stem for path in folder.glob("made-*.parquet"))
    return {name.removeprefix("made-"): _measure_table(train, _read(folder, name), kinds) for name in made}


def _measure_table(train: pd.DataFrame, made: pd.DataFrame, kinds: dict[str, str]) -> dict[str, Any]:
    from sdmetrics.reports.single_table import QualityReport
    from sdmetrics.single_column import (
        BoundaryAdherence,
        CategoryCoverage,
        KSComplement,
        MissingValueSimilarity,
        RangeCoverage,
        TVComplement,
    )
    from sdmetrics.single_table import NewRowSynthesis

    columns: dict[str, dict[str, float]] = {}
    for name, kind in kinds.items():
        real, synthetic = train[name], made[name]
        found = {"missing": MissingValueSimilarity.compute(real, synthetic)}
        if kind == "categorical":
            found["shape"] = TVComplement.compute(real, synthetic)
            found["coverage"] = CategoryCoverage.compute(real, synthetic)
        else:
            found["shape"] = KSComplement.compute(real, synthetic)
            found["range"] = RangeCoverage.compute(real, synthetic)
            found["boundary"] = BoundaryAdherence.compute(real, synthetic)
        columns[name] = {key: float(value) for key, value in found.items()}
    report = QualityReport()
    report.generate(train, made, _describe(kinds), verbose=False)
    properties = report.get_properties().set_index("Property")["Score"]
    pairs = report.get_details("Column Pair Trends")
    return {
        "columns": columns,
        "shapes": float(properties["Column Shapes"]),
        "pair_trends": float(properties["Column Pair Trends"]),
        "pairs": {f"{row['Column 1']}|{row['Column 2']}": float(row["Score"]) for _, row in pairs.iterrows()},
        "new_rows_exact": float(
            NewRowSynthesis.compute(train, made, _describe(kinds), numerical_match_tolerance=1e-12)
        ),
    }


def measure_fairness(folder: Path) -> dict[str, Any]:
    """Parities of the column `outcome` between the values of each other column, and of `truth` with `guess`."""
    from fairlearn.metrics import demographic_parity_difference, demographic_parity_ratio, equalized_odds_difference

    frame = pd.read_parquet(folder / "outcomes.parquet")
    found = {}
    for name in frame.columns.drop(["outcome", "truth", "guess"]):
        outcome = frame["outcome"].to_numpy()
        found[name] = {
            "difference": float(demographic_parity_difference(outcome, outcome, sensitive_features=frame[name])),
            "ratio": float(demographic_parity_ratio(outcome, outcome, sensitive_features=frame[name])),
            "odds": float(equalized_odds_difference(frame["truth"], frame["guess"], sensitive_features=frame[name])),
        }
    return found


def measure_numbers(folder: Path) -> dict[str, Any]:
    """Areas under the ROC curve of `scores`, and Wilson's intervals of `counts`."""
    from sklearn.metrics import roc_auc_score
    from statsmodels.stats.proportion import proportion_confint

    asked = json.loads((folder / "numbers.json").read_text())
    return {
        "auc": {name: float(roc_auc_score(each["truth"], each["scores"])) for name, each in asked["scores"].items()},
        "wilson": [[float(b) for b in proportion_confint(k, n, method="wilson")] for k, n in asked["counts"]],
    }


def measure_risks(folder: Path, name: str) -> dict[str, Any]:
    """The risks of singling out, linking and inferring, each with what of it a stranger would reach."""
    from anonymeter.evaluators import InferenceEvaluator, LinkabilityEvaluator, SinglingOutEvaluator

    np.random.seed(0)
    train, made, control = _read(folder, "train"), _read(folder, f"made-{name}"), _read(folder, "holdout")
    secret = json.loads((folder / "kinds.json").read_text())["target"]
    others = [column for column in train.columns if column != secret]
    half = len(others) // 2
    attacks = min(ATTACKS, len(control))
    evaluators = {
        "singling_out": SinglingOutEvaluator(ori=train, syn=made, control=control, n_attacks=attacks, n_cols=3),
        "linkability": LinkabilityEvaluator(
            ori=train, syn=made, control=control, n_attacks=attacks, aux_cols=(others[:half], others[half:])
        ),
        "inference": InferenceEvaluator(
            ori=train, syn=made, control=control, n_attacks=attacks, secret=secret, aux_cols=others
        ),
    }
    found = {}
    for risk, evaluator in evaluators.items():
        try:
            if risk == "singling_out":
                evaluator.evaluate(mode="multivariate")
            else:
                evaluator.evaluate(n_jobs=1)
            result = evaluator.risk(confidence_level=0.95)
            found[risk] = {"risk": float(result.value), "interval": [float(bound) for bound in result.ci]}
        except Exception as error:  # it fails in several ways where there is no risk, or nothing but risk
            found[risk] = {"failed": f"{type(error).__name__}: {error}"[:120]}
    return found


def measure_report(folder: Path) -> dict[str, Any]:
    """Seconds of the quality and the diagnostic report, of the privacy metric, and the most memory of this process."""
    from sdmetrics.reports.single_table import DiagnosticReport, QualityReport
    from sdmetrics.single_table.privacy import DCROverfittingProtection

    kinds, train, holdout = _read_kinds(folder), _read(folder, "train"), _read(folder, "holdout")
    made, description = _read(folder, "made-fresh"), _describe(kinds)
    seconds = {}
    for report in (QualityReport(), DiagnosticReport()):
        begin = time.perf_counter()
        report.generate(train, made, description, verbose=False)
        seconds[type(report).__name__] = time.perf_counter() - begin
    begin = time.perf_counter()
    DCROverfittingProtection.compute_breakdown(
        train, made, holdout, {"tables": {"table": description}}, "table", num_rows_subsample=SUBSAMPLE
    )
    seconds[f"DCROverfittingProtection on {SUBSAMPLE:,} rows"] = time.perf_counter() - begin
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"seconds": seconds, "peak_mebibytes": round(peak)}


def _describe(kinds: dict[str, str]) -> dict[str, Any]:
    return {"columns": {name: {"sdtype": kind} for name, kind in kinds.items()}}


def _read_kinds(folder: Path) -> dict[str, str]:
    kinds: dict[str, str] = json.loads((folder / "kinds.json").read_text())["kinds"]
    return kinds


def _read(folder: Path, name: str) -> pd.DataFrame:
    """A table with categories as texts and moments in nanoseconds, which SDMetrics takes for granted."""
    frame = pd.read_parquet(folder / f"{name}.parquet")
    for column, kind in _read_kinds(folder).items():
        if kind == "categorical":
            texts = frame[column].astype(object)
            frame[column] = texts.where(texts.isna(), texts.astype(str))
        elif kind == "datetime":
            frame[column] = frame[column].astype("datetime64[ns]")
    return frame


COMMANDS = {
    "measure": measure,
    "fairness": measure_fairness,
    "numbers": measure_numbers,
    "risks": measure_risks,
    "report": measure_report,
}

if __name__ == "__main__":
    main()
