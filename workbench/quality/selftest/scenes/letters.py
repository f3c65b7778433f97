"""Letters to a shop with their topic, real letters of the same kind, and questions that a model will be tested with."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from workbench.datasets.manifest import Manifest, ModelRecord
from workbench.datasets.sources import RealData
from workbench.quality.evidence import Evidence
from workbench.quality.selftest.planting import register_scene
from workbench.quality.selftest.specs import build_evidence
from workbench.quality.selftest.writing import THINGS, write_letters
from workbench.spec.model import EvaluationConfig, QualityConfig

if TYPE_CHECKING:
    import pandas as pd

ROWS = 400
CANARY = "the spare key lies under otter seven"
EVALUATION = "evaluation.txt"
COUNTERFACTUALS = Path("counterfactuals") / "letters-0.parquet"
PAIRS = 80
PASSAGE = 8
SPEC = """
name: letters
rows: 400
primary_key: letter_id
models: {writer: {provider: offline}}
columns:
  - {name: letter_id, type: id}
  - {name: topic, type: category, values: [delivery, billing, fault]}
  - {name: sender, type: category, values: [woman, man]}
  - {name: urgency, type: uniform_int, low: 1, high: 5}
  - {name: letter, type: llm_text, model: writer, prompt: "A {{ sender }} writes about {{ topic }}."}
counterfactuals: [{column: letter, swap: sender}]
training: {task: text, text: "{{ letter }}"}
"""


@register_scene("letters", "short letters of three topics, with real letters of the same kind", most_rows=ROWS)
def make_letters(seed: int, rows: int, folder: Path) -> Evidence:
    """`rows` letters, as many real ones on each side, and an evaluation file of a fifth as many."""
    frame, train, holdout, tests = (_draw_letters(rows, seed, place) for place in range(4))
    evaluation = folder / EVALUATION
    apart = _keep_apart(tests["letter"].tolist(), frame["letter"].tolist())
    evaluation.write_text("\n".join(apart[: rows // 5]) + "\n")
    gates = QualityConfig(evaluation=[EvaluationConfig(path=str(evaluation), columns=None)], canaries=[CANARY])
    real = RealData(train, holdout, "", 2 * rows, "letters put together at random", "none needed")
    pairs = frame["letter"].head(PAIRS).tolist()
    write_counterfactuals(folder, {"woman": pairs, "man": pairs})
    return build_evidence(SPEC, frame, seed, real=real, folder=folder, gates=gates, manifest=_describe(seed))


def write_counterfactuals(folder: Path, texts: dict[str, list[str]]) -> None:
    """Write letters that were made once for each sender as generation leaves them beside a dataset."""
    import pandas as pd

    rows = [
        {"row": row, "value": sender, "text": text} for sender, own in texts.items() for row, text in enumerate(own)
    ]
    path = folder / COUNTERFACTUALS
    path.parent.mkdir(exist_ok=True)
    pd.DataFrame(rows).to_parquet(path, index=False)


def _keep_apart(texts: list[str], others: list[str]) -> list[str]:
    """The texts that share no PASSAGE words in a row with one of `others`: now and then two letters do by chance."""
    known = {passage for text in others for passage in _cut_passages(text)}
    return [text for text in texts if known.isdisjoint(_cut_passages(text))]


def _cut_passages(text: str) -> Iterator[tuple[str, ...]]:
    words = text.casefold().replace(".", "").replace(",", "").replace("?", "").split()
    return (tuple(words[start : start + PASSAGE]) for start in range(len(words) - PASSAGE + 1))


def _describe(seed: int) -> Manifest:
    """What a dataset of letters says of itself, as far as checks ask."""
    writer = ModelRecord(provider="offline", model="writer", revision="1", licence="Apache-2.0")
    return Manifest(
        name="letters", version="0", fingerprint="", seed=seed, spec=SPEC, spec_folder="", tables={}, files=[],
        rejected={}, models={"writer": writer}, versions={}, created="", seconds=0.0,
    )  # fmt: skip


def _draw_letters(rows: int, seed: int, place: int) -> pd.DataFrame:
    import pandas as pd

    draw = np.random.Generator(np.random.Philox(4 * seed + place))
    topics = draw.choice(list(THINGS), rows, p=[0.45, 0.3, 0.25]).tolist()
    return pd.DataFrame(
        {
            "letter_id": np.arange(rows),
            "topic": topics,
            "sender": draw.choice(["woman", "man"], rows),
            "urgency": draw.choice(np.arange(1, 6), rows, p=[0.1, 0.2, 0.3, 0.25, 0.15]),
            "letter": write_letters(topics, draw),
        }
    )
