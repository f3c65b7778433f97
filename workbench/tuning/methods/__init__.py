"""Ways of tuning a model, one module each; the registry and what reads it are offered here by name."""

from workbench.tuning.methods.base import Method, MethodSettings, choose_learning_rate, count_steps
from workbench.tuning.methods.registry import METHODS, describe_methods, find_method, parse_settings

__all__ = [
    "METHODS",
    "Method",
    "MethodSettings",
    "choose_learning_rate",
    "count_steps",
    "describe_methods",
    "find_method",
    "parse_settings",
]
