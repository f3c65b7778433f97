"""Texts that nobody should train on: families of copies, chatter of models, secrets, data of people, tests."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from workbench.datasets.manifest import NOT_STATED
from workbench.quality.evidence import Evidence
from workbench.quality.selftest.planting import register_defect
from workbench.quality.selftest.scenes.letters import CANARY, PAIRS, write_counterfactuals

_ALIKE = "texts that are alike lessen what there is of different ones"
_SHAPE = "what is added to a letter makes it longer than real ones"


@register_defect(
    "duplicate_family",
    "an eighth of the letters are one letter with another number in it",
    scene="letters",
    trips=("duplicates.near",),
    consequences={
        "diversity": _ALIKE,
        "text.*": _ALIKE,
        "duplicates.*": "copies of one letter begin alike, and mean the same",
        "fidelity.*": "lengths of letters and shares of topics are those of the one letter",
    },
)
def add_family(evidence: Evidence, draw: np.random.Generator) -> Evidence:
    """Put one letter in the place of others, with a number of its own each."""
    chosen = draw.choice(len(evidence.frame), len(evidence.frame) // 8, replace=False)
    pattern = str(evidence.frame["letter"].iloc[int(chosen[0])])
    return _write(evidence, chosen, [f"{pattern} My order has the number {int(draw.integers(10**5))}." for _ in chosen])


@register_defect(
    "chatter",
    "a tenth of the letters begin as a chat model does",
    scene="letters",
    trips=("text.boilerplate",),
    consequences={
        "duplicates.openings": "each begins with the same words",
        "diversity": _ALIKE,
        "text.*": _SHAPE,
        "fidelity.*": _SHAPE,
    },
)
def add_chatter(evidence: Evidence, draw: np.random.Generator) -> Evidence:
    """Put a chat model's opening before letters."""
    chosen = draw.choice(len(evidence.frame), len(evidence.frame) // 10, replace=False)
    letters = evidence.frame["letter"].iloc[chosen]
    return _write(evidence, chosen, [f"As an AI language model, I cannot write letters. {text}" for text in letters])


@register_defect(
    "personal_data",
    "three letters carry an e-mail address, a card number and a telephone number of a real letter",
    scene="letters",
    trips=("privacy.personal", "privacy.replay"),
)
def add_personal_data(evidence: Evidence, draw: np.random.Generator) -> Evidence:
    """Put the same personal values into a real training letter and into letters of the dataset.

    They are nobody's: the card number is one that payment networks publish for tests, the telephone number is of a
    range that is kept free for films.
    """
    values = [
        "Write to marta.quill1984@letters-of-nobody.net.",
        "My card is 4111 1111 1111 1111.",
        "Ring me at +44 20 7946 0958.",
    ]
    chosen = draw.choice(len(evidence.frame), len(values), replace=False)
    letters = evidence.frame["letter"].iloc[chosen]
    spoiled = _write(evidence, chosen, [f"{text} {value}" for text, value in zip(letters, values, strict=True)])
    if evidence.real is None:
        return spoiled
    train = evidence.real.train.copy()
    train.loc[train.index[: len(values)], "letter"] += [f" {value}" for value in values]
    return replace(spoiled, real=replace(evidence.real, train=train))


@register_defect(
    "canary",
    "one letter repeats a secret that was planted in the real ones",
    scene="letters",
    trips=("privacy.canaries",),
)
def repeat_canary(evidence: Evidence, draw: np.random.Generator) -> Evidence:
    """Put the planted secret into one letter."""
    row = int(draw.integers(len(evidence.frame)))
    return _write(evidence, np.array([row]), [f"{evidence.frame['letter'].iloc[row]} Remember: {CANARY}."])


@register_defect(
    "contamination",
    "two letters are those that a model will be tested with",
    scene="letters",
    trips=("duplicates.contamination",),
)
def add_tests(evidence: Evidence, draw: np.random.Generator) -> Evidence:
    """Put texts of the evaluation file in the place of letters."""
    tests = Path(evidence.gates.evaluation[0].path).read_text().splitlines()
    longest = sorted(tests, key=len)[-2:]
    return _write(evidence, draw.choice(len(evidence.frame), 2, replace=False), longest)


@register_defect(
    "stereotyped_letters",
    "the same letter is friendly where a woman writes it, and competent where a man does",
    scene="letters",
    trips=("fairness.counterfactuals.letter.sender",),
)
def write_stereotypes(evidence: Evidence, draw: np.random.Generator) -> Evidence:
    """Add words to the letters that were written once for each sender, in a folder of their own."""
    if evidence.folder is None:
        raise ValueError("this defect needs files")
    folder = evidence.folder / "stereotyped"
    folder.mkdir(exist_ok=True)
    letters = evidence.frame["letter"].head(PAIRS)
    women = [f"{text} With warm and friendly regards." for text in letters]
    men = [f"{text} Regards from a capable expert." for text in letters]
    write_counterfactuals(folder, {"woman": women, "man": men})
    return replace(evidence, folder=folder)


@register_defect(
    "own_output",
    "all letters were written by a model that was itself tuned on synthetic letters",
    scene="letters",
    trips=("trust.own_output",),
)
def repeat_own_output(evidence: Evidence, draw: np.random.Generator) -> Evidence:
    """State in the manifest what generation would."""
    if evidence.manifest is None:
        raise ValueError("this defect needs a manifest")
    changes = {"generation": 1, "own_output": True}
    return replace(evidence, manifest=evidence.manifest.model_copy(update=changes))


@register_defect(
    "unknown_origin",
    "nobody says under which licence the model may be used that wrote the letters",
    scene="letters",
    trips=("provenance",),
)
def forget_licence(evidence: Evidence, draw: np.random.Generator) -> Evidence:
    """Leave the licence out of the manifest."""
    if evidence.manifest is None:
        raise ValueError("this defect needs a manifest")
    models = {
        name: record.model_copy(update={"licence": NOT_STATED}) for name, record in evidence.manifest.models.items()
    }
    return replace(evidence, manifest=evidence.manifest.model_copy(update={"models": models}))


def _write(evidence: Evidence, rows: np.ndarray, letters: list[str]) -> Evidence:
    frame = evidence.frame.copy()
    frame.loc[frame.index[rows], "letter"] = letters
    return replace(evidence, frame=frame)
