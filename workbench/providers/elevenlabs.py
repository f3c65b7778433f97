"""`provider: elevenlabs`: speech by ElevenLabs over its HTTP API.

The protocol is that of https://elevenlabs.io/docs/api-reference/text-to-speech/convert. Sound is asked for as raw
samples and wrapped as WAV here, since WAV files are sent to some subscriptions only. Errors come as `detail`: a text,
an object with `status` (newer: `code`) and `message`, or the list of a failed validation. The service does its best
to answer one seed alike, and does not promise it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from ipaddress import ip_address
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal
from urllib.parse import quote, urlsplit

from pydantic import Field, field_validator

from workbench.files import clean_text
from workbench.providers.http_faults import clean_message, find_message, parse_retry_after
from workbench.providers.provider import CallError, EndpointConfig, EndpointProvider, Readiness, register
from workbench.providers.requests import Answer, Request, SpeechRequest, Usage
from workbench.spec.base import StrictModel
from workbench.spec.problems import suggest

if TYPE_CHECKING:
    import httpx2

_KEY_VARIABLE = "ELEVENLABS_API_KEY"
_NO_CREDITS = {"quota_exceeded", "insufficient_credits", "paid_plan_required", "payment_required"}
_NO_VOICE = {"voice_not_found", "invalid_voice_id"}
_NO_MODEL = {"model_not_found", "invalid_model_id", "model_can_not_do_text_to_speech", "unsupported_model"}
_CONTENT = {"content_against_policy", "content_policy_violation", "blocked_content"}
_CONNECT_SECONDS = 30.0

Unit = Annotated[float, Field(ge=0, le=1)]


class VoiceSettings(StrictModel):
    """How a voice speaks; what is left out is as the voice was saved."""

    stability: Unit | None = Field(None, description="Low varies more, high is more even")
    similarity_boost: Unit | None = Field(None, description="How near it keeps to the original voice")
    style: Unit | None = Field(None, description="How much it exaggerates the style of the voice")
    use_speaker_boost: bool | None = Field(None, description="Nearer to the original speaker, and slower to make")
    speed: Annotated[float, Field(ge=0.7, le=1.2)] | None = Field(None, description="Pace, 1 being that of the voice")


class ElevenLabsConfig(EndpointConfig):
    """Speech by ElevenLabs over its HTTP API."""

    ASIDE: ClassVar[frozenset[str]] = EndpointConfig.ASIDE | {"base_url"}

    model: str = Field("eleven_multilingual_v2", min_length=1, description="Id of the model")
    voices: Annotated[dict[str, Annotated[str, Field(min_length=1)]], Field(min_length=1)] = Field(
        description="Name of a voice in the spec to its id at ElevenLabs; rows that name none get one by their seed"
    )
    voice_settings: VoiceSettings | None = Field(None, description="How the voices speak")
    language: str | None = Field(None, description="Language of the texts as ISO 639-1 code, for models that take it")
    sample_rate: Literal[8000, 16000, 22050, 24000, 44100, 48000] = Field(24000, description="Samples a second")
    base_url: str = Field("https://api.elevenlabs.io", description="Where the service is, such as a region of its own")
    api_key_env: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")] = Field(
        _KEY_VARIABLE, description="Environment variable that holds the key"
    )
    max_parallel_requests: Annotated[int, Field(ge=1, le=4096)] = Field(
        4, description="Most calls at once; a subscription allows 2 to 15"
    )

    @field_validator("base_url")
    @classmethod
    def validate_url(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("give an address such as https://api.elevenlabs.io")
        if parts.username or parts.password:
            raise ValueError("take the user and password out; the key comes from the environment")
        if parts.scheme == "http" and not _is_loopback(parts.hostname):
            raise ValueError("the key would be sent unencrypted; give an https address")
        return url.rstrip("/")


class ElevenLabsProvider(EndpointProvider):
    """Asks for one text at a time, over connections that are kept."""

    def __init__(self, config: ElevenLabsConfig) -> None:
        self.voices = tuple(config.voices)
        self._config = config
        self._client: httpx2.AsyncClient | None = None

    async def answer(self, request: Request) -> Answer:
        import httpx2

        assert isinstance(request, SpeechRequest)
        name = request.voice or sorted(self.voices)[request.seed % len(self.voices)]
        voice = self._config.voices.get(name)
        if voice is None:
            near = suggest(name, self.voices)
            raise CallError("request", f"There is no voice “{clean_text(name)}” under “voices”. {near}".rstrip())
        key = self._read_key()
        if self._client is None:
            self._client = self._connect()
        try:
            response = await self._client.post(
                f"/v1/text-to-speech/{quote(voice, safe='')}",
                params={"output_format": f"pcm_{self._config.sample_rate}"},
                headers={"xi-api-key": key},
                json=self._write_body(request),
            )
        except httpx2.TimeoutException as error:
            raise CallError("timeout", f"ElevenLabs took more than {self._config.timeout:g} seconds") from error
        except httpx2.RequestError as error:
            told = clean_message(str(error), [key]) or type(error).__name__
            raise CallError("connection", f"ElevenLabs cannot be reached: {told}") from error
        if response.status_code != 200:
            body, headers = _read_body(response), response.headers
            raise explain_refusal(response.status_code, body, headers, self._config.api_key_env, key)
        return self._read_answer(request, response, name)

    async def close(self) -> None:
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    def describe(self) -> Mapping[str, Any]:
        return {"voices": dict(self._config.voices), "same_for_same_seed": False}

    def _connect(self) -> httpx2.AsyncClient:
        import httpx2

        most = self._config.max_parallel_requests
        return httpx2.AsyncClient(
            base_url=self._config.base_url,
            timeout=httpx2.Timeout(self._config.timeout, connect=min(_CONNECT_SECONDS, self._config.timeout)),
            limits=httpx2.Limits(max_connections=most, max_keepalive_connections=most),
        )

    def _read_key(self) -> str:
        key = os.environ.get(self._config.api_key_env, "").strip()
        if not key or not (key.isascii() and key.isprintable()):
            what = "holds no key" if not key else "holds a key with characters that no key has"
            raise CallError(
                "fatal",
                f"The environment variable {self._config.api_key_env} {what}.",
                solution=f"Set {self._config.api_key_env} to your key of ElevenLabs, and start again.",
            )
        return key

    def _write_body(self, request: SpeechRequest) -> dict[str, Any]:
        """The body of a request; its seed has 32 bits, into which those of the row are folded."""
        config = self._config
        body: dict[str, Any] = {
            "text": request.text,
            "model_id": config.model,
            "seed": (request.seed ^ request.seed >> 32) & 0xFFFFFFFF,
        }
        if config.language is not None:
            body["language_code"] = config.language
        if config.voice_settings is not None:
            body["voice_settings"] = config.voice_settings.model_dump(exclude_none=True)
        return body

    def _read_answer(self, request: SpeechRequest, response: httpx2.Response, name: str) -> Answer:
        from workbench.providers.sound import wrap_pcm

        content, kind = response.content, response.headers.get("content-type", "")
        if kind.startswith(("text/", "application/json")) or len(content) < 2:
            raise CallError("server", "ElevenLabs sent no sound")
        told = response.headers.get("character-cost", "")
        characters = int(told) if told.isascii() and told.isdigit() else len(request.text)
        data = wrap_pcm(content, self._config.sample_rate)
        return Answer(data=data, usage=Usage(characters=characters), notes={"voice": name})


def explain_refusal(status: int, body: object, headers: Mapping[str, str], key_name: str, key: str = "") -> CallError:
    """What an answer of another status than 200 means for this call and the others. `body` is its JSON, or its text."""
    code = _find_code(body)
    said = clean_message(find_message(body) or code, [key]) or "without a reason"
    told = f"ElevenLabs answered {status}: {said}"
    if code in _NO_CREDITS or status == 402:
        return CallError("fatal", told, solution="Add credits or change the subscription, then resume the run.")
    if code in _CONTENT:
        return CallError("refused", told)
    if code in _NO_MODEL:
        return CallError("fatal", told, solution="Correct “model” under “models”.")
    if code in _NO_VOICE or status == 404:
        return CallError("request", f"{told}. Correct the id under “voices”")
    if status in (401, 403):
        return CallError("fatal", told, solution=f"Check the key in {key_name}, and what it may do.")
    if status == 429 or (status == 503 and parse_retry_after(headers) is not None):
        return CallError("busy", told, retry_after=parse_retry_after(headers))
    return CallError("server" if status >= 500 or status in (408, 409, 425) or status < 400 else "request", told)


def check_elevenlabs() -> Readiness:
    """Whether a key is set; the service is not asked."""
    if os.environ.get(_KEY_VARIABLE, "").strip():
        return Readiness(True, f"{_KEY_VARIABLE} is set")
    return Readiness(
        False, f"Set {_KEY_VARIABLE} to your key of ElevenLabs, or name another variable as “api_key_env”."
    )


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _find_code(body: object) -> str:
    """The service's own word for an error: `status`, or `code` in its newer form, or `detail` itself."""
    detail = body.get("detail") if isinstance(body, dict) else None
    code = (detail.get("status") or detail.get("code")) if isinstance(detail, dict) else detail
    return code if isinstance(code, str) else ""


def _read_body(response: httpx2.Response) -> object:
    try:
        return response.json()
    except (ValueError, RecursionError):
        return response.text


register("elevenlabs", {"speech"}, ElevenLabsConfig, ElevenLabsProvider, check=check_elevenlabs)
