"""What the models of a spec will be asked for the whole dataset, and what that will cost, before any is asked.

The first rows are made without asking, which shows every request that can be written by now. Where answers of such rows
are in the store already, as after a preview that asked, their tokens and prices are what the estimate rests on;
else a rule of thumb stands in for the answers, and says so.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import fmean
from typing import Any, Literal

from workbench.calls.failures import Place
from workbench.calls.keys import hash_request
from workbench.calls.session import Model, Session
from workbench.calls.spending import CHARACTERS_PER_TOKEN, compute_cost, estimate_tokens
from workbench.errors import WorkbenchError
from workbench.generation.blocks import make_block
from workbench.generation.counterfactuals import make_texts
from workbench.generation.plan import Plan
from workbench.providers.requests import Answer, ImageRequest, Request, SpeechRequest, TextRequest, Usage

SHARE_OF_LONGEST = 0.5
"""How long an answer is taken to be, of what `max_chars` allows, while none has been seen."""


@dataclass(frozen=True, slots=True)
class CallEstimate:
    """What one column asks of a model. `calls` are still to be made for the dataset, the `reused` are stored already.

    Tokens and `cost_usd` (US dollars, None where no price is known) are those of the `calls`. `note` says in a sentence
    what the figures rest on. Tries beyond the first, and answers stored for rows behind the first ones, are not in it.
    """

    model: str
    column: str
    calls: int
    reused: int
    input_tokens: int
    output_tokens: int
    cost_usd: float | None
    evidence: Literal["measured", "formula"]
    note: str

    def as_json(self) -> dict[str, Any]:
        """Its fields."""
        return asdict(self)


def estimate_calls(plan: Plan, session: Session, sample_rows: int = 20) -> list[CallEstimate]:
    """What each column asks of a model that is not free, by the requests of the first `sample_rows` rows of its table.

    `session` is that of the plan; with a store in it answers of earlier runs and previews are taken into account.
    A table whose rows cannot be made yet is left out.
    """
    sizes = {name: min(sample_rows, table.rows) for name, table in plan.tables.items()}
    found: dict[tuple[Place, str], _Requests] = {}

    def note_requests(model: Model, place: Place, rows: Sequence[int], requests: Sequence[Request]) -> None:
        if model.type.free:
            return
        noted = found.setdefault((place, model.key), _Requests(model, {}))
        for row, request in zip(rows, requests, strict=True):
            if row < sizes[place.table]:
                noted.by_key.setdefault(hash_request(model.key, request), request)

    with session.sketching(note_requests):
        for name, table in plan.tables.items():
            if not table.is_costly:
                continue
            try:
                make_block(plan, name, 0, sizes[name], seen=table.start_seen())
            except WorkbenchError:
                continue
    known = {key for noted in found.values() for key in noted.by_key}
    estimates = [
        _estimate(place, noted, session, plan.tables[place.table].rows / sizes[place.table])
        for (place, _), noted in found.items()
        if noted.by_key
    ]
    return estimates + list(_estimate_counterfactuals(plan, session, sample_rows, known))


def _estimate_counterfactuals(
    plan: Plan, session: Session, sample_rows: int, known: Collection[str]
) -> Iterator[CallEstimate]:
    """What rows that are made once for each value of a column ask beyond `known`, the keys of the table's own rows."""
    for name, config in plan.spec.tables.items():
        for entry in config.counterfactuals if plan.tables[name].is_costly else ():
            found: dict[tuple[Place, str], _Requests] = {}

            def note_requests(
                model: Model, place: Place, rows: Sequence[int], requests: Sequence[Request], found: Any = found
            ) -> None:
                noted = found.setdefault((place, model.key), _Requests(model, {}))
                keys = ((hash_request(model.key, request), request) for request in requests)
                noted.by_key.update((key, request) for key, request in keys if key not in known)

            with session.sketching(note_requests), contextlib.suppress(WorkbenchError):
                for _ in make_texts(plan, name, entry, sample_rows):
                    pass
            scale = entry.rows / min(sample_rows, entry.rows)
            for (place, _), noted in found.items():
                if noted.by_key and not noted.model.type.free:
                    yield _estimate(place, noted, session, scale, " (counterfactuals)")


