"""`llm_code`: a program that a model writes to a prompt around other columns of the row.

{name: code, type: llm_code, language: python, prompt: "{{ exercise }}", checks: [parses, tests], tests: "{{ tests }}"}

A program that fails a check is asked for again. It is run for the checks `runs` and `tests` alone, and then only in
the sandbox: without a network, files or more time and memory than it is given.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from workbench.calls.asking import Accept
from workbench.calls.failures import Rejected
from workbench.columns.answers import clean_answer
from workbench.columns.column_type import Maker, Row, TableContext, register
from workbench.columns.generated import ColumnModel, compile_texts, find_template_names
from workbench.columns.streams import Draws
from workbench.columns.writing import WrittenConfig, check_text, make_written
from workbench.providers.requests import Answer
from workbench.sandbox.language import Check
from workbench.spec.problems import suggest


class LlmCodeConfig(WrittenConfig):
    """A program written by a model."""

    type: Literal["llm_code"]
    language: Annotated[str, Field(pattern=r"^[a-z][a-z0-9+#_-]{0,30}(:[a-z0-9_-]{1,30})?$")] = Field(
        "python", description="Programming language, for instance python, sql, sql:postgres or javascript"
    )
    checks: list[Check] = Field(
        [], description="What a program must pass, else it counts as none; runs and tests run it in the sandbox"
    )
    tests: str | None = Field(
        None, description="Tests in the same language, in Jinja over columns of the row; an empty text tests nothing"
    )
    cpu_seconds: Annotated[int, Field(ge=1, le=600)] = Field(5, description="Processor time that one check may take")

    @field_validator("tests")
    @classmethod
    def validate_tests(cls, tests: str | None) -> str | None:
        if tests is not None:
            find_template_names(tests)
        return tests

    @model_validator(mode="after")
    def validate_checks(self) -> LlmCodeConfig:
        if ("tests" in self.checks) != (self.tests is not None):
            raise ValueError("the check “tests” and the text “tests” belong together: give both or neither")
        return self

    def templates(self) -> tuple[str, ...]:
        return (*super().templates(), *([] if self.tests is None else [self.tests]))


def make(config: LlmCodeConfig, context: TableContext) -> Maker:
    """The answers of the column's model.

    Raises ValueError for a language that its provider does not know, or a check that cannot be done here.
    """
    model = ColumnModel(config, context, "code")
    plain = config.language.partition(":")[0]
    if model.languages and plain not in model.languages:
        hint = suggest(plain, model.languages).rstrip(".")
        raise ValueError(f"its model writes no “{plain}”. {hint}")
    if model.is_costly and not config.system_prompt:
        ask = f"You write {config.language}. Answer with one program in a code block, and nothing else."
        config = config.model_copy(update={"system_prompt": ask})
    if config.checks:
        from workbench.sandbox.checking import find_missing

        missing = find_missing(config.language, config.checks)
        if missing is not None:
            raise ValueError(missing)
    tests = compile_texts(config, config.tests or "", context)

    def accepts(draws: Draws, inputs: Row) -> list[Accept[str]]:
        return [_compile_accept(config, text) for text in tests(draws, inputs)]

    return make_written(config, context, model, accepts, plain if model.languages else config.language)


def _compile_accept(config: LlmCodeConfig, tests: str) -> Accept[str]:
    checks = tuple(check for check in config.checks if check != "tests" or tests.strip())

    def accept(answer: Answer) -> str:
        from workbench.sandbox.fences import strip_fences

        code = clean_answer(strip_fences(answer.text, config.language))
        check_text(config, code, answer)
        if checks:
            failed = _find_failed(code, config.language, checks, tests, config.cpu_seconds)
            if failed is not None:
                raise Rejected(*failed)
        return code

    return accept


@lru_cache(maxsize=4096)
def _find_failed(
    code: str, language: str, checks: tuple[Check, ...], tests: str, cpu_seconds: int
) -> tuple[str, str] | None:
    """The cause, and what was found, of the first check that code does not pass; None where it passes all.

    Verdicts depend on the code alone, and previews and blocks made again ask for the same ones.
    """
    from workbench.sandbox.checking import check_code
    from workbench.sandbox.limits import Limits

    report = check_code(code, language, checks, tests, Limits(cpu_seconds=cpu_seconds))
    failed = next((result for result in report.results if result.verdict != "passed"), None)
    return None if failed is None else (f"the code does not pass “{failed.check}”", failed.message)


register(
    LlmCodeConfig,
    make,
    group="generated",
    example='{name: code, type: llm_code, language: python, prompt: "Solve this exercise: reverse a string."}',
)
