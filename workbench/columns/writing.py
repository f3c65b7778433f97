"""How `llm_text` and `llm_code` ask a writer: requests row by row in one batch, answers cleaned and bounded."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Annotated

from pydantic import Field, field_validator, model_validator

from workbench.calls.asking import Accept
from workbench.calls.failures import Rejected
from workbench.columns.answered import Question, make_answered
from workbench.columns.answers import EMPTY_REASONS, clean_answer
from workbench.columns.column_type import Maker, Row, TableContext
from workbench.columns.generated import ColumnModel
from workbench.columns.prompts import PromptedConfig, compile_prompts
from workbench.columns.streams import Draws
from workbench.columns.texts import MAX_CHARACTERS, matches
from workbench.providers.requests import Answer

Accepts = Callable[[Draws, Row], list[Accept[str]]]


class WrittenConfig(PromptedConfig):
    """A column of texts that a model writes."""

    min_chars: Annotated[int, Field(ge=0, le=MAX_CHARACTERS)] = Field(0, description="A shorter answer counts as none")
    max_chars: Annotated[int, Field(ge=1, le=MAX_CHARACTERS)] = Field(
        2_000, description="A longer answer is cut here; longer code counts as none"
    )
    must_match: str | None = Field(
        None, description="Regular expression that a usable answer holds; another answer counts as none"
    )

    @field_validator("must_match")
    @classmethod
    def validate_pattern(cls, pattern: str | None) -> str | None:
        return check_pattern(pattern)

    @model_validator(mode="after")
    def validate_lengths(self) -> WrittenConfig:
        if self.min_chars > self.max_chars:
            raise ValueError(f"min_chars {self.min_chars} is above max_chars {self.max_chars}")
        return self


def make_written(
    config: WrittenConfig, context: TableContext, model: ColumnModel, accepts: Accepts, language: str | None = None
) -> Maker:
    """A maker of answers; `accepts` gives what reads that of each row, `language` is that of code."""
    prompts = compile_prompts(config, context)

    def ask(draws: Draws, inputs: Row) -> list[Question | None]:
        requests = [
            replace(request, min_chars=config.min_chars, max_chars=config.max_chars, language=language)
            for request in prompts.ask(draws, inputs)
        ]
        return list(zip(requests, accepts(draws, inputs), strict=True))

    return make_answered(config, context, model, ask)


def read_text(config: WrittenConfig, answer: Answer) -> str:
    """The answer without control characters and outer blanks, cut at `max_chars`. Raises Rejected; see `check_text`."""
    plain = clean_answer(answer.text)
    check_text(config, plain[: config.max_chars].rstrip(), answer)
    return plain[: config.max_chars].rstrip()


def check_text(config: WrittenConfig, plain: str, answer: Answer) -> None:
    """Raises Rejected where a cleaned answer is empty, too short, too long or not what `must_match` asks for."""
    if not plain:
        raise Rejected("empty answer", EMPTY_REASONS[answer.finish])
    if len(plain) > config.max_chars:
        raise Rejected("longer than max_chars", f"{len(plain):,} characters")
    if len(plain) < config.min_chars:
        raise Rejected("shorter than min_chars", f"{len(plain):,} characters: {plain}")
    if config.must_match is not None and not matches(config.must_match, plain):
        raise Rejected("does not match must_match", plain)


def check_pattern(pattern: str | None) -> str | None:
    """The pattern. Raises ValueError if it is no regular expression."""
    if pattern is not None:
        try:
            re.compile(pattern)
        except re.error as error:
            raise ValueError(f"it is no regular expression: {error}") from None
    return pattern