def read_estimates(values: Iterable[Mapping[str, Any]]) -> list[CallEstimate]:
    """The estimates that `CallEstimate.as_json` wrote."""
    return [CallEstimate(**value) for value in values]


def sum_costs(estimates: Iterable[CallEstimate]) -> float | None:
    """The cost of all, in US dollars; None where one has no price."""
    total = 0.0
    for estimate in estimates:
        if estimate.cost_usd is None:
            return None
        total += estimate.cost_usd
    return total


def describe_estimates(estimates: Sequence[CallEstimate]) -> list[str]:
    """A line for each model: calls, tokens, money, and what that rests on."""
    lines = []
    for model in dict.fromkeys(estimate.model for estimate in estimates):
        own = [estimate for estimate in estimates if estimate.model == model]
        cost = sum_costs(own)
        calls, reused = sum(each.calls for each in own), sum(each.reused for each in own)
        stored = f" ({reused:,} answers are stored)" if reused else ""
        tokens_in, tokens_out = sum(each.input_tokens for each in own), sum(each.output_tokens for each in own)
        tokens = f"{tokens_in:,} tokens in, {tokens_out:,} out"
        notes = " ".join(dict.fromkeys(each.note for each in own))
        lines.append(f"{model}: {calls:,} calls to make{stored}, {tokens}, {show_cost(cost)}. {notes}")
    return lines


def show_cost(cost: float | None) -> str:
    """An estimated cost in US dollars, None where no price is known."""
    if cost is None:
        return "no price known"
    if not cost:
        return "no charge"
    return f"about ${cost:,.2f}" if cost >= 0.01 else "less than $0.01"


@dataclass(slots=True)
class _Requests:
    """The requests of one column in the first rows, by the key of their answers."""

    model: Model
    by_key: dict[str, Request]


def _estimate(place: Place, noted: _Requests, session: Session, scale: float, what: str = "") -> CallEstimate:
    model, requests = noted.model, noted.by_key
    stored = session.store.find(list(requests)) if session.store is not None else {}
    reused = 0 if session.fresh else len(stored)
    calls = max(0, round(len(requests) * scale) - reused)
    if stored:
        answers = [each.answer for each in stored.values()]
        note = f"Measured on {len(answers):,} stored answers." if len(answers) > 1 else "Measured on one stored answer."
    else:
        most = getattr(model.config, "max_tokens", None)
        answers = [Answer(usage=_assume_usage(request, most)) for request in requests.values()]
        note = f"Not measured: {CHARACTERS_PER_TOKEN:g} characters to a token are assumed"
        if any(isinstance(request, TextRequest) for request in requests.values()):
            note += f", and answers of {SHARE_OF_LONGEST:.0%} of “max_chars”"
        note += "."
    usages, rates = [answer.usage for answer in answers], model.price.rates if model.price is not None else None
    return CallEstimate(
        model.name,
        f"{place.table}.{place.column}{what}",
        calls,
        reused,
        round(calls * fmean(usage.input_tokens for usage in usages)),
        round(calls * fmean(usage.output_tokens for usage in usages)),
        None if rates is None else calls * fmean(compute_cost(rates, answer) for answer in answers),
        "measured" if stored else "formula",
        note,
    )


def _assume_usage(request: Request, most_tokens: int | None) -> Usage:
    if isinstance(request, SpeechRequest):
        return Usage(characters=len(request.text))
    if isinstance(request, ImageRequest):
        return Usage(estimate_tokens(request), images=1)
    if not isinstance(request, TextRequest):
        return Usage(estimate_tokens(request))
    characters = max(request.min_chars, request.max_chars * SHARE_OF_LONGEST)
    tokens = round(characters / CHARACTERS_PER_TOKEN)
    return Usage(estimate_tokens(request), tokens if most_tokens is None else min(tokens, most_tokens))
