"""`provider: openai`: any server that speaks the OpenAI protocol, asked through OpenAI's own client.

That is OpenAI, and vLLM, SGLang, Ollama, the server of llama.cpp and `transformers serve`. They differ in what they
know beside the plain call, so the provider counts on little: it asks for no list of models, and learns from a refusal
what a server takes.
"""

from __future__ import annotations

import os
from importlib.util import find_spec
from typing import Annotated, Any, ClassVar, Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from workbench.providers.openai.provider import OpenAIProvider
from workbench.providers.provider import EndpointConfig, Readiness, register

_OWN_FIELDS = {"messages", "model", "n", "prompt", "stream", "stream_options"}
_INSTALL = "Install it with: pip install openai"


class OpenAIConfig(EndpointConfig):
    """Any server that speaks the OpenAI protocol, such as OpenAI, vLLM, Ollama or llama.cpp."""

    ASIDE: ClassVar[frozenset[str]] = EndpointConfig.ASIDE | {"base_url"}

    model: Annotated[str, Field(min_length=1)] = Field(description="Name of the model, as the server knows it")
    base_url: str | None = Field(
        None, description="Address of the server, for instance http://localhost:8000/v1; OpenAI's own if left out"
    )
    api_key_env: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")] | None = Field(
        None,
        description="Environment variable that holds the key; OPENAI_API_KEY if left out, which is sent to https "
        "addresses only",
    )
    api: Literal["chat", "completion"] = Field("chat", description="`completion` for base models, which only go on")
    temperature: Annotated[float, Field(ge=0, le=5)] | None = Field(None, description="The server's own if left out")
    top_p: Annotated[float, Field(gt=0, le=1)] | None = Field(None, description="The server's own if left out")
    max_tokens: Annotated[int, Field(ge=1)] | None = Field(
        None, description="Most tokens of an answer; the server's own limit if left out"
    )
    structured: Literal["auto", "json_schema", "json_object", "prompt"] = Field(
        "auto", description="How a schema is asked for; `auto` finds what the server knows"
    )
    seed: bool = Field(True, description="Whether the row's seed is sent; some servers refuse it")
    extra_body: dict[str, Any] = Field(
        default_factory=dict, description="More fields of each call, as the server names them"
    )
    image_size: Annotated[str, Field(pattern=r"^(auto|[1-9]\d{0,4}x[1-9]\d{0,4})$")] | None = Field(
        None, description="Size asked of the server, for instance 1024x1024; then scaled to what the column wants"
    )
    voices: Annotated[tuple[str, ...], Field(min_length=1)] | None = Field(
        None, description="Voices of the server; rows that name none get one by their seed"
    )

    @field_validator("base_url")
    @classmethod
    def validate_address(cls, base_url: str | None) -> str | None:
        """A key belongs into the environment, so an address may hold none."""
        if base_url is None:
            return base_url
        parts = urlsplit(base_url)
        if parts.port == 0 or parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("give an address that begins with http:// or https://")
        if parts.username or parts.password:
            raise ValueError("take the user and password out; name an environment variable as “api_key_env” instead")
        return base_url

    @field_validator("extra_body")
    @classmethod
    def validate_extra_body(cls, extra_body: dict[str, Any]) -> dict[str, Any]:
        own = sorted(_OWN_FIELDS & extra_body.keys())
        if own:
            raise ValueError(f"“{own[0]}” is set by the workbench; take it out")
        return extra_body


def open_provider(config: OpenAIConfig) -> OpenAIProvider:
    """The provider. Raises ValueError where OpenAI's client is not installed; a key is asked for at the first call."""
    if find_spec("openai") is None:
        raise ValueError(f"the provider “openai” needs the package “openai”. {_INSTALL}")
    return OpenAIProvider(config)


def check() -> Readiness:
    """Whether the client is installed, and whether its usual key is set."""
    if find_spec("openai") is None:
        return Readiness(False, f"The package “openai” is not installed. {_INSTALL}")
    if os.environ.get("OPENAI_API_KEY"):
        return Readiness(True, "OPENAI_API_KEY is set")
    return Readiness(True, "OPENAI_API_KEY is not set: only servers that need no key, or another one, can be called")


register(
    "openai",
    {"text", "code", "image", "speech", "embedding", "agreement"},
    OpenAIConfig,
    open_provider,
    check=check,
)
