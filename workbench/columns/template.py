"""`template`: a text around other columns of the row, in Jinja: `Dear {{ name }}, you owe {{ amount }}.`

A template that only substitutes names, as most do, is joined from whole columns; any other is rendered row by row.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator

from workbench.columns.column_type import Maker, Row, TableContext, register
from workbench.columns.streams import Draws
from workbench.columns.texts import join_texts
from workbench.columns.values import Values, make_text_array
from workbench.errors import WorkbenchError
from workbench.spec.model import ColumnConfig


class TemplateConfig(ColumnConfig):
    """A text written around other columns of the row."""

    type: Literal["template"]
    template: str = Field(description="Jinja, for instance: Dear {{ name }}, you owe {{ amount }}.")

    @field_validator("template")
    @classmethod
    def validate_template(cls, template: str) -> str:
        from workbench.columns.template_language.templates import find_names

        find_names(template)
        return template

    def references(self) -> frozenset[str]:
        from workbench.columns.template_language.templates import find_names

        return find_names(self.template)


def make(config: TemplateConfig, context: TableContext) -> Maker:
    """The template compiled once. Jinja is imported where a spec has a template, not with the list of types."""
    from workbench.columns.template_language.templates import CompiledTemplate, TemplateTextError

    template = CompiledTemplate(config.template)
    pieces = template.pieces

    def substitute(draws: Draws, inputs: Row) -> Values:
        texts = {name: inputs[name].to_text() for name in template.names}
        parts = [text if name is None else texts[name] for text, name in pieces or ()]
        return Values(make_text_array(join_texts(parts, len(draws))))

    def render(draws: Draws, inputs: Row) -> Values:
        names = sorted(template.names)
        lists = [inputs[name].to_list() for name in names]
        rows = zip(*lists, strict=True) if lists else ((),) * len(draws)
        texts = []
        for position, row in enumerate(rows):
            try:
                texts.append(template.render(dict(zip(names, row, strict=True))))
            except TemplateTextError as error:
                raise WorkbenchError(
                    f"The template of “{config.name}” cannot be written for row {draws.rows[position]}: {error}.",
                    "Change the template, for instance with “if”, so that it holds for these values.",
                ) from None
        return Values(make_text_array(texts))

    return Maker("string", render if pieces is None else substitute)


register(
    TemplateConfig,
    make,
    group="derived",
    example='{name: memo, type: template, template: "{{ merchant }}: {{ amount }} EUR"}',
)
