"""How synthetic: what share of a mix these rows would be, and whether they are a model's own words again.

Models that learn from nothing but their predecessors' output lose rare things first and then all of it (Shumailov et
al., Nature 2024); where real rows stay in the mix the error is bounded (Gerstgrasser et al., arXiv 2404.01413).
"""

from __future__ import annotations

from workbench.quality.check import FROM_SPEC, Finding, Verdict, judge_high, register_check
from workbench.quality.evidence import Evidence

_SHARE = "Are there real rows enough to put beside these?"
_OWN = "Is it more than a tuned model's own output?"
_MOST_SYNTHETIC = 0.9
_SHARE_SOURCE = "Ashok and May 2025, arXiv 2410.13098: the last tenth of real rows is worth most"
_OWN_SOURCE = "Shumailov et al. 2024; Gerstgrasser et al. 2024, arXiv 2404.01413"


@register_check("trust.synthetic_share", _SHARE, group="trust", gate="max_synthetic_share")
def check_share(evidence: Evidence) -> list[Finding]:
    """The share of these rows among them and the real training rows together; warns above 0.90."""
    gate, rows, real = evidence.gates.max_synthetic_share, len(evidence.frame), evidence.real
    name = "trust.synthetic_share"
    if real is None or not rows:
        detail = "no real rows to mix with: all of it is synthetic" if rows else "the table has no rows"
        return [
            Finding(
                name,
                _SHARE,
                "not assessed",
                rows,
                gated=gate is not None,
                source=_SHARE_SOURCE if gate is None else FROM_SPEC,
                detail=detail,
                fix="Give real rows with --real, or name them under “sources:”.",
            )
        ]
    value = rows / (rows + len(real.train))
    threshold = _MOST_SYNTHETIC if gate is None else gate
    verdict: Verdict = judge_high(value, threshold, gated=gate is not None)
    return [
        Finding(
            name,
            _SHARE,
            verdict,
            rows,
            value=value,
            threshold=threshold,
            gated=gate is not None,
            source=_SHARE_SOURCE if gate is None else FROM_SPEC,
            detail=f"{rows:,} synthetic rows beside {len(real.train):,} real ones would be {value:.1%} of the mix",
            fix=""
            if verdict == "pass"
            else f"Put at most {_find_most(threshold, len(real.train)):,} of these rows "
            "beside the real ones, or collect more real ones.",
        )
    ]


@register_check("trust.own_output", _OWN, group="trust")
def check_own_output(evidence: Evidence) -> list[Finding]:
    """The generation: 0 where no model that was tuned on synthetic rows wrote a column, n where one that was tuned on
    a dataset of generation n - 1 did. Fails where all that models wrote comes from such ones and no real row is mixed
    in, and warns from generation 1.
    """
    manifest, rows = evidence.manifest, len(evidence.frame)
    if manifest is None or not manifest.models:
        return []
    generation = int(getattr(manifest, "generation", 0) or 0)
    own = bool(getattr(manifest, "own_output", False))
    verdict: Verdict = "fail" if own else "warn" if generation >= 1 else "pass"
    detail = "no column was written by a model that was tuned on synthetic rows"
    fix = ""
    if generation >= 1 or own:
        detail = f"generation {generation}: written by a model that was itself tuned on synthetic rows"
        fix = "Mix real rows in, or let a model write that was not tuned on synthetic ones."
    if own:
        detail += ", and nothing real or by another model is mixed in"
        fix += ' To use it all the same: --waive trust.own_output --reason "…"'
    return [
        Finding(
            "trust.own_output",
            _OWN,
            verdict,
            rows,
            value=float(generation),
            threshold=0.0,
            source=_OWN_SOURCE,
            detail=detail,
            figures={"generation": float(generation)},
            fix=fix,
        )
    ]


def _find_most(share: float, real: int) -> int:
    """Synthetic rows that are `share` of a mix with `real` real ones."""
    return int(share * real / (1 - share)) if share < 1 else 0
