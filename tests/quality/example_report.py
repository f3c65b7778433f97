"""A report with something of everything: each verdict, columns, curves, rows, a gate, a waiver, reasons."""

from typing import Any

from workbench.quality.check import FROM_SPEC, OURS, Finding, Verdict


def make_finding(name: str, group: str, verdict: Verdict, **fields: Any) -> dict[str, Any]:
    question = fields.pop("question", f"What of {name}?")
    given = {"table": "people", "seed": 7, "rows": 12_000, "seconds": 0.42} | fields
    return Finding(name, question, verdict, group=group, **given).as_json()


def make_columns(count: int) -> dict[str, dict[str, float | None]]:
    """The last column is the worst."""
    return {
        f"column_{place:03d}": {"similarity": 0.99 - 0.5 * place / count, "reference": 0.97, "threshold": 0.9}
        for place in range(count)
    }


def make_report(**fields: Any) -> dict[str, Any]:
    curve = {f"add {ratio}": 0.8 + place / 100 for place, ratio in enumerate((0, 0.25, 1, 3, 10))}
    curve |= {f"replace {share} %": 0.82 - share / 1000 for share in (0, 50, 100)}
    no_real = {"detail": "there is no real data to compare with", "fix": "Give real rows with --real."}
    checks = [
        make_finding("schema", "rules", "pass", value=0, threshold=0),
        make_finding(
            "rules", "rules", "fail", value=0.013, threshold=0, gated=True, source=FROM_SPEC,
            detail="156 of 12,000 rows break start <= end", fix="Correct the column end.", examples=[3, 17, 20],
        ),
        make_finding(
            "fidelity.columns", "fidelity", "warn", value=0.49, reference=0.97, interval=(0.47, 0.51), threshold=0.9,
            source=OURS, detail="worst of 24 columns: column_023", fix="Fit it to real rows.", columns=make_columns(24),
        ),
        make_finding("fidelity.detection", "fidelity", "pass", value=0.56, reference=0.51, threshold=0.65),
        make_finding(
            "usefulness.curve", "usefulness", "pass", value=0.02, interval=(-0.01, 0.05), threshold=-0.02,
            figures=curve | {"minimum detectable difference": 0.017},
        ),
        make_finding("privacy.copies", "privacy", "pass", value=0, reference=0, threshold=0.0005),
        make_finding(
            "privacy.membership", "privacy", "fail", value=0.72, reference=0.5, interval=(0.7, 0.74), threshold=0.6,
            source="Amin et al., 2026", detail="an attacker tells 72 %", fix="Learn with differential privacy.",
        ),
        make_finding(
            "privacy.inference", "privacy", "not assessed", rows=60, gated=True, threshold=0.1,
            detail="60 rows are too few", fix="Give more real rows.",
        ),
        make_finding("fairness.parity", "fairness", "not assessed", **no_real),
        make_finding("fairness.shares", "fairness", "not assessed", **no_real),
    ]  # fmt: skip
    report = {
        "format": 1,
        "dataset": "people@1",
        "verdict": "fail",
        "checks": checks,
        "real": {
            "people": {
                "origin": "people.csv",
                "licence": "CC0",
                "digest": "ab" * 32,
                "train_rows": 8000,
                "holdout_rows": 4000,
            }
        },
        "gates": {"min_fidelity": 0.9, "max_risk": 0.1, "canaries": ["planted-secret"]},
        "waivers": [{"check": "rules", "reason": "only a demonstration", "by": "ana", "at": "2026-11-25T10:00:00"}],
        "seed": 7,
        "digest": {"data": "ef" * 32, "spec": "cd" * 32, "checks": 2, "real": {"/home/ana/people.csv": "ab" * 32}},
        "made": "2026-11-25T17:00:00+00:00",
        "seconds": 41.2,
        "reused": 0,
    }
    return report | fields
