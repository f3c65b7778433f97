"""The three attacks that the Article 29 Working Party asks of anonymous data: singling out, linking, inferring.

Each is tried on training rows and, as control, on holdout rows (Giomi et al. 2023). They see different leaks: rows
copied with 2 % of noise are seen by linking and inferring and not by singling out, columns that were shuffled one by
one by singling out alone. So all three are needed, and none of them sees all.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.files import clean_text
from workbench.quality.cells import read_numbers, read_texts, take_column
from workbench.quality.check import FROM_SPEC, Finding, Verdict, register_check
from workbench.quality.distances import Points
from workbench.quality.evidence import Evidence
from workbench.quality.personal import find_learned_columns
from workbench.quality.privacy.linking import infer_column, link_halves
from workbench.quality.privacy.neighbours import FEWEST, explain_missing, tell_sample
from workbench.quality.privacy.risk import WARN_RISK, Risk, measure_risk
from workbench.quality.privacy.singling_out import describe_by_one, describe_by_several, try_descriptions
from workbench.quality.similarity import find_kind

_SINGLING = "Can a person be singled out?"
_LINKING = "Can two lists of people be linked?"
_INFERRING = "Can what is secret of a person be guessed?"
_ROUNDS = 5
_ATTACKS = 500
_GUESSES = 250
_MOST_ROWS = 10_000
_MOST_SECRETS = 5
_SOURCE = f"lower bound at {WARN_RISK}: ours, after the 0.09 of EMA and Health Canada; attacks of Giomi et al. 2023"
_FIX = "Learn with differential privacy, or from more rows with fewer epochs."


@dataclass(frozen=True, slots=True)
class _Sides:
    """Rows of each side (made, train, holdout): points, and plain values of shape (columns, rows)."""

    names: list[str]
    ordered: NDArray[np.bool_]
    spans: list[slice]
    points: tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]
    values: tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]


@register_check("privacy.singling_out", _SINGLING, group="privacy", needs_real=True, gate="max_risk")
def check_singling_out(evidence: Evidence) -> list[Finding]:
    """The higher of the risks by descriptions of one and of several columns."""

    def attack(sides: _Sides) -> dict[str, Risk | None]:
        risks = {}
        for name, describe in (("one_column", describe_by_one), ("several_columns", describe_by_several)):
            draws = [evidence.draw(f"{name} {number}") for number in range(_ROUNDS)]
            rounds = [describe(sides.values[0], sides.ordered, _ATTACKS, draw) for draw in draws]
            tries, spread = try_descriptions(rounds, sides.values[1], sides.values[2], draws[0])
            risks[name] = measure_risk(tries, spread=spread)
        return risks

    return _run("privacy.singling_out", _SINGLING, evidence, attack, "descriptions of one synthetic row", equal=True)


@register_check("privacy.linkability", _LINKING, group="privacy", needs_real=True, gate="max_risk")
def check_linkability(evidence: Evidence) -> list[Finding]:
    """The risk that both halves of a person's columns have the same nearest synthetic row."""

    def attack(sides: _Sides) -> dict[str, Risk | None]:
        draws = [evidence.draw(f"linking {number}") for number in range(_ROUNDS)]
        tries = [link_halves(*sides.points, sides.spans, _ATTACKS, draw) for draw in draws]
        return {"halves": measure_risk(tries, rows=min(map(len, sides.points[1:])))}

    return _run("privacy.linkability", _LINKING, evidence, attack, "pairs of halves of a person's columns")


@register_check("privacy.inference", _INFERRING, group="privacy", needs_real=True, gate="max_risk")
def check_inference(evidence: Evidence) -> list[Finding]:
    """The highest risk among the label and the columns of most different values."""
    label = evidence.label

    def attack(sides: _Sides) -> dict[str, Risk | None]:
        risks = {}
        for number in _choose_secrets(sides, label):
            name, ordered = sides.names[number], bool(sides.ordered[number])
            values = (sides.values[0][number], sides.values[1][number], sides.values[2][number])
            draws = [evidence.draw(f"guessing {name} {each}") for each in range(_ROUNDS)]
            tries = [infer_column(sides.points, values, sides.spans[number], ordered, _GUESSES, draw) for draw in draws]
            risks[name] = measure_risk(tries, rows=min(map(len, sides.points[1:])))
        return risks

    return _run("privacy.inference", _INFERRING, evidence, attack, "guesses")


