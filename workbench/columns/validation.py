"""`validation`: whether another column of the row holds good code, a text of a pattern, or valid JSON, and why not.

{name: code_ok, type: validation, target: code, language: python, checks: [parses, tests], tests: "{{ tests }}"}
{name: tidy, type: validation, target: note, check: pattern, pattern: "^[A-Z]"}
{name: valid, type: validation, target: answer, check: schema, schema: {type: object, required: [name]}}

The verdict is a struct of `passed` and `message`; a column of the type `field` takes one of them out, for a rule or a
filter. Code is executed only where `checks` says `runs` or `tests`, and never outside of the sandbox.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Literal, NoReturn

from pydantic import Field, field_validator, model_validator

from workbench.calls.failures import Rejected
from workbench.columns.answered import collect
from workbench.columns.column_type import Maker, Row, TableContext, register
from workbench.columns.generated import find_template_names
from workbench.columns.schemas import compile_check, plain_schema
from workbench.columns.streams import Draws
from workbench.columns.template import TemplateConfig
from workbench.columns.template import make as make_template
from workbench.columns.texts import matches
from workbench.columns.values import Values
from workbench.columns.writing import check_pattern
from workbench.files import clean_text
from workbench.spec.model import ColumnConfig, Name

CodeCheck = Literal["parses", "lints", "runs", "tests"]
Finding = tuple[bool, str]
"""Whether the value passed, and in one line why not."""
Judge = Callable[[Sequence[tuple[Any, Any]]], list[Finding]]
"""From values and the tests of each, None where there are none, to what was found."""

_MOST_CHARACTERS = 200
_NEEDS = {"code": "language", "pattern": "pattern", "schema": "schema"}

with warnings.catch_warnings():
    # Pydantic warns of the name, which was that of a method it has since renamed; the word for it is “schema”.
    warnings.simplefilter("ignore", UserWarning)

    class ValidationConfig(ColumnConfig):
        """Whether another column holds good code, a text of a pattern or valid JSON, and why not."""

        type: Literal["validation"]
        target: Name = Field(description="The column that is checked")
        check: Literal["code", "pattern", "schema"] = Field("code", description="What the target must be")
        language: str | None = Field(
            None, description="Language of the code, for instance python, javascript, sql or sql:postgres"
        )
        checks: Annotated[list[CodeCheck], Field(min_length=1)] = Field(
            default=["parses"], description="What the code must pass; runs and tests execute it in the sandbox"
        )
        tests: str | None = Field(
            None, description="Tests in the language of the code, in Jinja over columns of the row"
        )
        cpu_seconds: Annotated[int, Field(ge=1, le=600)] = Field(5, description="Processor time that code may use")
        memory_mb: Annotated[int, Field(ge=64, le=65_536)] = Field(512, description="Memory that code may use, in MiB")
        pattern: str | None = Field(None, description="Regular expression that the text must hold a match of")
        schema: dict[str, Any] | None = Field(  # type: ignore[assignment]
            None, description="JSON Schema that the JSON in the text must be valid under"
        )

        @field_validator("tests")
        @classmethod
        def validate_template(cls, template: str | None) -> str | None:
            if template is not None:
                find_template_names(template)
            return template

        @field_validator("pattern")
        @classmethod
        def validate_pattern(cls, pattern: str | None) -> str | None:
            return check_pattern(pattern)

        @model_validator(mode="after")
        def validate_what_belongs_together(self) -> ValidationConfig:
            for check, needed in _NEEDS.items():
                if check == self.check and getattr(self, needed) is None:
                    raise ValueError(f"a check of {check} needs “{needed}”")
                if check != self.check and getattr(self, needed) is not None:
                    raise ValueError(f"“{needed}” belongs to “check: {check}”")
            if ("tests" in self.checks) != (self.tests is not None):
                raise ValueError("“tests” must stand in “checks” and be given as well, or neither")
            return self

        def references(self) -> frozenset[str]:
            return frozenset({self.target}) | (find_template_names(self.tests) if self.tests else frozenset())


def make(config: ValidationConfig, context: TableContext) -> Maker:
    """A verdict a row, null where the target is.

    Raises ValueError where the target holds no texts, or this machine cannot do one of the checks: a verdict never
    depends on where it was made.
    """
    if context.makers[config.target].kind != "string":
        raise ValueError(f"“{config.target}” holds no texts")
    judge = {"code": _compile_code, "pattern": _compile_pattern, "schema": _compile_schema}[config.check](config)
    tests = None
    if config.tests is not None:
        tests = make_template(TemplateConfig(name=config.name, type="template", template=config.tests), context)

    def values(draws: Draws, inputs: Row) -> Values:
        texts: list[str | None] = inputs[config.target].to_list()
        written = [None] * len(texts) if tests is None else tests.values(draws, inputs).to_list()
        asked = [pair for pair in zip(texts, written, strict=True) if pair[0] is not None]
        unique = list(dict.fromkeys(asked))
        found = dict(zip(unique, judge(unique), strict=True))
        verdicts = [found.get(pair) for pair in zip(texts, written, strict=True)]
        return collect(
            "struct",
            [
                None if verdict is None else dict(zip(("passed", "message"), verdict, strict=True))
                for verdict in verdicts
            ],
        )

    return Maker("struct", values, members={"passed": "bool", "message": "string"})


def _compile_code(config: ValidationConfig) -> Judge:
    from workbench.sandbox.checking import CodeItem, check_many, find_missing
    from workbench.sandbox.isolation import find_isolation
    from workbench.sandbox.limits import MIB, Limits

    language = str(config.language)
    if reason := find_missing(language, config.checks):
        raise ValueError(reason)
    if reasons := find_isolation().reasons:
        raise ValueError(f"code cannot be kept apart on this machine: {'; '.join(reasons)}")
    limits = Limits(cpu_seconds=config.cpu_seconds, wall_seconds=_wait(config), memory_bytes=config.memory_mb * MIB)

    def judge(pairs: Sequence[tuple[Any, Any]]) -> list[Finding]:
        items = [CodeItem(code, language, tuple(config.checks), tests) for code, tests in pairs]
        return [(report.passed, report.message) for report in check_many(items, limits=limits)]

    return judge


def _wait(config: ValidationConfig) -> float:
    """The clock is for programs that wait; on a busy machine it must not come before the processor time."""
    return 10.0 + 5.0 * config.cpu_seconds


def _compile_pattern(config: ValidationConfig) -> Judge:
    pattern = str(config.pattern)

    def judge(pairs: Sequence[tuple[Any, Any]]) -> list[Finding]:
        return [(True, "") if matches(pattern, text) else (False, "no match of the pattern") for text, _ in pairs]

    return judge


def _compile_schema(config: ValidationConfig) -> Judge:
    check = compile_check(plain_schema(config.schema or {}))

    def judge(pairs: Sequence[tuple[Any, Any]]) -> list[Finding]:
        return [_judge_json(text, check) for text, _ in pairs]

    return judge


def _judge_json(text: str, check: Callable[[Any], None]) -> Finding:
    try:
        check(json.loads(text, parse_constant=_refuse_constant))
    except json.JSONDecodeError as error:
        return False, f"line {error.lineno}: it is no JSON: {error.msg}"
    except Rejected as error:
        plain = " ".join(clean_text(error.told, keep_newlines=True).split())
        return False, plain if len(plain) <= _MOST_CHARACTERS else plain[: _MOST_CHARACTERS - 1] + "…"
    except ValueError as error:  # NaN, or a number of more digits than Python reads
        return False, f"it is no JSON: {error}"
    except RecursionError:
        return False, "it is nested too deeply"
    return True, ""


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON")


register(
    ValidationConfig,
    make,
    group="checked",
    example='{name: tidy, type: validation, target: merchant, check: pattern, pattern: "^[A-Z]"}',
)
