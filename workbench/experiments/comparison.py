"""Outcomes of tuning runs beside one another: the same held-out rows, before and after, on synthetic and real rows.

Pure values: they are read from the request and the result of runs, wherever those came from, and printed by the
commands and the Runs screen alike.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Score:
    """Held-out figures of one model: mean loss per completion token (nats), and shares of rows labelled right."""

    loss: float
    accuracy: float | None
    balanced_accuracy: float | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one tuning run did to the held-out score."""

    run: str
    dataset: str
    model: str
    method: str
    train_on: str
    train_rows: int
    evaluated_on: str
    evaluated_rows: int
    before: Score
    after: Score
    train_seconds: float
    trainable_parameters: int
    settings: Mapping[str, Any]


def read_outcome(run: str, arguments: Mapping[str, Any], result: Mapping[str, Any]) -> Outcome:
    """The outcome of a finished run of kind `tune`, from its request's arguments and its result."""
    return Outcome(
        run=run,
        dataset=str(result.get("dataset", arguments.get("dataset", ""))),
        model=str(result["model"]),
        method=str(result["method"]),
        train_on=str(result["train_on"]),
        train_rows=int(result["train_rows"]),
        evaluated_on=str(result["evaluated_on"]),
        evaluated_rows=int(result["evaluated_rows"]),
        before=_read_score(result["before"]),
        after=_read_score(result["after"]),
        train_seconds=float(result["train_seconds"]),
        trainable_parameters=int(result["trainable_parameters"]),
        settings=dict(result.get("settings", arguments.get("settings", {}))),
    )


def find_differences(outcomes: Sequence[Outcome]) -> dict[str, list[Any]]:
    """Settings whose values are not the same in all outcomes: name to the value of each, in order."""
    names = sorted({name for outcome in outcomes for name in outcome.settings})
    values = {name: [outcome.settings.get(name) for outcome in outcomes] for name in names}
    return {name: found for name, found in values.items() if any(value != found[0] for value in found)}


def summarise(outcomes: Iterable[Outcome]) -> list[str]:
    """A sentence per dataset and method that was tuned on synthetic and on real rows: how much of the gain came over.

    One run of each is no experiment: the sentences report these runs and claim nothing about others.
    """
    groups: dict[tuple[str, str], dict[str, Outcome]] = {}
    for outcome in outcomes:
        groups.setdefault((outcome.dataset, outcome.method), {})[outcome.train_on] = outcome
    sentences = []
    for (dataset, method), by_source in groups.items():
        synthetic, real = by_source.get("synthetic"), by_source.get("real")
        if synthetic is None or real is None:
            continue
        name, before, on_synthetic, on_real = _pick_figure(synthetic, real)
        sentences.append(
            f"{dataset}, {method}: {name} on {real.evaluated_rows} held-out real rows went from {before} to "
            f"{on_synthetic} after tuning on synthetic rows, and to {on_real} after tuning on the real ones."
        )
    return sentences


def _pick_figure(synthetic: Outcome, real: Outcome) -> tuple[str, str, str, str]:
    figures = (synthetic.before, synthetic.after, real.after)
    shares = [figure.balanced_accuracy for figure in figures]
    known = [share for share in shares if share is not None]
    if len(known) == len(figures):
        before, on_synthetic, on_real = (f"{share:.1%}" for share in known)
        return "balanced accuracy", before, on_synthetic, on_real
    before, on_synthetic, on_real = (f"{figure.loss:.3f}" for figure in figures)
    return "loss", before, on_synthetic, on_real


def _read_score(value: Mapping[str, Any]) -> Score:
    accuracy, balanced = value.get("accuracy"), value.get("balanced_accuracy")
    return Score(
        float(value["loss"]),
        None if accuracy is None else float(accuracy),
        None if balanced is None else float(balanced),
    )
