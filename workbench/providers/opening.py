"""From a model of the spec to its provider's own fields: a mistake in `models:` is found here, before a row is made."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import ValidationError

from workbench.providers.provider import ProviderConfig, ProviderType
from workbench.providers.registry import PROVIDERS
from workbench.providers.requests import Modality
from workbench.spec.model import ModelConfig
from workbench.spec.problems import suggest

MAKES: dict[Modality, str] = {
    "text": "texts",
    "code": "code",
    "image": "images",
    "speech": "speech",
    "embedding": "embeddings",
    "agreement": "comparisons of pictures with texts",
}


def choose_config(models: Mapping[str, ModelConfig], name: str | None) -> ModelConfig:
    """The spec's model `name`, that of the offline provider for None. Raises ValueError where there is none."""
    if name is None:
        return ModelConfig(provider="offline")
    if name not in models:
        raise ValueError(f"there is no model “{name}” under “models”. {suggest(name, models)}".strip().rstrip("."))
    return models[name]


def read_config(
    config: ModelConfig, modality: Modality | None = None, name: str | None = None
) -> tuple[ProviderType, ProviderConfig]:
    """The provider of a model of the spec, with the model's fields as that provider reads them.

    Raises ValueError, with the nearest word, for an unknown provider or field, for a value that does not fit, and where
    the provider does not make what `modality` asks of the model `name`.
    """
    provider = PROVIDERS.get(config.provider)
    if provider is None:
        reason = PROVIDERS.failures.get(config.provider)
        if reason is not None:
            raise ValueError(f"the provider “{config.provider}” of another package cannot be loaded: {reason}")
        hint = suggest(config.provider, PROVIDERS.names()).rstrip(".")
        raise ValueError(f"there is no provider “{config.provider}”. {hint}")
    if modality is not None and modality not in provider.makes:
        raise ValueError(f"the provider “{provider.name}” of the model “{name}” makes no {MAKES[modality]}")
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
