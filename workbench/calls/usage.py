"""What the calls of one model came to: for the live figures of a run, and for the manifest."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from workbench.providers.requests import Answer


@dataclass
class ModelUsage:
    """`calls` were made now, `reused` answers were there already; tokens and cost are those of both together.

    `paid_usd` is what was paid now. `cost_usd` is None where no price is known. `failed` counts rows without an answer
    by their cause.
    """

    calls: int = 0
    reused: int = 0
    retried: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    images: int = 0
    characters: int = 0
    cost_usd: float | None = 0.0
    paid_usd: float = 0.0
    failed: Counter[str] = field(default_factory=Counter)

    def add(self, answer: Answer, cost: float | None, *, reused: bool) -> None:
        """Count an answer."""
        if reused:
            self.reused += 1
        else:
            self.calls += 1
            self.paid_usd += cost or 0.0
        self.input_tokens += answer.usage.input_tokens
        self.output_tokens += answer.usage.output_tokens
        self.images += answer.usage.images
        self.characters += answer.usage.characters
        self.cost_usd = None if cost is None or self.cost_usd is None else self.cost_usd + cost
