"""What calls cost, and the budget that stops them: every call is paid for in advance, at the most it can cost."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources import files
from typing import Any

from workbench.errors import GateError
from workbench.providers.addresses import is_loopback
from workbench.providers.provider import EndpointConfig, PriceConfig, ProviderConfig
from workbench.providers.requests import Answer, ImageRequest, Request, SpeechRequest, TextRequest

CHARACTERS_PER_TOKEN = 4.0
"""Of English text with the tokenizers of today's models: what is said of a prompt whose tokens nobody has counted."""

_DEFAULT_MAX_TOKENS = 2_048
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Price:
    """A price, in US dollars, with where it comes from."""

    rates: PriceConfig
    evidence: str


@lru_cache(maxsize=1)
def read_price_file() -> Mapping[str, Any]:
    """The shipped price file: {"date": ..., "source": ..., "models": {"provider/model": rates}}."""
    text = files("workbench.calls").joinpath("prices.json").read_text("utf-8")
    content: Mapping[str, Any] = json.loads(text)
    return content


def find_price(config: ProviderConfig) -> Price | None:
    """What calls of a model cost: as the spec says, nothing for a model on this machine, else as in the price file."""
    if config.price is not None:
        return Price(config.price, "the spec")
    if not isinstance(config, EndpointConfig) or is_loopback(getattr(config, "base_url", None) or ""):
        return Price(PriceConfig(), "runs on this machine")
    file = read_price_file()
    name = (config.model or "").removeprefix("openai:")
    rates = None if getattr(config, "base_url", None) else file["models"].get(f"{config.provider}/{name}")
    return None if rates is None else Price(PriceConfig(**rates), f"published, as of {file['date']}")


def compute_cost(rates: PriceConfig, answer: Answer) -> float:
    """What a call cost, in US dollars, by what it used up."""
    usage = answer.usage
    return (
        usage.input_tokens * rates.input_per_mtok / 1e6
        + usage.output_tokens * rates.output_per_mtok / 1e6
        + usage.images * rates.per_image
        + usage.characters * rates.per_mchar / 1e6
        + rates.per_call
    )


def estimate_tokens(request: Request) -> int:
    """The tokens of a prompt, by its length."""
    if not isinstance(request, TextRequest):
        return round(len(getattr(request, "prompt", getattr(request, "text", ""))) / CHARACTERS_PER_TOKEN)
    turns = sum(len(turn.content) for turn in request.history)
    characters = len(request.prompt) + len(request.system_prompt) + turns + len(request.schema or "")
    return round(characters / CHARACTERS_PER_TOKEN) + 8 * (2 + len(request.history)) + 800 * len(request.images)


def bound_cost(rates: PriceConfig, config: ProviderConfig, request: Request) -> float:
    """The most that a call can cost, in US dollars: a prompt of dense text, and an answer of the longest kind."""
    most = getattr(config, "max_tokens", None) or _DEFAULT_MAX_TOKENS
    tokens_out = most if isinstance(request, TextRequest) else 0
    characters = len(request.text) if isinstance(request, SpeechRequest) else 0
    return (
        1.5 * estimate_tokens(request) * rates.input_per_mtok / 1e6
        + tokens_out * rates.output_per_mtok / 1e6
        + (rates.per_image if isinstance(request, ImageRequest) else 0.0)
        + characters * rates.per_mchar / 1e6
        + rates.per_call
    )


@dataclass
class Budget:
    """The limits of a run. `spent` is what it has cost so far, `reserved` what calls under way may add to it."""

    max_cost_usd: float | None = None
    max_hours: float | None = None
    spent: float = 0.0
    reserved: float = 0.0
    started: float = field(default_factory=time.monotonic)
    _guard: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def try_reserve(self, most: float) -> bool:
        """Set aside `most` US dollars for a call. False where calls under way must end first.

        Raises GateError where the budget is used up.
        """
        self.check_hours()
        with self._guard:
            if self.max_cost_usd is not None and self.spent + self.reserved + most > self.max_cost_usd + _ROUNDING:
                if self.reserved > 0:
                    return False
                raise GateError(
                    f"The budget of ${self.max_cost_usd:g} is used up: ${self.spent:.4f} spent, and the next call may "
                    f"cost ${most:.4f}.",
                    "All answers so far are kept and cost nothing again: raise “max_cost_usd” and generate again.",
                )
            self.reserved += most
            return True

    def settle(self, reserved: float, cost: float) -> None:
        """A call for which `reserved` was set aside is over, and cost so much."""
        with self._guard:
            self.reserved = max(0.0, self.reserved - reserved)
            self.spent += cost

    def check_hours(self) -> None:
        """Raise GateError where the time is used up."""
        if self.max_hours is None:
            return
        hours = (time.monotonic() - self.started) / 3600
        if hours > self.max_hours:
            raise GateError(
                f"The budget of {self.max_hours:g} hours is used up.",
                "All answers so far are kept and cost nothing again: raise “max_hours” and generate again.",
            )
