"""`expression`: computed from other columns of the row, for example `round(amount / balance, 3)`.

Arithmetic (+ - * / // % **), comparison, and / or / not, `in`, `a if c else b`, and the functions of
`expression_language.functions`. What has no result (a division by zero, the logarithm of 0) is null.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import Field, field_validator

from workbench.columns.column_type import Maker, Row, TableContext, register
from workbench.columns.expression_language.compiling import compile_expression
from workbench.columns.expression_language.parsing import find_names, parse_expression
from workbench.columns.streams import Draws
from workbench.columns.values import DTYPES, Values
from workbench.spec.model import ColumnConfig


class ExpressionConfig(ColumnConfig):
    """Computed from other columns of the row."""

    type: Literal["expression"]
    expression: str = Field(description="For instance: round(amount / balance, 3) if balance > 0 else 0.0")

    @field_validator("expression", mode="before")
    @classmethod
    def validate_expression(cls, expression: object) -> object:
        """A number or true alone is an expression too; YAML does not give it as a text."""
        if isinstance(expression, (bool, int, float)):
            expression = str(expression)
        if isinstance(expression, str):
            parse_expression(expression)
        return expression

    def references(self) -> frozenset[str]:
        return find_names(parse_expression(self.expression))


def make(config: ExpressionConfig, context: TableContext) -> Maker:
    """The expression compiled once; it is computed for all rows at a time."""
    kinds = {name: maker.kind for name, maker in context.makers.items()}
    operand = compile_expression(parse_expression(config.expression), kinds)
    dtype = DTYPES[operand.kind]

    def values(draws: Draws, inputs: Row) -> Values:
        result = operand.evaluate(inputs, len(draws))
        return Values(np.ascontiguousarray(result.data, dtype), result.valid)

    return Maker(operand.kind, values)


register(
    ExpressionConfig,
    make,
    group="derived",
    example='{name: burden, type: expression, expression: "round(amount / balance, 3)"}',
)
