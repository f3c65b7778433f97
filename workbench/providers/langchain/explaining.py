"""What an exception of an integration means for a call.

Integrations raise what their own client raises. Most of these exceptions carry the status of HTTP somewhere, on
themselves or on what caused them; the newer ones are also kinds of LangChain's own errors. What neither tells is taken
as a fault of the server, which may go well if asked again.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from typing import Any

from workbench.providers.http_faults import clean_message, explain_status
from workbench.providers.provider import CallError, FaultKind
from workbench.secrets import NAMES, SHORTEST

_KINDS: tuple[tuple[str, FaultKind], ...] = (
    (r"Refusal|ContentFilter|Safety|Blocked", "refused"),
    (r"ContextOverflow|ModelInvalidRequest", "request"),
    (r"Timeout", "timeout"),
    (r"RateLimit|ResourceExhausted|Throttl", "busy"),
    (r"ModelAuthentication|ModelPermission|ModelNotFound|NoCredentials", "fatal"),
    (r"Connect|ReadError|WriteError|RemoteProtocol|NetworkError", "connection"),
)


def explain_error(error: Exception, key_name: str = "") -> CallError:
    """The fault behind an exception of a call. `key_name` is the environment variable that holds the key."""
    secrets = list_secrets(key_name)
    chain = list(_walk(error))
    for each in chain:
        status = _find_status(each)
        if status is not None:
            return explain_status(status, _find_headers(each), _find_body(each), key_name=key_name, secrets=secrets)
    said = clean_message(str(error), secrets) or type(error).__name__
    for each in chain:
        names = " ".join(kind.__name__ for kind in type(each).__mro__)
        for pattern, kind in _KINDS:
            if re.search(pattern, names):
                solution = "Check “model” and its key." if kind == "fatal" else ""
                return CallError(kind, _add_reason(said, chain[-1], secrets), solution=solution)
    return CallError("server", f"{type(error).__name__}: {said}")


def _add_reason(said: str, first: BaseException, secrets: list[str]) -> str:
    """“Connection error” alone helps nobody: what it was first raised from says more."""
    reason = clean_message(str(first), secrets)
    return said if reason in said else f"{said}: {reason}"


def list_secrets(key_name: str = "") -> list[str]:
    """The values of environment variables whose names say that they are secret, for integrations read their own, and
    of `key_name`; the longest first.
    """
    found = [value for name, value in os.environ.items() if NAMES.search(name) and len(value) >= SHORTEST]
    return sorted({*found, os.environ.get(key_name, "")}, key=len, reverse=True)


def _walk(error: BaseException) -> Iterator[BaseException]:
    """The exception, what it was raised from, and so on."""
    seen: set[int] = set()
    following: BaseException | None = error
    while following is not None and id(following) not in seen:
        seen.add(id(following))
        yield following
        following = following.__cause__ or following.__context__


def _find_status(error: BaseException) -> int | None:
    """The status of HTTP: of openai, anthropic, cohere and ollama; of httpx and requests; of google; of botocore."""
    response = getattr(error, "response", None)
    if isinstance(response, Mapping):
        metadata = response.get("ResponseMetadata")
        found = [metadata.get("HTTPStatusCode") if isinstance(metadata, Mapping) else None]
    else:
        found = [getattr(error, "status_code", None), getattr(response, "status_code", None)]
        found += [getattr(error, "http_status", None), getattr(error, "code", None)]
    return next((status for status in found if isinstance(status, int) and 400 <= status < 600), None)


def _find_headers(error: BaseException) -> Mapping[str, str]:
    headers = getattr(getattr(error, "response", None), "headers", None) or getattr(error, "headers", None)
    return {str(name).lower(): str(value) for name, value in headers.items()} if isinstance(headers, Mapping) else {}


def _find_body(error: BaseException) -> Any:
    response = getattr(error, "response", None)
    if isinstance(response, Mapping):
        inner = response.get("Error")
        if isinstance(inner, Mapping):
            return {"error": {"code": inner.get("Code"), "message": inner.get("Message")}}
    for name in ("body", "details"):
        body = getattr(error, name, None)
        if isinstance(body, Mapping) and body:
            return body
    return str(error)
