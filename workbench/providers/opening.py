"""From a model of the spec to what runs it: every mistake in `models:` is found here, before a row is made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, cast

from pydantic import ValidationError

from workbench.providers.provider import Modality, Painter, ProviderConfig, ProviderType, Speaker, Writer
from workbench.providers.registry import PROVIDERS
from workbench.spec.model import ModelConfig
from workbench.spec.problems import suggest

_MAKES: dict[Modality, str] = {"text": "texts", "code": "code", "image": "images", "speech": "speech"}


def read_config(config: ModelConfig) -> tuple[ProviderType, ProviderConfig]:
    """The provider of a model of the spec, with the model's fields as that provider reads them.

    Raises ValueError, with the nearest word, for an unknown provider or field, and for a value that does not fit.
    """
    provider = PROVIDERS.get(config.provider)
    if provider is None:
        reason = PROVIDERS.failures.get(config.provider)
        if reason is not None:
            raise ValueError(f"the provider “{config.provider}” of another package cannot be loaded: {reason}")
        hint = suggest(config.provider, PROVIDERS.names()).rstrip(".")
        raise ValueError(f"there is no provider “{config.provider}”. {hint}")
    try:
        return provider, provider.config.model_validate(config.model_dump(exclude_unset=True))
    except ValidationError as error:
        found = error.errors(include_url=False)[0]
        field = ".".join(map(str, found["loc"]))
        if found["type"] == "extra_forbidden":
            hint = suggest(field, provider.config.model_fields).rstrip(".")
            raise ValueError(f"the provider “{provider.name}” knows no field “{field}”. {hint}") from None
        reason = found["msg"].removeprefix("Value error, ")
        raise ValueError(f"{field} of the provider “{provider.name}”: {reason}" if field else reason) from None


def open_writer(models: Mapping[str, ModelConfig], name: str | None, modality: Literal["text", "code"]) -> Writer:
    """The writer behind the spec's model `name`, the offline one for None. Raises ValueError as `read_config` does."""
    return cast(Writer, _open(models, name, modality))


def open_painter(models: Mapping[str, ModelConfig], name: str | None) -> Painter:
    """The painter behind the spec's model `name`, the offline one for None. Raises ValueError as `read_config` does."""
    return cast(Painter, _open(models, name, "image"))


def open_speaker(models: Mapping[str, ModelConfig], name: str | None) -> Speaker:
    """The speaker behind the spec's model `name`, the offline one for None. Raises ValueError as `read_config` does."""
    return cast(Speaker, _open(models, name, "speech"))


def _open(models: Mapping[str, ModelConfig], name: str | None, modality: Modality) -> Any:
    if name is None:
        config = ModelConfig(provider="offline")
    elif name in models:
        config = models[name]
    else:
        raise ValueError(f"there is no model “{name}” under “models”. {suggest(name, models)}".strip().rstrip("."))
    provider, own = read_config(config)
    if modality not in provider.makes:
        raise ValueError(f"the provider “{provider.name}” of the model “{name}” makes no {_MAKES[modality]}")
    return provider.open(own)
