"""What a reader has to know of a dataset before using it, from the manifest alone: filters, biases, limits, people.

Each function gives sentences, and none where there is nothing to say. Nothing is invented: what nobody stated is said
to be not stated. The Croissant file and the draft of the training-content summary are made from the same sentences.
"""

from __future__ import annotations

from collections import Counter

from workbench.datasets.manifest import CheckRecord, Manifest, ModelRecord
from workbench.files import clean_text

_MOST = 20
"""Sentences of one kind: a dataset with more checks or rules than this says how many more there are."""


def list_filters(manifest: Manifest) -> list[str]:
    """What was left out, drawn again or not answered, with the rows of each."""
    lines = []
    for name, table in manifest.tables.items():
        lines += [
            clean_text(f"{name}: {count:,} of {table.asked:,} rows left out, which did not keep: {reason}")
            for reason, count in table.rejected.items()
        ]
        lines += [
            clean_text(f"{name}: {count:,} rows drawn again to keep: {rule}") for rule, count in table.redrawn.items()
        ]
    lines += [clean_text(f"{count:,} rows without an answer: {place}") for place, count in manifest.failed.items()]
    return _shorten(lines)


def list_biases(manifest: Manifest) -> list[str]:
    """Shares that are by request, and what the checks of fairness found."""
    lines = []
    for name, table in manifest.tables.items():
        for scenario in table.scenarios:
            lines.append(f"{name}: scenario {scenario.name} is {scenario.achieved:,} of {table.rows:,} rows by request")
        lines += [f"{name}: shares of {', '.join(each.columns)} are by request" for each in table.balance]
        lines += [
            f"{name}: the rate of {each.outcome} is made equal across {each.across} by request, to {each.max_gap:g}"
            for each in table.parity
        ]
    if manifest.models:
        lines.append("Texts, pictures and sound carry the biases of the models that wrote them.")
    return _shorten(lines + _list_missed(manifest, ("fairness",)))


def list_limits(manifest: Manifest) -> list[str]:
    """What the rows are no evidence of, which turn of training on synthetic rows they are, and what checks found."""
    lines = ["Holds only the relations that its specification states; not evidence about the world."]
    if manifest.synthesizers:
        lines[0] = "Holds only relations that its specification states or its fitted models learned; not evidence."
    if manifest.generation:
        turn = f"Generation {manifest.generation}: models that wrote it were tuned on synthetic rows"
        alone = ", and nothing real or of another model is in it" if manifest.own_output else ""
        lines.append(f"{turn}{alone}. Rare cases get lost with each such turn.")
    if manifest.quality is None:
        lines.append("Its quality has not been assessed.")
    return _shorten(
        lines + _list_missed(manifest, ("rules", "fidelity", "usefulness", "duplicates", "content", "trust"))
    )


def list_personal(manifest: Manifest) -> list[str]:
    """What is known of real persons: columns of real values, the privacy of fitted models, the checks of privacy."""
    lines = ["Made to describe no real person. This is no proof of anonymity where real data was a source."]
    for name, table in manifest.tables.items():
        copied = [column.name for column in table.columns if column.recipe.get("type") == "source"]
        if copied:
            lines.append(f"{name}: {', '.join(copied)} hold values of real rows as they are.")
    for name, fit in manifest.synthesizers.items():
        if fit.epsilon is None:
            lines.append(f"{name}: fitted to real rows of {fit.source} without differential privacy.")
        else:
            lines.append(
                f"{name}: fitted to real rows of {fit.source} with differential privacy, epsilon {fit.epsilon:.3g} at "
                f"delta {fit.delta:g}."
            )
    checks = [check for check in manifest.quality.checks if check.group == "privacy"] if manifest.quality else []
    if checks:
        counts = Counter(check.verdict for check in checks)
        told = ", ".join(f"{count} {verdict}" for verdict, count in sorted(counts.items()))
        lines.append(f"Checks of privacy: {told}. A pass is no sign of what was looked for, never proof of anonymity.")
    else:
        lines.append("Privacy has not been assessed.")
    return _shorten(lines + _list_missed(manifest, ("privacy",)))


def describe_model(name: str, model: ModelRecord) -> str:
    """A model with its revision and licence, as far as they are stated."""
    return clean_text(
        f"{name}: {model.model}, provider {model.provider}, revision {model.revision}, licence {model.licence}"
    )


def _list_missed(manifest: Manifest, groups: tuple[str, ...]) -> list[str]:
    """The checks of some groups that did not pass, with their figures."""
    checks = manifest.quality.checks if manifest.quality is not None else []
    return [_describe_check(check) for check in checks if check.group in groups and check.verdict != "pass"]


def _describe_check(check: CheckRecord) -> str:
    figures = [
        f"{word} {value:.4g}"
        for word, value in (("", check.value), ("real holdout", check.reference), ("threshold", check.threshold))
        if value is not None
    ]
    told = f" ({', '.join(figure.strip() for figure in figures)})" if figures else ""
    return clean_text(f"{check.table}: check {check.name}: {check.verdict}{told}")


def _shorten(lines: list[str]) -> list[str]:
    return lines if len(lines) <= _MOST else [*lines[:_MOST], f"… and {len(lines) - _MOST} more"]
