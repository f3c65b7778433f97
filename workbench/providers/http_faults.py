"""What an HTTP error of a model's server means for a call: slow down, ask again, give up this row, or give up.

Servers agree on status codes and little else. The codes of error bodies are believed where they say more (an account
without money answers 429 as a busy server does), and words only where a caller looks for them. Messages are cut short,
cleaned of control characters, and never hold the key, which some servers tell back.
"""

from __future__ import annotations

import email.utils
import math
import re
import time
from collections.abc import Mapping, Sequence
from typing import Any

from workbench.files import clean_text
from workbench.providers.provider import CallError, FaultKind

LONGEST_MESSAGE = 300
_LONGEST_WAIT = 86_400.0 * 7

_NO_MONEY = {"insufficient_quota", "billing_hard_limit_reached", "billing_not_active", "access_terminated"}
_NO_MODEL = {"model_not_found", "invalid_model", "model_not_available", "DeploymentNotFound"}
_FILTERED = {"content_filter", "content_policy_violation", "moderation_blocked", "ResponsibleAIPolicyViolation"}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}


class StatusError(CallError):
    """A CallError with the status of HTTP that it comes from, and the codes that the body gives."""

    def __init__(
        self,
        kind: FaultKind,
        message: str,
        *,
        status: int,
        codes: frozenset[str] = frozenset(),
        retry_after: float | None = None,
        solution: str = "",
    ) -> None:
        super().__init__(kind, message, retry_after=retry_after, solution=solution)
        self.status = status
        self.codes = codes


def explain_status(
    status: int, headers: Mapping[str, str], body: object, *, key_name: str = "", secrets: Sequence[str] = ()
) -> StatusError:
    """The fault behind an answer with an error status. `body` is its JSON, or its text.

    `headers` are looked up in lower case. `key_name` is the environment variable that holds the key, for the solution;
    `secrets` are taken out of the message.
    """
    codes = find_codes(body)
    kind = _choose_kind(status, codes, headers)
    said = clean_message(find_message(body), secrets)
    message = f"the server answered {status}: {said}" if said else f"the server answered {status}"
    retry_after = parse_retry_after(headers) if kind == "busy" else None
    solution = _advise(status, codes, key_name) if kind == "fatal" else ""
    return StatusError(kind, message, status=status, codes=codes, retry_after=retry_after, solution=solution)


def _choose_kind(status: int, codes: frozenset[str], headers: Mapping[str, str]) -> FaultKind:
    if codes & _NO_MONEY or status == 402:
        return "fatal"
    if codes & _FILTERED:
        return "refused"
    if status in (429, 529) or (status == 503 and parse_retry_after(headers) is not None):
        return "busy"
    if status >= 500 or status in (408, 409, 425) or status < 400:
        return "server"
    if status in (401, 403, 404, 405) or codes & _NO_MODEL:
        return "fatal"
    return "request"


def _advise(status: int, codes: frozenset[str], key_name: str) -> str:
    if codes & _NO_MONEY or status == 402:
        return "Add credit to the account, or raise its limit, then resume the run."
    if status in (401, 403):
        where = (
            f"the environment variable {key_name}" if key_name else "the environment variable named by “api_key_env”"
        )
        return f"Check the key in {where}, and that it may use this model."
    return "Check “model” and “base_url” of the model in the spec."


def find_message(body: object) -> str:
    """What an error body says, in the shapes that servers use: OpenAI's, FastAPI's, and plain text."""
    if isinstance(body, Mapping):
        for name in ("error", "message", "detail", "msg"):
            if body.get(name):
                return find_message(body[name])
        return ""
    if isinstance(body, list):
        places = (f"{_join_place(each)}{find_message(each)}" for each in body)
        return "; ".join(place for place in places if place)
    return body if isinstance(body, str) else ""


def _join_place(problem: object) -> str:
    """Where FastAPI found a problem, such as `body.response_format: `."""
    place = problem.get("loc") if isinstance(problem, Mapping) else None
    return f"{'.'.join(map(str, place))}: " if isinstance(place, list) else ""


def find_codes(body: object) -> frozenset[str]:
    """The codes and types of error that a body names."""
    if not isinstance(body, Mapping):
        return frozenset()
    inner = body.get("error") if isinstance(body.get("error"), Mapping) else body
    assert isinstance(inner, Mapping)
    nested: Any = inner.get("innererror")
    found = [inner.get("code"), inner.get("type"), nested.get("code") if isinstance(nested, Mapping) else None]
    return frozenset(code for code in found if isinstance(code, str))


def clean_message(text: str, secrets: Sequence[str] = ()) -> str:
    """One line without control characters and secrets, of at most 300 characters."""
    for secret in secrets:
        if secret:
            text = text.replace(secret, "[key]")
    text = clean_text(" ".join(text.split())).rstrip(".")
    return text if len(text) <= LONGEST_MESSAGE else f"{text[: LONGEST_MESSAGE - 1]}…"


def parse_retry_after(headers: Mapping[str, str], now: float | None = None) -> float | None:
    """Seconds that a server asks to wait, None where it says nothing readable.

    Reads `retry-after-ms`, `retry-after` (seconds, whole or not, or a date: RFC 9110, section 10.2.3), and else the
    `x-ratelimit-reset…` of a limit that is used up. `now` is the time of day in seconds since 1970.
    """
    now = time.time() if now is None else now
    milliseconds = _read_number(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return _bound(milliseconds / 1000)
    told = headers.get("retry-after")
    if told is not None:
        seconds = _read_number(told)
        if seconds is None:
            try:
                seconds = email.utils.parsedate_to_datetime(told).timestamp() - now
            except (ValueError, TypeError, OverflowError, OSError):
                seconds = None
        if seconds is not None:
            return _bound(seconds)
    waits = [_read_reset(headers, limit, now) for limit in ("-requests", "-tokens", "")]
    known = [wait for wait in waits if wait is not None]
    return max(known) if known else None


def _read_reset(headers: Mapping[str, str], limit: str, now: float) -> float | None:
    """Seconds until a limit is there again that is used up: `1m30s`, seconds, or a moment in seconds or ms of 1970."""
    told = headers.get(f"x-ratelimit-reset{limit}")
    left = _read_number(headers.get(f"x-ratelimit-remaining{limit}"))
    if told is None or left is None or left > 0:
        return None
    number = _read_number(told)
    if number is None:
        parts = _DURATION.findall(told)
        joined = "".join(amount + unit for amount, unit in parts)
        return (
            _bound(sum(float(amount) * _UNITS[unit] for amount, unit in parts))
            if parts and joined == told.strip()
            else None
        )
    if number > 1e11:
        return _bound(number / 1000 - now)
    return _bound(number - now if number > 1e8 else number)


def _read_number(text: str | None) -> float | None:
    try:
        number = float(text) if text is not None else None
    except ValueError:
        return None
    return number if number is not None and math.isfinite(number) else None


def _bound(seconds: float) -> float:
    return min(max(seconds, 0.0), _LONGEST_WAIT)
