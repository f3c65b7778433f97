"""How `llm_text` and `llm_code` ask a writer: requests row by row in one batch, answers cleaned and bounded."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import Field, field_validator, model_validator

from workbench.columns.column_type import Maker, Row, TableContext
from workbench.columns.generated import GeneratedConfig, compile_skip, compile_texts, find_template_names, spread
from workbench.columns.streams import Draws
from workbench.columns.texts import MAX_CHARACTERS
from workbench.columns.values import Values
from workbench.providers.provider import TextRequest, Writer

_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_LINE_ENDS = re.compile("\r\n?|[\u2028\u2029]")


class WrittenConfig(GeneratedConfig):
    """A column of texts that a model writes."""

    prompt: Annotated[str, Field(min_length=1)] = Field(description="What is asked, in Jinja over columns of the row")
    system_prompt: str = Field("", description="What the model is told before, in Jinja over columns of the row")
    min_chars: Annotated[int, Field(ge=0, le=MAX_CHARACTERS)] = Field(
        0, description="A shorter answer counts as none: the row gets null"
    )
    max_chars: Annotated[int, Field(ge=1, le=MAX_CHARACTERS)] = Field(
        2_000, description="A longer answer is cut here; longer code counts as none"
    )

    @field_validator("prompt", "system_prompt")
    @classmethod
    def validate_template(cls, template: str) -> str:
        find_template_names(template)
        return template

    @model_validator(mode="after")
    def validate_lengths(self) -> WrittenConfig:
        if self.min_chars > self.max_chars:
            raise ValueError(f"min_chars {self.min_chars} is above max_chars {self.max_chars}")
        return self

    def templates(self) -> tuple[str, ...]:
        return (self.prompt, self.system_prompt)


def make_written(config: WrittenConfig, context: TableContext, writer: Writer, language: str | None) -> Maker:
    """A maker of answers; `language` is that of code, None for prose."""
    prompts = compile_texts(config, config.prompt, context)
    system_prompts = compile_texts(config, config.system_prompt, context)
    is_asked = compile_skip(config, context)

    def values(draws: Draws, inputs: Row) -> Values:
        asked = is_asked(draws, inputs)
        chosen, rows = draws.select(asked), {name: column.take(asked) for name, column in inputs.items()}
        requests = [
            TextRequest(prompt, seed, system, config.min_chars, config.max_chars, language)
            for prompt, system, seed in zip(
                prompts(chosen, rows), system_prompts(chosen, rows), chosen.bits().tolist(), strict=True
            )
        ]
        answers = iter(writer.write(requests) if requests else ())
        skipped = None if config.skip is None else config.skip.value
        cuts = language is None
        return spread([_finish(config, next(answers).text, cuts=cuts) if said else skipped for said in asked.tolist()])

    return Maker("string", values)


def _finish(config: WrittenConfig, text: str, *, cuts: bool) -> str | None:
    """The answer without control characters and outer blanks; None if it is too short, or too long and not to be cut.

    A program without its end would be worth nothing.
    """
    plain = _CONTROL.sub("", _LINE_ENDS.sub("\n", text)).strip()
    if len(plain) > config.max_chars:
        plain = plain[: config.max_chars].rstrip() if cuts else ""
    return plain if len(plain) >= max(config.min_chars, 1) else None
