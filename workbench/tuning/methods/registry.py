"""All tuning methods by name, their description for screens and `--json`, and settings from what a user typed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from workbench.errors import UsageError
from workbench.files import clean_text
from workbench.spec.problems import suggest
from workbench.spec.registry import Registry
from workbench.tuning.methods.base import LARGE, Method, MethodSettings, choose_learning_rate
from workbench.tuning.methods.full import FULL
from workbench.tuning.methods.lora import LORA

METHODS: Registry[Method] = Registry("workbench.methods")
for _method in (FULL, LORA):
    METHODS.add(_method.name, _method)


def find_method(name: str) -> Method:
    """The method of that name. Raises `UsageError` with the nearest name."""
    method = METHODS.get(name)
    if method is None:
        raise UsageError(f"There is no method “{clean_text(name)}”.", suggest(name, METHODS.names()))
    return method


def parse_settings(method: str, values: Mapping[str, Any]) -> MethodSettings:
    """Settings of `method` from texts or values, its defaults for the rest.

    “none” stands for a setting that is left out. Raises `UsageError` for an unknown method or setting (with the
    nearest name) and for a value that cannot be.
    """
    settings = find_method(method).settings
    known = settings.model_fields
    for name in values:
        if name not in known:
            raise UsageError(f"{method} has no setting “{clean_text(name)}”.", suggest(name, known))
    given = {name: None if value in ("none", "None") else value for name, value in values.items()}
    try:
        return settings.model_validate(given)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        name = str(first["loc"][0])
        raise UsageError(
            f"The setting {name} cannot be “{clean_text(str(values[name]))}”: {_explain(first['msg'])}.",
            known[name].description or f"Its default is {known[name].default}.",
        ) from error


def describe_methods(parameters: int = LARGE) -> dict[str, Any]:
    """Every method with its facts and defaults; the learning rate is that for a model of `parameters`."""
    return {"methods": [_describe(method, parameters) for _, method in METHODS.items()]}


def _describe(method: Method, parameters: int) -> dict[str, Any]:
    defaults = method.settings().model_dump(mode="json")
    described = {name: field.description for name, field in method.settings.model_fields.items() if field.description}
    return {
        "name": method.name,
        "group": method.group,
        "trainable": method.trainable,
        "checkpointing": method.checkpointing,
        "four_bit": method.four_bit,
        "mergeable": method.mergeable,
        "defaults": defaults | {"learning_rate": choose_learning_rate(method, parameters)},
        "settings": described,
        "advice": method.advice,
    }


def _explain(message: str) -> str:
    text = message.removeprefix("Value error, ").removeprefix("Input should be ")
    return f"it should be {text}" if message.startswith("Input should be ") else text[:1].lower() + text[1:]
