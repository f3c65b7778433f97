"""Which columns a constraint of the spec names, and its name in reports: for making rows and for checking them."""

from __future__ import annotations

from workbench.columns.expression_language.parsing import find_names, parse_expression
from workbench.spec.constraints import (
    ExpressionRuleConfig,
    FixedCombinationsConfig,
    FixedIncrementsConfig,
    InequalityConfig,
    NearUniqueConfig,
    OneHotConfig,
    RangeConfig,
    UniqueConfig,
)
from workbench.spec.model import ConstraintConfig
from workbench.spec.problems import Path


def find_columns(config: ConstraintConfig) -> list[tuple[Path, str]]:
    """The columns that a constraint names, each with the path of its name inside the constraint."""
    if isinstance(config, InequalityConfig):
        return [(("low",), config.low), (("high",), config.high)]
    if isinstance(config, (RangeConfig, FixedIncrementsConfig, NearUniqueConfig)):
        return [(("column",), config.column)]
    if isinstance(config, ExpressionRuleConfig):
        try:
            names = find_names(parse_expression(config.expression))
        except ValueError:
            return []  # compiling it says why
        return [(("expression",), name) for name in sorted(names)]
    return [(("columns", position), name) for position, name in enumerate(config.columns)]


def describe_constraint(config: ConstraintConfig) -> str:
    """The constraint in a few words, as reports name it."""
    if isinstance(config, InequalityConfig):
        return f"{config.low} {'<' if config.strict else '<='} {config.high}"
    if isinstance(config, RangeConfig):
        low = "" if config.low is None else f"{config.low:g} <= "
        high = "" if config.high is None else f" <= {config.high:g}"
        return f"{low}{config.column}{high}"
    if isinstance(config, FixedIncrementsConfig):
        return f"{config.column} in steps of {config.increment:g}"
    if isinstance(config, ExpressionRuleConfig):
        return config.expression
    if isinstance(config, NearUniqueConfig):
        measure = "" if config.measure == "ngram" else " by meaning"
        return f"near_unique {config.column}{measure} (at most {config.limit:g} alike)"
    words = {FixedCombinationsConfig: "combinations of", UniqueConfig: "unique", OneHotConfig: "one of"}
    return f"{words[type(config)]} {', '.join(config.columns)}"
