"""The membership attack: can somebody who holds the dataset tell whose rows it was learned from?

The attacker knows real rows and takes those nearest to a synthetic one for members. He is weak: what he finds is the
least that can be found. Besides how well he ranks all rows, what he finds when he names few and is seldom wrong counts
(Carlini et al., "Membership Inference Attacks From First Principles", 2022): a leak of few people is in no average.
"""

from __future__ import annotations

from workbench.quality.check import FROM_SPEC, OURS, Finding, Verdict, register_check
from workbench.quality.evidence import Evidence
from workbench.quality.privacy.excess import LEVEL
from workbench.quality.privacy.membership import Attack, attack_membership, find_rate_excess
from workbench.quality.privacy.neighbours import Neighbours, explain_missing, find_neighbours, tell_sample

_QUESTION = "Can an attacker tell which real rows were learned from?"
_WARN_AUC, _FAIL_AUC = 0.55, 0.60
_MOST_NAMED = 0.05
"""Members named at 1 % of others: five times what guessing gives."""


@register_check("privacy.membership", _QUESTION, group="privacy", needs_real=True, gate="max_membership_auc")
def check_membership(evidence: Evidence) -> list[Finding]:
    """AUC of the attack with its interval, and the share of members named at 1 % of others.

    Without a gate the lower end of the interval is judged, so that chance neither warns nor fails.
    """
    found = find_neighbours(evidence)
    gate = evidence.gates.max_membership_auc
    if not isinstance(found, Neighbours):
        return explain_missing("privacy.membership", _QUESTION, evidence, found, gate is not None)
    sizes = len(found.train_to_made), len(found.holdout_to_made)
    attack = attack_membership(found.train_to_made, found.holdout_to_made)
    p = find_rate_excess(attack, sizes, _MOST_NAMED)
    verdict = _judge(attack, p, gate)
    met = f"AUC {attack.auc:.3f}"
    if attack.tpr is not None:
        met += f", and {attack.tpr:.1%} of members named at 1 % of others"
    return [
        Finding(
            "privacy.membership",
            _QUESTION,
            verdict,
            len(found.sides.made),
            value=attack.auc,
            reference=0.5,
            interval=attack.interval,
            threshold=_WARN_AUC if gate is None else gate,
            gated=gate is not None,
            detail=(met if verdict != "pass" else f"no sign of membership by nearness: {met}")
            + tell_sample(evidence, len(found.sides.made)),
            source=OURS if gate is None else FROM_SPEC,
            seed=evidence.seed,
            figures={"tpr_at_1_percent": attack.tpr, "tpr_p": p, "members": float(sizes[0]), "others": float(sizes[1])},
            fix="" if verdict == "pass" else "Learn with differential privacy, or from more rows with fewer epochs.",
        )
    ]


def _judge(attack: Attack, p: float, gate: float | None) -> Verdict:
    if p < LEVEL or attack.interval[0] > _FAIL_AUC or (gate is not None and attack.auc > gate):
        return "fail"
    return "warn" if gate is None and attack.interval[0] > _WARN_AUC else "pass"