def _run(
    name: str,
    question: str,
    evidence: Evidence,
    attack: Callable[[_Sides], dict[str, Risk | None]],
    what: str,
    *,
    equal: bool = False,
) -> list[Finding]:
    gate = evidence.gates.max_risk
    sides = _draw_sides(evidence, equal)
    if not isinstance(sides, _Sides):
        return explain_missing(name, question, evidence, sides, gate is not None)
    rows = len(sides.points[0])
    risks = {tactic: risk for tactic, risk in attack(sides).items() if risk is not None}
    if not risks:
        detail = "every attack succeeds, or fails to start, on rows never seen too: nothing is secret here"
        return [Finding(name, question, "not assessed", rows, gated=gate is not None, detail=detail)]
    worst = max(risks, key=lambda tactic: (risks[tactic].interval[0], risks[tactic].value))
    risk = risks[worst]
    upper = max(each.interval[1] for each in risks.values())
    verdict: Verdict = "pass" if not risk.is_high else "warn"
    if gate is not None:
        verdict = "fail" if upper > gate else "pass"
    return [
        Finding(
            name,
            question,
            verdict,
            rows,
            value=risk.value,
            reference=0.0,
            interval=risk.interval,
            threshold=WARN_RISK if gate is None else gate,
            gated=gate is not None,
            detail=_describe(risk, worst, len(risks), verdict, what) + tell_sample(evidence, rows),
            source=_SOURCE if gate is None else FROM_SPEC,
            seed=evidence.seed,
            columns={clean_text(tactic): _tell(each) for tactic, each in risks.items()} if len(risks) > 1 else {},
            figures={**_tell(risk), "attacks": float(risk.attacks), "highest_upper_bound": upper},
            fix="" if verdict == "pass" else _FIX,
        )
    ]


def _draw_sides(evidence: Evidence, equal: bool) -> _Sides | str | None:
    """A sample of each side, of as many rows each if `equal`: how often one row alone fits depends on their number."""
    real = evidence.real
    assert real is not None
    if not len(real.holdout):
        return "there is no holdout: no real rows that nothing was learned from"
    points = Points.fit(real.train, real.holdout, find_learned_columns(evidence))
    if not points.columns:
        return None
    frames = (evidence.frame, real.train, real.holdout)
    fewest = min(map(len, frames))
    if fewest < FEWEST:
        return f"{fewest} rows on one side are too few, {FEWEST} are needed"
    most = min(_MOST_ROWS, evidence.gates.sample_rows, fewest if equal else _MOST_ROWS)
    drawn = [evidence.sample(frame, f"attacks {side}", most) for side, frame in enumerate(frames)]
    stops = np.cumsum(points.widths)
    values, ordered = _encode(drawn, points.names)
    made, train, holdout = (points.transform(frame) for frame in drawn)
    spans = [slice(int(stop - width), int(stop)) for stop, width in zip(stops, points.widths, strict=True)]
    return _Sides(points.names, ordered, spans, (made, train, holdout), values)


def _encode(
    frames: Sequence[Any], names: Sequence[str]
) -> tuple[tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]], NDArray[np.bool_]]:
    """The values of each side as numbers, and which columns are numbers of their own."""
    import pandas as pd

    sides: list[list[NDArray[np.float64]]] = [[], [], []]
    ordered = []
    for name in names:
        columns = [take_column(frame, name) for frame in frames]
        ordered.append(find_kind(columns[1]) == "number")
        if ordered[-1]:
            encoded = [read_numbers(column) for column in columns]
        else:
            codes, _ = pd.factorize(pd.concat([read_texts(column) for column in columns], ignore_index=True))
            numbers = np.where(codes < 0, np.nan, codes.astype(np.float64))
            encoded = np.split(numbers, np.cumsum([len(column) for column in columns])[:-1])
        for side, column in zip(sides, encoded, strict=True):
            side.append(column)
    made, train, holdout = (np.array(side) for side in sides)
    return (made, train, holdout), np.array(ordered)


def _choose_secrets(sides: _Sides, label: str | None) -> list[int]:
    """The label and the columns of most different values: what is least alike in people."""
    different = [len(np.unique(column)) for column in sides.values[1]]
    order = sorted(range(len(sides.names)), key=lambda number: (sides.names[number] != label, -different[number]))
    return [number for number in order if different[number] > 1][:_MOST_SECRETS] if len(sides.names) > 1 else []


def _tell(risk: Risk) -> dict[str, float | None]:
    return {"risk": risk.value, "attack": risk.attack, "control": risk.control}


def _describe(risk: Risk, worst: str, tactics: int, verdict: Verdict, what: str) -> str:
    named = f", worst with {clean_text(worst)[:60].replace('_', ' ')}" if tactics > 1 else ""
    rates = f"{risk.attack:.1%} of {risk.attacks:,} {what} succeed, {risk.control:.1%} on people never seen{named}"
    return rates if verdict != "pass" else f"no sign of risk by this attack: {rates}"
