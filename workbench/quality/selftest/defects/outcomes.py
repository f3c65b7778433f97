"""Labels that are wrong: they favour a group, depend on nothing, or stand in the question already."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from workbench.quality.evidence import Evidence
from workbench.quality.selftest.planting import register_defect
from workbench.quality.selftest.population import LABEL

BIASED = 0.25


@register_defect(
    "biased_outcome",
    "a quarter of the women who repaid did not, and as many men who did not repaid: the overall rate stays",
    scene="people",
    trips=("fairness.outcomes",),
    consequences={
        "fairness.model": "a model that learns from it favours men",
        "fidelity.pairs": "sex and outcome depend on one another",
        "fidelity.accuracy": "sex and outcome depend on one another",
        "fidelity.classes": "the classes have other shares of women",
        "fidelity.detection": "sex and outcome tell the rows from real ones",
        "usefulness.*": "a tenth of the labels is wrong",
    },
)
def bias_outcome(evidence: Evidence, draw: np.random.Generator) -> Evidence:
    """Exchange outcomes between women and men."""
    frame = evidence.frame.copy()
    repaid, women = frame[LABEL].to_numpy(bool), (frame["sex"] == "female").to_numpy()
    losing, winning = np.flatnonzero(women & repaid), np.flatnonzero(~women & ~repaid)
    count = min(round(BIASED * len(losing)), len(winning))
    frame.loc[draw.choice(losing, count, replace=False), LABEL] = False
    frame.loc[draw.choice(winning, count, replace=False), LABEL] = True
    return replace(evidence, frame=frame)


@register_defect(
    "shuffled_labels",
    "the label is shuffled: rows and shares are right, but there is nothing to learn",
    scene="people",
    trips=("usefulness.transfer",),
    consequences={
        "usefulness.*": "mixing in rows without a signal helps nobody",
        "fidelity.pairs": "the label no longer depends on what a person owes",
        "fidelity.accuracy": "the label no longer depends on what a person owes",
        "fidelity.classes": "both classes are alike",
        "fidelity.detection": "label and debts tell the rows from real ones",
        "fairness.model": "a model that learned nothing treats groups otherwise than one of real rows",
    },
)
def shuffle_labels(evidence: Evidence, draw: np.random.Generator) -> Evidence:
    """Shuffle the label."""
    labels = evidence.frame[LABEL].to_numpy()[draw.permutation(len(evidence.frame))]
    return replace(evidence, frame=evidence.frame.assign(**{LABEL: labels}))


@register_defect(
    "label_in_prompt",
    "the prompt that a model is trained on states the label",
    scene="people",
    trips=("training.leak",),
)
def state_label(evidence: Evidence, draw: np.random.Generator) -> Evidence:
    """Add the label to the template of the prompt."""
    training = evidence.training
    if training is None:
        raise ValueError("this defect needs a training task")
    prompt = f"{training.prompt}; repaid: {{{{ {LABEL} }}}}"
    return replace(evidence, training=training.model_copy(update={"prompt": prompt}))


@register_defect(
    "label_leak",
    "whether a request came in online gives away whether it was repaid",
    scene="people",
    trips=("training.label_leak",),
    consequences={
        "fidelity.columns": "as many come in online as are repaid",
        "fidelity.pairs": "the column that leaks goes with the label",
        "fidelity.accuracy": "the column that leaks goes with the label",
        "fidelity.classes": "in each class all or none come in online",
        "fidelity.detection": "the column that leaks tells the rows from real ones",
        "usefulness.*": "a model that learns from the leak knows nothing where there is none",
        "fairness.model": "a model that learned the leak treats groups otherwise than one of real rows",
    },
)
def leak_label(evidence: Evidence, draw: np.random.Generator) -> Evidence:
    """Let one column say what the label says, but for one row in two hundred."""
    labels = evidence.frame[LABEL].to_numpy(bool)
    return replace(evidence, frame=evidence.frame.assign(online=labels ^ (draw.random(len(labels)) < 0.005)))
