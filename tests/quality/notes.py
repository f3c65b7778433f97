"""Notes to a shop, as many as a test wants: some thousand ways to say some hundred things, with names and numbers."""

from __future__ import annotations

import numpy as np
import pandas as pd

from workbench.datasets.sources import RealData
from workbench.quality.evidence import Embed, Evidence
from workbench.spec.loading import load_spec
from workbench.spec.model import Spec
from workbench.synthesizers.registry import spec_types

_HELLO = [
    "Hello,",
    "Good morning,",
    "Hi there.",
    "Dear team,",
    "To whom it may concern:",
    "",
    "",
    "Hey,",
    "Sorry to ask again.",
]
_WHO = ["I", "my wife", "our office", "a neighbour", "my son", "the school", "our choir", "my landlord"]
_GOT = ["ordered", "bought", "was given", "picked up", "received", "had repaired", "returned", "paid for"]
_WHAT = [
    "a kettle", "two chairs", "the blue lamp", "a winter coat", "a set of knives", "some garden hose", "a wall clock",
    "a guitar string", "the large tent", "a phone case", "a pair of boots", "the toaster", "a bookshelf",
    "a bicycle pump", "the wooden desk", "printer paper", "three pillows", "a coffee mill", "a chess board",
]  # fmt: skip
_WHEN = [
    "last Monday",
    "in {n} days",
    "before Easter",
    "{n} weeks ago",
    "on the {n}th",
    "yesterday",
    "this spring",
    "at noon",
]
_WRONG = [
    "the lid does not close", "one leg is shorter than the others", "it smells of glue", "the colour is wrong",
    "a screw was missing", "it stopped after {n} minutes", "the box was open", "nobody rang the bell",
    "I was charged {n} euros twice", "the manual is in Danish", "it makes a humming noise", "the seam came apart",
    "it is far too small for us", "the switch gets hot", "somebody else's name was on it", "the handle broke off",
    "the battery lasts an hour", "there is a scratch along the side", "it leaks at the bottom",
    "the glass arrived broken",
]  # fmt: skip
_ASK = [
    "Could you send another one?", "What can be done?", "I would like my money back.", "Please call {name} about it.",
    "Is there a shop near {town} that can look at it?", "Do I have to bring it back myself?",
    "A voucher would be fine.",
    "I am not angry, only tired of waiting.", "Who pays for the postage?", "It was meant as a present for {name}.",
    "We need it for a wedding in {town}.", "Otherwise I am happy with it.", "How long will that take?",
]  # fmt: skip
_NAMES = ["Anna", "Boris", "Chiara", "Deniz", "Elif", "Farid", "Greta", "Hamid", "Ines", "Jonas"]
_TOWNS = ["Lyon", "Bremen", "Porto", "Graz", "Turku", "Delft", "Siena", "Malmo", "Cork", "Basel"]
_BYE = ["Thanks.", "Thank you, {name}", "Kind regards, {name}", "", "", "Best, {name}", "Yours, {name}"]


def draw_notes(count: int, seed: int) -> list[str]:
    """Notes of 15 to 60 words, of which few are alike."""
    random = np.random.default_rng(seed)

    def choose(options: list[str]) -> str:
        return options[int(random.integers(len(options)))]

    notes = []
    for _ in range(count):
        parts = [choose(_HELLO), f"{choose(_WHO)} {choose(_GOT)} {choose(_WHAT)} {choose(_WHEN)} and {choose(_WRONG)}."]
        for _ in range(int(random.integers(1, 4))):
            parts.append(f"{choose(['Also', 'Besides', 'And', 'On top of that,', 'Now'])} {choose(_WRONG)}.")
            parts.append(choose(_ASK))
        parts.append(choose(_BYE))
        text = " ".join(filter(None, parts))
        for slot, options in (("{name}", _NAMES), ("{town}", _TOWNS)):
            text = text.replace(slot, choose(options))
        notes.append(text.replace("{n}", str(int(random.integers(2, 30)))))
    return notes


COLUMNS = """
  - {name: row_id, type: id}
  - {name: picture, type: image, prompt: "a red circle"}
  - {name: note, type: llm_text, prompt: "Write the angry note of a customer."}
"""


def load_table(columns: str = COLUMNS, more: str = "") -> Spec:
    """A spec of the one table `t` with these columns, or this single one."""
    listed = columns if columns.startswith("\n") else f"\n  - {columns}\n"
    loaded = load_spec(f"name: t\nrows: 200\ncolumns:{listed}{more}\n", spec_types())
    assert loaded.spec, loaded.problems
    return loaded.spec


def make_evidence(
    frame: pd.DataFrame,
    train: list[str] | pd.DataFrame | None = None,
    holdout: list[str] | pd.DataFrame | None = None,
    *,
    spec: Spec | None = None,
    embed: Embed | None = None,
) -> Evidence:
    """What the checks look at: real texts are of the column `note`."""
    spec = spec or load_table()
    parts = [
        part if isinstance(part, pd.DataFrame) else pd.DataFrame({"note": part or []}) for part in (train, holdout)
    ]
    real = None if train is None else RealData(*parts, "", sum(map(len, parts)), "", "")
    return Evidence("t", spec.tables["t"], frame, real, spec.quality, spec.training, embed=embed)
