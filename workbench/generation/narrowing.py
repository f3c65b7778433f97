"""`range` by construction: the bounds of a sampler are cut to those of the constraint, so that no row breaks it."""

from __future__ import annotations

import math
from collections.abc import Sequence

from pydantic import ValidationError

from workbench.spec.constraints import RangeConfig
from workbench.spec.model import ColumnConfig, ConstraintConfig


def narrow_sampler(config: ColumnConfig, rules: Sequence[ConstraintConfig]) -> ColumnConfig:
    """The config with `min` and `max` as its range constraints have them, if it has these fields.

    Where nothing would be left of the distribution it stays as it is, and the rule is found to be impossible later.
    """
    fields = type(config).model_fields
    if not {"min", "max"} <= fields.keys():
        return config
    for rule in rules:
        if not isinstance(rule, RangeConfig) or rule.column != config.name:
            continue
        data = config.model_dump(exclude_unset=True)
        low, high = data.get("min"), data.get("max")
        whole = "int" in str(fields["min"].annotation)
        if rule.low is not None:
            bound = math.ceil(rule.low) if whole else rule.low
            data["min"] = bound if low is None else max(low, bound)
        if rule.high is not None:
            bound = math.floor(rule.high) if whole else rule.high
            data["max"] = bound if high is None else min(high, bound)
        try:
            config = type(config).model_validate(data)
        except ValidationError:
            continue
    return config
