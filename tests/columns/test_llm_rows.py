"""Tables by a language model: a batch per call, real rows shown, and no row that depends on its block."""

import json
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from tests.columns.scripted import make_rows, make_scripted
from workbench.columns.column_type import Maker
from workbench.columns.streams import Draws
from workbench.providers.requests import Answer, Request, TextRequest

FIELDS = "fields: {age: {type: integer, minimum: 0, maximum: 100}, sex: {enum: [female, male]}}"
LINE = f"{{name: patient, type: llm_rows, prompt: Invent patients., batch: 4, {FIELDS}}}"
REAL = pd.DataFrame({"age": range(30), "sex": ["female", "male"] * 15, "secret": ["hidden"] * 30})


def write_rows(rows: list[dict[str, object]]) -> Callable[[Request], Answer]:
    """A script that always answers these rows."""
    return lambda request: Answer(json.dumps({"rows": rows}))


def test_rows_of_any_block_are_those_of_the_whole(compile_line: Callable[..., Maker]) -> None:
    maker = compile_line(LINE)
    assert (maker.kind, maker.members) == ("struct", {"age": "int64", "sex": "string"})
    whole = make_rows(maker, 0, 22).to_list()
    assert make_rows(maker, 6, 13).to_list() == whole[6:13]
    assert make_rows(maker, 9, 10).to_list() == whole[9:10]
    assert all(0 <= row["age"] <= 100 and row["sex"] in ("female", "male") for row in whole)


def test_one_call_makes_a_batch() -> None:
    maker, session = make_scripted(LINE)
    make_rows(maker, 2, 11)
    assert len(session.provider.asked) == 3


def test_real_rows_are_shown_but_only_of_the_fields_and_others_to_each_call() -> None:
    maker, session = make_scripted(LINE[:-1] + ", source: real, examples: 3}", source=REAL)
    make_rows(maker, 0, 12)
    prompts = [request.prompt for request in session.provider.asked if isinstance(request, TextRequest)]
    assert all(prompt.count('"age"') == 3 and "hidden" not in prompt for prompt in prompts)
    assert len(set(prompts)) == 3


@pytest.mark.parametrize(
    ("rows", "cause"),
    [
        ([{"age": 1, "sex": "male"}], "fewer rows than asked for"),
        ([{"age": n, "sex": "other"} for n in range(4)], "not valid under the schema"),
        ([{"age": 1, "sex": "male"}] * 4, "the same rows again and again"),
    ],
)
def test_a_batch_that_cannot_be_used_fails_as_a_whole(rows: list[dict[str, object]], cause: str) -> None:
    maker, session = make_scripted(LINE[:-1] + ", retries: 1, on_failure: drop}", write_rows(rows))
    assert make_rows(maker, 3, 6).to_list() == [None] * 3
    assert {failure.cause for failure in session.take_failures()} == {cause}
    assert maker.find_lost is not None
    assert maker.find_lost(Draws(1, "table", "column", np.arange(3, 6))).all()


def test_a_batch_of_copies_of_the_rows_shown_is_rejected() -> None:
    def copy(request: Request) -> Answer:
        assert isinstance(request, TextRequest)
        shown = [json.loads(line) for line in request.prompt.splitlines() if line.startswith("{")]
        return Answer(json.dumps({"rows": [*shown, {"age": 99, "sex": "male"}]}))

    maker, session = make_scripted(LINE[:-1] + ", source: real, examples: 3}", copy, source=REAL)
    assert make_rows(maker, 0, 4).to_list() == [None] * 4
    assert {failure.cause for failure in session.take_failures()} == {"copies of the examples shown"}


@pytest.mark.parametrize(
    ("rest", "message"),
    [
        ("prompt: 'Invent {{ topic }}.'", "one call makes several rows"),
        ("prompt: x, examples: 3", "examples need a source"),
        ("prompt: x, source: real, fields: {size: {type: number}}", "has none of the fields"),
        ("prompt: x, fields: {size: {type: numbr}}", "no JSON Schema"),
    ],
)
def test_what_cannot_work_is_refused_before_a_row_is_made(rest: str, message: str) -> None:
    fields = "" if "fields" in rest else f", {FIELDS}"
    with pytest.raises(ValueError, match=message):
        make_scripted(f"{{name: a, type: llm_rows, {rest}{fields}}}", source=REAL)
