"""Code that is none: it does not parse, stops with an error, or gives what its tests do not expect."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from workbench.quality.evidence import Evidence
from workbench.quality.selftest.planting import register_defect


@register_defect(
    "broken_code",
    "a tenth of the programs lack a bracket, or use a name that is not there",
    scene="programs",
    trips=("code",),
)
def break_code(evidence: Evidence, draw: np.random.Generator) -> Evidence:
    """Break programs in two ways in turn."""

    def spoil(program: str, place: int) -> str:
        return program.replace("):", ":", 1) if place % 2 else program.replace("return abs(", "return abs(lost + ", 1)

    return _spoil(evidence, draw, spoil)


@register_defect(
    "wrong_code",
    "a tenth of the programs return a text where their tests ask for a whole number",
    scene="programs",
    trips=("code",),
)
def answer_wrongly(evidence: Evidence, draw: np.random.Generator) -> Evidence:
    """Turn what programs return into texts."""
    return _spoil(evidence, draw, lambda program, place: program.replace("return abs(", "return str(", 1))


def _spoil(evidence: Evidence, draw: np.random.Generator, spoil: Callable[[str, int], str]) -> Evidence:
    frame = evidence.frame.copy()
    chosen = draw.choice(len(frame), max(2, len(frame) // 10), replace=False)
    programs = frame["program"].iloc[chosen]
    frame.loc[frame.index[chosen], "program"] = [spoil(text, place) for place, text in enumerate(programs)]
    return replace(evidence, frame=frame)
