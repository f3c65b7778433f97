"""The connections to a server, and one way to call it: JSON in, JSON or bytes or events out, faults as CallError.

OpenAI's client is used below its typed methods: those build an object for each answer, and a third more CPU a call with
it, without checking that the answer holds what it should. Nor is one client used for all calls: its pool looks at each
of its connections before and after each call, so that many small pools together cost less than a large one.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from workbench.providers.addresses import is_loopback
from workbench.providers.http_faults import StatusError, clean_message, explain_status
from workbench.providers.provider import CallError

if TYPE_CHECKING:
    import httpx2
    import openai

    from workbench.providers.openai import OpenAIConfig

Options = Mapping[str, str | None]
"""Fields of a body that a call can do without: one that the server refuses is renamed as said here, or left out for
None, then and later.
"""
T = TypeVar("T")

DEFAULT_KEY = "OPENAI_API_KEY"
DEFAULT_ADDRESS = "https://api.openai.com/v1"
_POOL_SIZE = 32
_CONNECT_SECONDS = 20.0
_REFUSING = re.compile(
    r"unsupported|not supported|unknown|unrecogni[sz]ed|unexpected|not permitted|instead|extra", re.I
)
_NAMED = re.compile(r"(?:['\"`]|body\.)(\w+)")
_CONTENT = {"input", "messages", "model", "prompt", "response_format", "stream"}
_KEY = re.compile(r"[!-~]+")


def find_refused_fields(sent: Mapping[str, Any], fault: CallError) -> list[str]:
    """The fields of a body that a server says it does not take; none where the fault is another one."""
    if not isinstance(fault, StatusError) or fault.status not in (400, 422) or not _REFUSING.search(fault.message):
        return []
    named = set(_NAMED.findall(fault.message))
    return [name for name in sent if name in named]


def _explain_fields(refused: Sequence[str], fault: CallError) -> CallError:
    """A setting goes with every call, so that none can go well; other faults stay what they are."""
    setting = next((name for name in refused if name not in _CONTENT), None)
    if setting is None:
        return fault
    advice = "Set “seed: false” for" if setting == "seed" else f"Take “{setting}” out of"
    return CallError("fatal", fault.message, solution=f"{advice} the model in the spec.")


class Connection:
    """A server. Clients are made with the first call, for the event loop that makes it."""

    def __init__(self, config: OpenAIConfig) -> None:
        self.address = config.base_url or os.environ.get("OPENAI_BASE_URL") or DEFAULT_ADDRESS
        parts = urlsplit(self.address)
        host = parts.hostname or ""
        self.origin = (parts.scheme, host, parts.port)
        self.shown = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
        self.is_openai = host.endswith((".openai.com", ".openai.azure.com"))
        self._key_name = config.api_key_env or (DEFAULT_KEY if parts.scheme == "https" else "")
        self._key_needed = config.api_key_env is not None or self.is_openai
        self._timeout = config.timeout
        self._most = config.max_parallel_requests
        self._secrets: tuple[str, ...] = ()
        self._changes: dict[tuple[str, str], str | None] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._clients: list[openai.AsyncOpenAI] = []
        self._free: list[openai.AsyncOpenAI] = []

    async def post(self, path: str, body: dict[str, Any], options: Options) -> Any:
        """The JSON that answers `body`. Raises CallError."""
        response = await self.post_raw(path, body, options)
        try:
            answer = json.loads(response.content)
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            raise CallError("server", "the server's answer is no JSON object")
        if answer.get("error"):  # a gateway's 200 around another server's error
            raise self._explain_body(answer)
        return answer

    async def post_raw(self, path: str, body: dict[str, Any], options: Options) -> httpx2.Response:
        """The whole answer as it came. Raises CallError."""
        import httpx2

        async def send(client: openai.AsyncOpenAI, sent: dict[str, Any]) -> httpx2.Response:
            response: httpx2.Response = await client.post(path, cast_to=httpx2.Response, body=sent)
            return response

        return await self._call(path, body, options, send)

    async def stream(self, path: str, body: dict[str, Any], options: Options, on_event: Callable[[Any], None]) -> None:
        """Tell `on_event` each event that answers `body`, read from JSON. Raises CallError."""
        import openai

        async def send(client: openai.AsyncOpenAI, sent: dict[str, Any]) -> None:
            events = await client.post(
                path, cast_to=object, body=sent, stream=True, stream_cls=openai.AsyncStream[object]
            )
            async with events:
                async for event in events:
                    on_event(event)

        await self._call(path, body, options, send)

    async def fetch(self, url: str) -> bytes:
        """The content of a file that the same server keeps. Raises CallError, `fatal` for another server."""
        import httpx2

        parts = urlsplit(url)
        if (parts.scheme, parts.hostname, parts.port) != self.origin:
            raise CallError(
                "fatal",
                f"the server sends a link to {clean_message(parts.hostname or 'nowhere')} instead of the picture",
                solution="Have the server send pictures as base64 (b64_json): links elsewhere are not followed.",
            )

        async def send(client: openai.AsyncOpenAI, sent: dict[str, Any]) -> bytes:
            response: httpx2.Response = await client.get(
                url, cast_to=httpx2.Response, options={"follow_redirects": False}
            )
            return response.content

        return await self._call(url, {}, {}, send)

    async def close(self) -> None:
        """Close all connections; the next call opens new ones."""
        clients, self._clients, self._free = self._clients, [], []
        if self._loop is asyncio.get_running_loop():
            for client in clients:
                await client.close()

    async def _call(
        self,
        path: str,
        body: dict[str, Any],
        options: Options,
        send: Callable[[openai.AsyncOpenAI, dict[str, Any]], Awaitable[T]],
    ) -> T:
        while True:
            sent = self._apply_changes(path, body)
            fault: CallError | None = None
            free = self._find_free()
            client = free.pop()
            try:
                async with asyncio.timeout(self._timeout):
                    return await send(client, sent)
            except CallError as error:
                fault = error
            except TimeoutError:
                fault = CallError("timeout", f"no answer in {self._timeout:g} seconds")
            except Exception as error:
                fault = self._explain(error)
            finally:
                free.append(client)
            # Raised out here, for the exceptions of the client hold the request and thereby the key.
            refused = find_refused_fields(sent, fault)
            name = next((name for name in refused if name in options), None)
            if name is None:
                raise _explain_fields(refused, fault)
            self._changes[path, name] = options[name]

    def _find_free(self) -> list[openai.AsyncOpenAI]:
        """The clients with a place for one more call, each as often as it has places."""
        loop = asyncio.get_running_loop()
        if loop is not self._loop or not self._clients:
            self._loop = loop
            self._clients = self._make_clients()
            self._free = [client for client in reversed(self._clients) for _ in range(_POOL_SIZE)]
        if not self._free:  # more calls than were said: they wait for a connection
            self._free.append(self._clients[0])
        return self._free

    def _make_clients(self) -> list[openai.AsyncOpenAI]:
        """As many as the calls at once need. They share what is costly to make, the certificates."""
        import httpx2
        import openai

        key = self._read_key()
        self._secrets = (key,) if key else ()
        timeout = httpx2.Timeout(None, connect=min(self._timeout, _CONNECT_SECONDS))
        limits = httpx2.Limits(max_connections=_POOL_SIZE, max_keepalive_connections=_POOL_SIZE)
        certificates = httpx2.create_ssl_context()

        def make_client() -> openai.AsyncOpenAI:
            http = openai.DefaultAsyncHttpxClient(
                limits=limits, timeout=timeout, verify=certificates, trust_env=not is_loopback(self.address)
            )
            return openai.AsyncOpenAI(
                api_key=key or "none", base_url=self.address, max_retries=0, timeout=timeout, http_client=http
            )

        return [make_client() for _ in range(-(-self._most // _POOL_SIZE))]

    def _read_key(self) -> str:
        key = os.environ.get(self._key_name, "").strip() if self._key_name else ""
        if not key and self._key_needed:
            raise CallError(
                "fatal",
                f"there is no key for {self.shown}: the environment variable {self._key_name} is not set",
                solution=f"Set {self._key_name} where the workbench is started.",
            )
        if key and not _KEY.fullmatch(key):
            raise CallError(
                "fatal",
                f"the key in {self._key_name} holds characters that no key has",
                solution=f"Set {self._key_name} to the key alone, without spaces and quotes.",
            )
        return key

    def _apply_changes(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        if not self._changes:
            return body
        sent = {}
        for name, value in body.items():
            renamed = self._changes.get((path, name), name)
            if renamed is not None:
                sent[renamed] = value
        return sent

    def _explain(self, error: Exception) -> CallError:
        import openai

        if isinstance(error, openai.APITimeoutError):
            return CallError("timeout", f"{self.shown} did not take the connection in time")
        if isinstance(error, openai.APIConnectionError):
            reason = clean_message(str(error.__cause__ or ""), self._secrets) or type(error.__cause__).__name__
            return CallError("connection", f"the connection to {self.shown} failed: {reason}")
        if isinstance(error, openai.APIStatusError):
            return self._explain_status(error.status_code, error.response.headers, error.body)
        if isinstance(error, openai.APIError):  # an event of a stream
            return self._explain_body(error.body)
        if isinstance(error, UnicodeEncodeError):
            return CallError("request", "the prompt holds half a character, which cannot be sent")
        if isinstance(error, (json.JSONDecodeError, UnicodeDecodeError)):  # of an event
            return CallError("server", "the server's answer is no JSON")
        raise error

    def _explain_body(self, body: object) -> CallError:
        """The fault behind an error that came with the status 200. Its code may be that of HTTP."""
        inner = body.get("error") if isinstance(body, Mapping) and isinstance(body.get("error"), Mapping) else body
        code = inner.get("code") if isinstance(inner, Mapping) else None
        status = code if isinstance(code, int) and 400 <= code < 600 else 500
        return self._explain_status(status, {}, body)

    def _explain_status(self, status: int, headers: Mapping[str, str], body: object) -> StatusError:
        return explain_status(status, headers, body, key_name=self._key_name, secrets=self._secrets)
