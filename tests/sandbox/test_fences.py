"""Code out of a model's answer."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.sandbox.fences import strip_fences

LANGUAGES = st.sampled_from(["python", "sql", "sql:postgres", "javascript", "cobol", ""])


def test_the_block_of_the_language_is_taken_out_of_the_prose() -> None:
    answer = "Sure! Here it is:\n\n```python\ndef f():\n    return 1\n```\nHope that helps."
    assert strip_fences(answer, "python") == "def f():\n    return 1"


@pytest.mark.parametrize("name", ["py", "Python", "python3", "python title=x"])
def test_a_language_has_several_names(name: str) -> None:
    assert strip_fences(f"```{name}\nx = 1\n```", "python") == "x = 1"


def test_the_longest_block_of_the_language_wins_over_others() -> None:
    answer = "```bash\npip install all-there-is\n```\n```js\na()\n```\n```js\nlonger()\n```\n```\nnone at all\n```"
    assert strip_fences(answer, "javascript") == "longer()"


def test_a_block_without_a_language_is_taken_where_none_names_it() -> None:
    assert strip_fences("Run\n```sh\nls -la /a/very/long/path\n```\n```\nSELECT 1\n```", "sql") == "SELECT 1"


def test_blocks_of_other_languages_alone_leave_the_text_as_it_is() -> None:
    text = "```html\n<p>\n```"
    assert strip_fences(text, "python") == text


def test_a_block_that_was_cut_ends_with_the_text() -> None:
    assert strip_fences("```sql\nSELECT 1,\n", "sql") == "SELECT 1,\n"


def test_tildes_longer_fences_and_indents_are_fences_too() -> None:
    assert strip_fences("~~~~py\nx = '''\n```\n'''\n~~~~~", "python") == "x = '''\n```\n'''"
    assert strip_fences("1. Do\n   ```py\n   if x:\n       y()\n   ```", "python") == "if x:\n    y()"
    assert strip_fences("```py\r\nx = 1\r\n```\r\n", "python") == "x = 1\r"


def test_a_fence_in_an_indented_comment_of_code_is_no_fence() -> None:
    code = 'def f():\n    """Use it so:\n\n    ```python\n    f()\n    ```\n    """\n    return 1'
    assert strip_fences(code, "python") == code


def test_a_fence_within_a_line_is_no_fence() -> None:
    text = "Use ```x``` here\n```x``` and there"
    assert strip_fences(text, "python") == text


@given(
    text=st.text() | st.lists(st.sampled_from(["```", "~~~", "python", "\n", " ", "x", "`"])).map("".join),
    language=LANGUAGES,
)
def test_it_never_fails_and_gives_a_part_of_the_text(text: str, language: str) -> None:
    found = strip_fences(text, language)
    assert len(found) <= len(text)


@given(text=st.text(alphabet=st.characters(exclude_characters="`~")), language=LANGUAGES)
def test_plain_code_stays_as_it_is(text: str, language: str) -> None:
    assert strip_fences(text, language) == text


@given(code=st.text(alphabet=st.characters(exclude_characters="`~")), before=st.sampled_from(["", "Here:\n", "\n\n"]))
def test_what_is_put_between_fences_comes_out(code: str, before: str) -> None:
    assert strip_fences(f"{before}```python\n{code}\n```\nDone.", "python") == code
