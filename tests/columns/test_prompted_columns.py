"""Few-shot examples, conversations, vectors and agreements: what is asked, and what becomes of the answers."""

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.columns.scripted import SOURCE, make_rows, make_scripted
from workbench.columns.column_type import Maker, TableContext
from workbench.columns.registry import COLUMNS
from workbench.columns.streams import Draws
from workbench.columns.values import Values, make_text_array
from workbench.providers.requests import Answer, Request, TextRequest, Turn
from workbench.spec.yaml_nodes import load_plain

EXAMPLES = "examples: {source: real, count: 3, prompt: '{{ title }}', answer: '{{ body }}'"
CHAT = "{name: chat, type: llm_conversation, opening: Hello., turns: 3, user: {system_prompt: Be rude.}}"


def list_requests(asked: list[Request]) -> list[TextRequest]:
    """The requests, all of texts."""
    return [request for request in asked if isinstance(request, TextRequest)]


@pytest.mark.parametrize("kind", ["llm_text", "llm_code"])
def test_examples_are_turns_of_real_rows_drawn_for_each_row(kind: str) -> None:
    maker, session = make_scripted(f"{{name: a, type: {kind}, prompt: x, {EXAMPLES}}}}}")
    make_rows(maker, 0, 30)
    histories = [request.history for request in list_requests(session.provider.asked)]
    for history in histories:
        assert [turn.role for turn in history] == ["user", "assistant"] * 3
        assert len({turn.content for turn in history}) == 6
        assert all(
            question.content.replace("title", "body") == answer.content
            for question, answer in zip(history[::2], history[1::2], strict=True)
        )
    shown = {turn.content for history in histories for turn in history[::2]}
    assert shown == set(SOURCE["title"])
    make_rows(maker, 12, 13)
    assert list_requests(session.provider.asked)[-1].history == histories[12]


def test_examples_can_be_the_same_for_all_rows() -> None:
    maker, session = make_scripted(f"{{name: a, type: llm_text, prompt: x, {EXAMPLES}, same: true}}}}")
    make_rows(maker, 0, 5)
    assert len({request.history for request in list_requests(session.provider.asked)}) == 1


def test_a_structured_example_answers_with_its_columns_of_the_schema() -> None:
    line = (
        "{name: a, type: llm_structured, prompt: x, examples: {source: real, count: 1, prompt: '{{ title }}'}, "
        "schema: {type: object, properties: {body: {type: string}, more: {type: string}}}}"
    )
    maker, session = make_scripted(line)
    make_rows(maker, 0, 1)
    history = list_requests(session.provider.asked)[0].history
    assert history[1].content == f'{{"body": "{history[0].content.replace("title", "body")}"}}'


