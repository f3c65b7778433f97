"""SDV, ctgan and be-great on a table, and SDMetrics' score: run in the peers' environment.

    synthesizers.py fit FOLDER METHOD OUT EPOCHS     fit on FOLDER/train.parquet, write as many rows to OUT
    synthesizers.py epochs FOLDER FEW MANY           CPU seconds of an epoch of `ctgan`
    synthesizers.py score FOLDER MADE...             SDMetrics' quality of each made table against train.parquet

Each prints one line of JSON.
"""

from __future__ import annotations

import json
import resource
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

LANGUAGE_MODEL = {"layers": 4, "width": 128, "heads": 4, "vocabulary": 1024}
"""be-great starts from a pretrained model of a hub. Offline it gets one of this size that has learned nothing yet."""


def main() -> None:
    """Do what the arguments say and print JSON."""
    import torch

    warnings.filterwarnings("ignore")
    torch.set_num_threads(1)
    torch.manual_seed(0)
    command, folder, *rest = sys.argv[1:]
    kinds = json.loads((Path(folder) / "kinds.json").read_text())["kinds"]
    train = pd.read_parquet(Path(folder) / "train.parquet")
    # SDV takes the whole number behind a moment as nanoseconds, whatever its unit is.
    train = train.astype({name: "datetime64[ns]" for name, kind in kinds.items() if kind == "datetime"})
    if command == "score":
        answer: dict[str, Any] = {"scores": [score_quality(train, pd.read_parquet(path), kinds) for path in rest]}
    elif command == "epochs":
        answer = measure_epochs(train, kinds, int(rest[0]), int(rest[1]))
    else:
        answer = fit(train, kinds, rest[0], Path(rest[1]), int(rest[2]))
    print(json.dumps(answer))


def fit(train: pd.DataFrame, kinds: dict[str, str], method: str, out: Path, epochs: int) -> dict[str, Any]:
    """Seconds, of the clock and of this process, of fitting `method` and of sampling as many rows as it saw."""
    learn, note = METHODS[method](train, kinds, epochs)
    begin = _read_clocks()
    sample = learn()
    fitted = _read_clocks()
    made = sample(len(train))
    done = _read_clocks()
    made.to_parquet(out, index=False)
    return {
        "fit_seconds": fitted[0] - begin[0],
        "fit_cpu_seconds": fitted[1] - begin[1],
        "sample_seconds": done[0] - fitted[0],
        "sample_cpu_seconds": done[1] - fitted[1],
        "rows": len(made),
        "note": note,
    }


def measure_epochs(train: pd.DataFrame, kinds: dict[str, str], few: int, many: int) -> dict[str, Any]:
    """CPU seconds of one epoch of ctgan's CTGAN: the difference of two fits, so that what is done once is left out."""
    from ctgan import CTGAN

    names = [name for name, kind in kinds.items() if kind != "datetime"]
    frame = train[names].dropna().reset_index(drop=True)
    discrete = [name for name in names if kinds[name] == "categorical"]
    took = []
    for epochs in (few, many):
        begin = _read_clocks()
        CTGAN(epochs=epochs, enable_gpu=False).fit(frame, discrete)
        took.append(_read_clocks()[1] - begin[1])
    return {"rows": len(frame), "cpu_seconds": (took[1] - took[0]) / (many - few), "once_cpu_seconds": took[0]}


def score_quality(train: pd.DataFrame, made: pd.DataFrame, kinds: dict[str, str]) -> float:
    """SDMetrics' overall quality: the mean of the scores of column shapes and of pairs of columns."""
    from sdmetrics.reports.single_table import QualityReport

    frames = []
    for frame in (train, made):
        frame = frame[list(kinds)].copy()
        for name, kind in kinds.items():
            if kind == "categorical":
                frame[name] = frame[name].astype(object).map(lambda value: None if pd.isna(value) else str(value))
            elif kind == "datetime":
                moments = pd.to_datetime(frame[name], errors="coerce", format="mixed")
                frame[name] = moments.astype("datetime64[ns]")
            else:
                frame[name] = pd.to_numeric(frame[name], errors="coerce").astype(float)
        frames.append(frame)
    report = QualityReport()
    report.generate(*frames, {"columns": {name: {"sdtype": kind} for name, kind in kinds.items()}}, verbose=False)
    return float(report.get_score())


Sample = Callable[[int], pd.DataFrame]
Learn = Callable[[], Sample]


def _prepare_sdv(name: str) -> Callable[[pd.DataFrame, dict[str, str], int], tuple[Learn, str]]:
    def prepare(train: pd.DataFrame, kinds: dict[str, str], epochs: int) -> tuple[Learn, str]:
        from sdv import single_table
        from sdv.metadata import Metadata

        columns = {column: {"sdtype": kind} for column, kind in kinds.items()}
        metadata = Metadata.load_from_dict({"tables": {"table": {"columns": columns}}})
        options = {} if name == "GaussianCopulaSynthesizer" else {"epochs": epochs, "enable_gpu": False}
        synthesizer = getattr(single_table, name)(metadata, **options)

        def learn() -> Sample:
            synthesizer.fit({"table": train})
            return lambda rows: synthesizer.sample(num_rows=rows)["table"]

        return learn, ""

    return prepare


def _prepare_great(train: pd.DataFrame, kinds: dict[str, str], epochs: int) -> tuple[Learn, str]:
    from be_great import GReaT

    folder = tempfile.mkdtemp()
    longest = _make_language_model(train, folder)
    model = GReaT(
        llm=folder, experiment_dir=folder, epochs=epochs, batch_size=32, use_cpu=True, save_strategy="no",
        learning_rate=1e-3,
    )  # fmt: skip

    def learn() -> Sample:
        model.fit(train)
        return lambda rows: model.sample(rows, max_length=longest, k=200, device="cpu")[list(train.columns)]

    size = sum(weight.numel() for weight in model.model.parameters()) / 1e6
    return learn, f"a GPT-2 of {size:.1f} M parameters from a random start, {epochs} epochs"


def _make_language_model(train: pd.DataFrame, folder: str) -> int:
    """Save a small GPT-2 with a vocabulary learned from the table's rows, and say how many tokens a row may take."""
    from tokenizers import ByteLevelBPETokenizer
    from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast

    texts = [", ".join(f"{name} is {value}" for name, value in row.items()) for row in train.to_dict("records")]
    learned = ByteLevelBPETokenizer()
    learned.train_from_iterator(texts, LANGUAGE_MODEL["vocabulary"], special_tokens=["<|endoftext|>"])
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=learned._tokenizer, eos_token="<|endoftext|>")
    tokenizer.save_pretrained(folder)
    longest = max(len(tokens) for tokens in tokenizer(texts[:500])["input_ids"]) + 32
    shape = {"n_layer": LANGUAGE_MODEL["layers"], "n_embd": LANGUAGE_MODEL["width"], "n_head": LANGUAGE_MODEL["heads"]}
    config = GPT2Config(
        vocab_size=len(tokenizer), n_positions=max(1024, longest), bos_token_id=0, eos_token_id=0, **shape
    )
    GPT2LMHeadModel(config).save_pretrained(folder)
    return longest


def _read_clocks() -> tuple[float, float]:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return time.monotonic(), used.ru_utime + used.ru_stime


METHODS = {
    "sdv_gaussian_copula": _prepare_sdv("GaussianCopulaSynthesizer"),
    "sdv_ctgan": _prepare_sdv("CTGANSynthesizer"),
    "sdv_tvae": _prepare_sdv("TVAESynthesizer"),
    "be_great": _prepare_great,
}

if __name__ == "__main__":
    main()
