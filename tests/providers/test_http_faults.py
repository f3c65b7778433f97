"""What error answers of servers mean, in the shapes that servers use."""

import email.utils
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.providers.http_faults import clean_message, explain_status, find_message, parse_retry_after

NOW = 1_800_000_000.0


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "12"}, 12),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after": "-3"}, 0),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": email.utils.formatdate(NOW + 90, usegmt=True)}, 90),
        ({"retry-after": email.utils.formatdate(NOW - 90, usegmt=True)}, 0),
        ({"retry-after-ms": "250", "retry-after": "12"}, 0.25),
        ({"retry-after-ms": "x", "retry-after": "12"}, 12),
        ({"x-ratelimit-reset-requests": "1m30.5s", "x-ratelimit-remaining-requests": "0"}, 90.5),
        ({"x-ratelimit-reset-tokens": "20ms", "x-ratelimit-remaining-tokens": "0"}, 0.02),
        ({"x-ratelimit-reset-tokens": "20ms", "x-ratelimit-remaining-tokens": "7"}, None),
        ({"x-ratelimit-reset-tokens": "", "x-ratelimit-remaining-tokens": "0"}, None),
        ({"x-ratelimit-reset": str(int(NOW * 1000) + 4000), "x-ratelimit-remaining": "0"}, 4),
        ({"x-ratelimit-reset": str(int(NOW) + 4), "x-ratelimit-remaining": "0"}, 4),
        ({"x-ratelimit-reset": "9", "x-ratelimit-remaining": "0"}, 9),
    ],
)
def test_the_wait_is_read_in_every_form(headers: dict[str, str], seconds: float | None) -> None:
    found = parse_retry_after(headers, NOW)
    assert found == (seconds if seconds is None else pytest.approx(seconds, abs=1e-6))


@given(st.sampled_from(["retry-after", "retry-after-ms", "x-ratelimit-reset"]), st.text())
def test_any_header_gives_a_bounded_wait_or_none(name: str, value: str) -> None:
    found = parse_retry_after({name: value, "x-ratelimit-remaining": "0"}, NOW)
    assert found is None or 0 <= found <= 7 * 86_400


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"error": {"message": "No.", "code": "x"}}, "No."),
        ({"error": "No."}, "No."),
        ({"message": "No."}, "No."),
        ({"detail": "No."}, "No."),
        ({"detail": [{"loc": ["body", "seed"], "msg": "Not permitted"}]}, "body.seed: Not permitted"),
        ("Bad gateway", "Bad gateway"),
        ({"error": {"code": 7}}, ""),
        (None, ""),
    ],
)
def test_the_message_is_found_in_every_shape(body: Any, message: str) -> None:
    assert find_message(body) == message


JSON = st.recursive(
    st.none() | st.integers() | st.text(),
    lambda part: st.lists(part) | st.dictionaries(st.sampled_from(["error", "message", "detail", "code", "loc"]), part),
)


@given(st.integers(300, 599), JSON)
def test_any_body_is_explained(status: int, body: Any) -> None:
    error = explain_status(status, {}, body)
    assert error.message.startswith(f"the server answered {status}")
    assert len(error.message) < 400
    assert bool(error.solution) == (error.kind == "fatal")


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (402, None, "fatal"),
        (429, "insufficient_quota", "fatal"),
        (429, "rate_limit_exceeded", "busy"),
        (529, None, "busy"),
        (400, "model_not_found", "fatal"),
        (400, "content_policy_violation", "refused"),
        (413, None, "request"),
        (425, None, "server"),
        (304, None, "server"),
    ],
)
def test_codes_say_more_than_a_status(status: int, code: str | None, kind: str) -> None:
    assert explain_status(status, {}, {"error": {"message": "no", "code": code}}).kind == kind


def test_a_message_is_one_short_line_without_keys_and_escapes() -> None:
    text = clean_message("key \x1b[31msk-123\x1b[0m\n\n is\u202e wrong." + "x" * 500, ["sk-123", ""])
    assert text.startswith("key [key] is wrong.xxx")
    assert len(text) == 300
