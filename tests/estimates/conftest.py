"""Models and methods that the tests of estimates share: real configs, real methods, nothing loaded."""

from collections.abc import Callable
from typing import Any

import pytest
from transformers import AutoConfig, LlamaConfig

from workbench.estimates.step import Prepare
from workbench.tuning.methods import find_method, parse_settings
from workbench.tuning.models import BASE_MODEL, resolve_model


@pytest.fixture
def base_config() -> Callable[[], Any]:
    """Makes the config of the shipped model."""
    return lambda: AutoConfig.from_pretrained(resolve_model(BASE_MODEL).location)


@pytest.fixture
def tiny_llama() -> Callable[..., Any]:
    """Makes the config of a small Llama with grouped heads."""

    def make(layers: int = 2, **changes: Any) -> Any:
        shape = {
            "hidden_size": 64,
            "intermediate_size": 160,
            "num_attention_heads": 4,
            "num_key_value_heads": 2,
            "vocab_size": 500,
            "max_position_embeddings": 512,
            "tie_word_embeddings": True,
        }
        return LlamaConfig(num_hidden_layers=layers, **(shape | changes))

    return make


@pytest.fixture
def make_prepare() -> Callable[..., Prepare]:
    """Makes what a real method of the registry does to a model."""

    def make(name: str, **settings: Any) -> Prepare:
        method, chosen = find_method(name), parse_settings(name, settings)
        return lambda model: method.apply(model, chosen)

    return make
