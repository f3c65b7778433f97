"""Mistakes in `models:` are named before anything is made."""

import re

import pytest

from workbench.calls.session import Session
from workbench.providers.opening import read_config
from workbench.providers.registry import PROVIDERS
from workbench.spec.model import ModelConfig


def config(**fields: object) -> ModelConfig:
    return ModelConfig.model_validate(fields)


def test_a_column_without_a_model_uses_the_offline_provider() -> None:
    assert Session().open({}, None, "text").provider.languages == ("python", "javascript", "sql")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"provider": "offlin"}, "no provider “offlin”. Did you mean “offline”"),
        ({"provider": "offline", "modle": "x"}, "no field “modle”. Did you mean “model”"),
        ({"provider": "offline", "model": "gpt"}, "runs without a model"),
    ],
)
def test_a_wrong_model_is_refused_with_the_nearest_word(fields: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        read_config(config(**fields))


def test_a_model_that_the_spec_does_not_name_is_refused() -> None:
    with pytest.raises(ValueError, match="no model “writr” under “models”"):
        Session().open({"writer": config(provider="offline")}, "writr", "image")


def test_every_provider_says_what_it_is_and_makes_something() -> None:
    for _, provider in PROVIDERS.items():
        assert provider.summary.endswith(".")
        assert provider.makes
