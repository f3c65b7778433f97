"""`provider: langchain`: any chat model that LangChain knows, by `model: "integration:name"`.

The integration is a package of its own, such as langchain-openai. It is looked for without importing LangChain, which
takes seconds; the model is made with the first call.
"""

from __future__ import annotations

import re
from importlib.util import find_spec
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, field_validator

from workbench.providers.langchain.integrations import INTEGRATIONS, find_package
from workbench.providers.langchain.provider import LangChainProvider
from workbench.providers.provider import EndpointConfig, Readiness, register
from workbench.spec.problems import suggest

_INSTALL = "Install the extra “langchain”, for instance with: pip install 'synthetic-workbench[langchain]'"
_OWN = {"callbacks", "config_prefix", "configurable_fields", "max_retries", "model", "model_provider", "timeout"}
_SECRET = re.compile(r"(?:^|_)(?:key|secret|password|token|credentials)$")


class LangChainConfig(EndpointConfig):
    """Any chat model that LangChain knows."""

    ASIDE: ClassVar[frozenset[str]] = EndpointConfig.ASIDE | {"base_url"}

    model: Annotated[str, Field(pattern=r"^[A-Za-z][\w-]*:.+$")] = Field(
        description="Integration and name of the model, for instance openai:gpt-4o-mini"
    )
    base_url: str | None = Field(None, description="Address of the server; the integration's own if left out")
    api_key_env: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")] | None = Field(
        None, description="Environment variable that holds the key; the one that the integration reads if left out"
    )
    parameters: dict[str, Any] = Field(
        default_factory=dict, description="Settings as the integration names them, for instance {temperature: 0.9}"
    )
    structured: Literal["auto", "json_schema", "function_calling", "json_mode", "prompt"] = Field(
        "auto", description="How a schema is asked for; `auto` finds what the model knows"
    )
    seed: bool = Field(True, description="Whether the row's seed is sent, where the integration has a field for it")

    @field_validator("parameters")
    @classmethod
    def validate_parameters(cls, parameters: dict[str, Any]) -> dict[str, Any]:
        """A key belongs into the environment."""
        for name in parameters:
            if _SECRET.search(name):
                raise ValueError(f"“{name}” is a secret; name an environment variable as “api_key_env” instead")
            if name in _OWN:
                raise ValueError(f"“{name}” is set by the workbench; take it out")
        return parameters


def open_provider(config: LangChainConfig) -> LangChainProvider:
    """The provider. Raises ValueError where LangChain or the integration of the model is not installed."""
    if find_spec("langchain") is None:
        raise ValueError(f"the provider “langchain” needs the package “langchain”. {_INSTALL}")
    integration = config.model.partition(":")[0].lower().replace("-", "_")
    package = find_package(integration)
    if find_spec(package.replace("-", "_")) is None:
        if integration not in INTEGRATIONS:
            hint = suggest(integration, INTEGRATIONS).rstrip(".")
            raise ValueError(f"LangChain has no integration “{integration}”. {hint}")
        raise ValueError(f"the model “{config.model}” needs the package “{package}”. Install it: pip install {package}")
    return LangChainProvider(config, package)


def check() -> Readiness:
    """Whether LangChain is installed, and with which integrations."""
    if find_spec("langchain") is None:
        return Readiness(False, f"The package “langchain” is not installed. {_INSTALL}")
    found = sorted({package for package in INTEGRATIONS.values() if find_spec(package.replace("-", "_"))})
    if not found:
        return Readiness(
            False, "LangChain has no integration here. Install one, for instance: pip install langchain-openai"
        )
    return Readiness(True, ", ".join(found))


register("langchain", {"text", "code", "agreement"}, LangChainConfig, open_provider, check=check)