@pytest.mark.parametrize(
    ("examples", "message"),
    [
        ("{source: real, prompt: '{{ titel }}', answer: x}", "Did you mean “title”"),
        ("{source: real, prompt: '{{ title }}'}", "need an answer"),
    ],
)
def test_examples_that_cannot_be_written_are_refused(examples: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make_scripted(f"{{name: a, type: llm_text, prompt: x, examples: {examples}}}")


def test_fences_around_code_are_taken_off_and_prose_keeps_them() -> None:
    text = "Here:\n```python\nprint(1)\n```"
    code, _ = make_scripted("{name: a, type: llm_code, prompt: x}", lambda request: Answer(text))
    prose, _ = make_scripted("{name: a, type: llm_text, prompt: x}", lambda request: Answer(text))
    assert make_rows(code, 0, 1).to_list() == ["print(1)"]
    assert make_rows(prose, 0, 1).to_list() == [text]


CHECKED = "{name: a, type: llm_code, prompt: x, checks: [parses, runs, tests], tests: 'assert double(2) == 4'}"


def test_a_program_that_fails_its_tests_is_asked_for_again() -> None:
    programs = iter(["def double(n): return n + 1", "def double(n): return n *", "def double(n):\n    return 2 * n"])
    maker, session = make_scripted(CHECKED, lambda request: Answer(f"```python\n{next(programs)}\n```"))
    assert make_rows(maker, 0, 1).to_list() == ["def double(n):\n    return 2 * n"]
    assert len(session.provider.asked) == 3


def test_a_program_that_never_passes_is_counted_with_the_check_that_it_failed() -> None:
    maker, session = make_scripted(CHECKED, lambda request: Answer("def double(n): return n + 1"))
    assert make_rows(maker, 0, 1).to_list() == [None]
    (failure,) = session.take_failures()
    assert failure.cause == "the code does not pass “tests”"


def test_code_is_not_run_unless_the_spec_asks_for_it(tmp_path: Path) -> None:
    code = f"open({str(tmp_path / 'made')!r}, 'w').write('x')\nwhile True: pass"
    maker, _ = make_scripted("{name: a, type: llm_code, prompt: x, checks: [parses]}", lambda request: Answer(code))
    assert make_rows(maker, 0, 1).to_list() == [code]
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize(
    ("rest", "message"),
    [
        ("checks: [tests]", "belong together"),
        ("tests: 'assert x'", "belong together"),
        ("checks: [compiles]", "Input should be"),
        ("language: klingon, checks: [parses]", "there is no language"),
    ],
)
def test_checks_that_cannot_be_done_are_refused(rest: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make_scripted(f"{{name: a, type: llm_code, prompt: x, {rest}}}")


def test_a_conversation_swaps_roles_for_the_played_user_and_tells_all_turns_before() -> None:
    said = iter(["A1", "U2", "A2", "U3", "A3"])
    maker, session = make_scripted(CHAT, lambda request: Answer(next(said)))
    (chat,) = make_rows(maker, 0, 1).to_list()
    assert [turn["role"] for turn in chat] == ["user", "assistant"] * 3
    assert [turn["content"] for turn in chat] == ["Hello.", "A1", "U2", "A2", "U3", "A3"]
    requests = list_requests(session.provider.asked)
    assert requests[2].prompt == "U2"
    assert requests[2].history == (Turn("user", "Hello."), Turn("assistant", "A1"))
    assert requests[1].prompt == "A1"
    assert requests[1].history[1:] == (Turn("assistant", "Hello."),)
    assert requests[1].system_prompt.startswith("Be rude.")
    assert len({request.seed for request in requests}) == 5


def test_a_conversation_ends_with_the_message_that_says_so() -> None:
    maker, _ = make_scripted(
        CHAT[:-1] + ", stop_when: '(?i)good ?bye'}",
        lambda request: Answer("Goodbye!" if isinstance(request, TextRequest) and request.prompt == "Hello." else "x"),
    )
    (chat,) = make_rows(maker, 0, 1).to_list()
    assert [turn["content"] for turn in chat] == ["Hello.", "Goodbye!"]


def test_a_conversation_that_breaks_off_is_null_and_counted() -> None:
    maker, session = make_scripted(
        CHAT, lambda request: Answer("" if isinstance(request, TextRequest) and len(request.history) > 2 else "x")
    )
    assert make_rows(maker, 0, 2).to_list() == [None, None]
    assert [failure.cause for failure in session.take_failures()] == ["empty answer"] * 2


def test_conversations_of_a_block_alone_are_those_of_the_whole(compile_line: Callable[..., Maker]) -> None:
    maker = compile_line(CHAT)
    whole = make_rows(maker, 0, 9).to_list()
    assert make_rows(maker, 4, 7).to_list() == whole[4:7]
    assert (maker.kind, maker.nested) == ("nested", ({"role": "string", "content": "string"},))


def test_vectors_have_a_length_of_one_and_like_texts_are_near(make: Callable[..., Values]) -> None:
    texts = ["the parcel is late", "my parcel was late", "a red circle", "", None]
    vectors = make("{name: a, type: embedding, target: t}", t=texts).to_list()
    assert vectors[3:] == [None, None]
    first, second, third = map(np.array, vectors[:3])
    assert math.isclose(first @ first, 1)
    assert first @ second > 0.3 > first @ third


def test_a_picture_agrees_with_its_own_caption_and_not_with_another() -> None:
    captions = ["two red circles on a blue background", "a green star on a white background", "a car at night", ""]
    texts = Values(make_text_array(captions))
    maker = Maker("string", lambda draws, inputs: texts)
    context = TableContext({"caption": maker})
    picture = make_column('{name: picture, type: image, prompt: "{{ caption }}", width: 96, height: 96}', context)
    draws = Draws(1, "table", "picture", np.arange(4))
    paths = picture.values(draws, {"caption": texts})
    others = TableContext({"caption": maker, "picture": picture}, session=context.session)
    own = make_column('{name: fits, type: agreement, image: picture, text: "{{ caption }}"}', others)
    wrong = make_column('{name: fits, type: agreement, image: picture, text: "a purple ring"}', others)
    assert own.values(draws, {"caption": texts, "picture": paths}).to_list() == [1.0, 1.0, 1.0, None]
    assert wrong.values(draws, {"picture": paths}).to_list() == [0.0, 0.0, 0.0, None]
    with pytest.raises(ValueError, match="holds no pictures"):
        make_column("{name: fits, type: agreement, image: caption, text: x}", context)


def make_column(line: str, context: TableContext) -> Maker:
    """The maker of a line within a context."""
    data = load_plain(line)
    column_type = COLUMNS.get(data["type"])
    assert column_type is not None
    return column_type.make(column_type.config.model_validate(data), context)
