"""Training: can the label be learnt from these rows, and is the answer not already in the question?"""

from __future__ import annotations

from workbench.files import clean_text
from workbench.quality.check import OURS, Finding, register_check
from workbench.quality.evidence import Evidence

_LABELS = "Has every label rows enough to learn from?"
_LEAK = "Is the answer kept out of the question?"
_FEWEST_OF_A_LABEL = 20


@register_check("training.labels", _LABELS, group="rules")
def check_labels(evidence: Evidence) -> list[Finding]:
    """Rows of the rarest label, with labels that only the real data or only the dataset has."""
    training, rows = evidence.training, len(evidence.frame)
    if training is None or training.label is None:
        return []
    if training.label not in evidence.frame.columns:
        detail = f"the dataset has no column {training.label}"
        return [Finding("training.labels", _LABELS, "fail", rows, detail=detail)]
    counts = evidence.frame[training.label].dropna().astype(str).value_counts()
    problems = [f"{label} has {count:,} rows" for label, count in counts.items() if count < _FEWEST_OF_A_LABEL]
    if len(counts) < 2:
        problems.append("there are no two labels to tell apart")
    if evidence.real is not None and training.label in evidence.real.train.columns:
        known = set(evidence.real.train[training.label].dropna().astype(str))
        problems += [f"the real label {label} never occurs" for label in sorted(known - set(counts.index))]
        problems += [f"the real data knows no label {label}" for label in sorted(set(counts.index) - known)]
    return [
        Finding(
            "training.labels",
            _LABELS,
            "warn" if problems else "pass",
            rows,
            value=float(counts.min()) if len(counts) else 0.0,
            threshold=float(_FEWEST_OF_A_LABEL),
            source=OURS,
            better="high",
            detail=clean_text("; ".join(problems[:5]))
            or f"{len(counts)} labels, the rarest with {counts.min():,} rows",
            fix="Ask for more rows of it with “balance:”, or for the labels that the real data has."
            if problems
            else "",
        )
    ]


@register_check("training.leak", _LEAK, group="rules")
def check_leak(evidence: Evidence) -> list[Finding]:
    """Fails if the prompt, or a turn before the last, is made from the label's own column."""
    from jinja2 import Environment, TemplateSyntaxError, meta

    training, rows = evidence.training, len(evidence.frame)
    if training is None or training.label is None or training.task == "text":
        return []
    prompts = [training.prompt or ""] if training.messages is None else [m.content for m in training.messages[:-1]]
    environment = Environment(autoescape=False)  # noqa: S701  only parsed, never rendered
    try:
        used = set().union(*(meta.find_undeclared_variables(environment.parse(prompt)) for prompt in prompts))
    except TemplateSyntaxError as error:
        return [Finding("training.leak", _LEAK, "fail", rows, detail=f"a template cannot be read: {error}")]
    leaks = training.label in used
    detail = f"the prompt states {training.label}, which the model should find out" if leaks else ""
    fix = f"Take {training.label} out of the prompt." if leaks else ""
    return [
        Finding("training.leak", _LEAK, "fail" if leaks else "pass", rows, detail=detail, source="the spec", fix=fix)
    ]
