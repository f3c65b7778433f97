"""The distance share: are synthetic rows nearer to the rows that were learned from than to others of the same kind?

It shows wholesale copying and nothing else. A few copied rows do not move a mean, and data that passes such tests was
found open to membership attacks (Yao et al., "The DCR Delusion", arXiv 2505.01524). So it warns, never fails, and a
pass of it never stands alone.
"""

from __future__ import annotations

from workbench.quality.check import Finding, Verdict, register_check
from workbench.quality.evidence import Evidence
from workbench.quality.privacy.neighbours import Neighbours, explain_missing, find_neighbours, tell_sample
from workbench.quality.privacy.shares import measure_share

_QUESTION = "Are rows nearer to those learned from than to others?"
_LEVEL = 0.0005
"""A quarter of the level of the others: this test adds the least."""


@register_check("privacy.distance_share", _QUESTION, group="privacy", needs_real=True)
def check_distance_share(evidence: Evidence) -> list[Finding]:
    """Share of rows nearer to training than to as many holdout rows; 0.5 if nothing was learned by heart.

    The interval is that of chance around the figure, 1.96 standard deviations of the permutations.
    """
    found = find_neighbours(evidence)
    if not isinstance(found, Neighbours):
        return explain_missing("privacy.distance_share", _QUESTION, evidence, found)
    share = measure_share(found.shares[0], found.shares[1], found.equal, evidence.draw("distance share"))
    verdict: Verdict = "warn" if share.p < _LEVEL else "pass"
    met = f"{share.value:.1%} of rows are nearer to a training row than to any of as many held out (p = {share.p:.2g})"
    detail = met if verdict != "pass" else f"no sign of wholesale copying, and small leaks cannot show: {met}"
    return [
        Finding(
            "privacy.distance_share",
            _QUESTION,
            verdict,
            found.queries,
            value=share.value,
            reference=0.5,
            interval=(max(0.0, share.value - 1.96 * share.sd), min(1.0, share.value + 1.96 * share.sd)),
            detail=detail + tell_sample(evidence, found.queries),
            source=f"permutation test at {_LEVEL}; the level is ours, never used alone (arXiv 2505.01524)",
            seed=evidence.seed,
            figures={"p": share.p, "sd": share.sd, "real_rows": float(found.equal)},
            fix="" if verdict == "pass" else "Learn with fewer epochs, more regularisation or differential privacy.",
        )
    ]
