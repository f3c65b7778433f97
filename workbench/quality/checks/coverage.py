"""Coverage: are all categories of the real data there, and none that it does not know?"""

from __future__ import annotations

from workbench.quality.check import FEWEST_ROWS, Finding, register_check
from workbench.quality.evidence import Evidence
from workbench.quality.similarity import find_kind

_QUESTION = "Do all categories of the real data occur?"
_COMMON_SHARE, _COMMON_ROWS = 0.01, 7
"""A category is asked for if it has this share of the real rows, and this many rows are to be expected in the dataset:
of 7 expected none is seen with a chance of exp(-7), below one in a thousand. Rarer ones may be missing by chance."""


@register_check("fidelity.coverage", _QUESTION, group="fidelity", live=True, needs_real=True)
def check_coverage(evidence: Evidence) -> list[Finding]:
    """The lowest share, over the category columns, of the real data's common categories that the table has too."""
    real = evidence.real
    assert real is not None
    rows = len(evidence.frame)
    names = [name for name in evidence.shared_columns if find_kind(real.train[name]) == "category"]
    if not names or rows < FEWEST_ROWS:
        detail = f"{rows} rows are too few" if names else "no category column is shared with the real data"
        return [Finding("fidelity.coverage", _QUESTION, "not assessed", rows, detail=detail)]
    figures: dict[str, dict[str, float | None]] = {}
    notes: list[str] = []
    for name in names:
        shares = real.train[name].dropna().astype(str).value_counts(normalize=True)
        asked = {str(level) for level, share in shares.items() if share >= max(_COMMON_SHARE, _COMMON_ROWS / rows)}
        seen = set(evidence.frame[name].dropna().astype(str))
        held = set(real.holdout[name].dropna().astype(str))
        lost, invented = sorted(asked - seen), sorted(seen - held - set(shares.index))
        notes += [f"{name} never is {', '.join(lost[:3])}"] if lost else []
        notes += [f"{name} has values the real data lacks: {', '.join(invented[:3])}"] if invented else []
        figures[name] = {
            "coverage": 1 - len(lost) / len(asked) if asked else 1.0,
            "reference": len(asked & held) / len(asked) if asked and held else None,
        }
    worst = min(figures, key=lambda name: figures[name]["coverage"] or 0.0)
    value = figures[worst]["coverage"] or 0.0
    return [
        Finding(
            "fidelity.coverage",
            _QUESTION,
            "warn" if notes else "pass",
            rows,
            value=value,
            reference=figures[worst]["reference"],
            threshold=1.0,
            detail="; ".join(notes) or f"all categories of {', '.join(names)} occur",
            columns=figures,
        )
    ]
