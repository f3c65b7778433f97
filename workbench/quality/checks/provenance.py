"""Provenance: is it stated which models and which data the rows were made from, and under which licence?"""

from __future__ import annotations

from typing import Any

from workbench.datasets.manifest import NOT_STATED, ModelRecord
from workbench.files import clean_text
from workbench.quality.check import OURS, Finding, register_check
from workbench.quality.evidence import Evidence

_QUESTION = "Is it stated what the rows were made from, and under which licence?"
_MOST = 5
"""Gaps that are told one by one."""


@register_check("provenance", _QUESTION, group="rules")
def check_provenance(evidence: Evidence) -> list[Finding]:
    """Share of a table's models and sources with a gap: a model without licence or revision, others' data without one.

    The licence of a file of the user's own is the user's to know: where it is not stated, that is told and no gap.
    """
    manifest, rows = evidence.manifest, len(evidence.frame)
    if manifest is None:
        return []
    named = _find_named(evidence)
    models = {name: record for name, record in manifest.models.items() if name in named}
    sources = {name: record for name, record in manifest.sources.items() if name in named}
    if not models and not sources:
        return []
    gaps = {name: f"model {name}: {missing}" for name, record in models.items() if (missing := _find_missing(record))}
    unstated = {name: record for name, record in sources.items() if record.licence == NOT_STATED}
    gaps |= {name: f"source {name}: licence" for name, record in unstated.items() if record.third_party}
    own = [name for name, record in unstated.items() if not record.third_party]
    told = (
        f"models whose licence and revision are stated: {len(models)}; sources whose licence is: "
        f"{len(sources) - len(own)}"
    )
    if own:
        told += f"; own data without a stated licence, for its owner to judge: {', '.join(own)}"
    if gaps:
        more = f", and {len(gaps) - _MOST} more" if len(gaps) > _MOST else ""
        told = f"not stated: {', '.join(list(gaps.values())[:_MOST])}{more}"
    return [
        Finding(
            "provenance",
            _QUESTION,
            "warn" if gaps else "pass",
            rows,
            value=len(gaps) / (len(models) + len(sources)),
            threshold=0.0,
            source=OURS,
            detail=clean_text(told),
            fix="State it in the spec, under models: or sources:, and generate again." if gaps else "",
        )
    ]


def _find_missing(model: ModelRecord) -> str:
    return " and ".join(key for key in ("licence", "revision") if getattr(model, key) == NOT_STATED)


def _find_named(evidence: Evidence) -> set[str]:
    """Names of the models and sources that the table's part of the spec mentions, that of no model included."""
    config = evidence.config
    named = {"offline"} if any(getattr(column, "model", "") is None for column in config.columns) else set()
    parts: list[Any] = [column.model_dump() for column in config.columns]
    if config.synthesizer is not None:
        parts.append(config.synthesizer.model_dump())
    while parts:
        part = parts.pop()
        if isinstance(part, dict):
            named |= {part[key] for key in ("model", "source") if isinstance(part.get(key), str)}
            parts += part.values()
        elif isinstance(part, (list, tuple)):
            parts += part
    return named
