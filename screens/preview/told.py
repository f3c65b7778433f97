"""What the helper tells while models are asked, before its answer is there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from screens.format import count_noun
from workbench.files import clean_text

Cell = tuple[str, str, int]
"""A table, a column and the number of a row."""


@dataclass
class Told:
    """What the events of one question came to: texts by their cell, who is asked, and what was used."""

    texts: dict[Cell, str] = field(default_factory=dict)
    who: str = "asking the models"
    used: str = ""

    def note(self, event: Mapping[str, Any]) -> None:
        """Take an event in."""
        if "text" in event:
            self.texts[event["table"], event["column"], event["row"]] = event["text"]
        elif "state" in event:
            self.who = f"{event['state']} {clean_text(event['model'])} for {clean_text(event['column'])}"
        elif "calls" in event:
            tokens = event["input_tokens"] + event["output_tokens"]
            money = f" · ${event['cost_usd']:.4f}" if event["cost_usd"] else ""
            self.used = f" · {count_noun(event['calls'], 'call')} · {count_noun(tokens, 'token')}{money}"

    def describe(self) -> str:
        """One line on how it goes."""
        return f"{self.who}{self.used} · esc cancels"
