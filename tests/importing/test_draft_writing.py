"""The YAML writer: whatever the texts hold, the reader of specs gives the same data back."""

import datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.importing.draft import Draft, DraftItem, DraftTable
from workbench.importing.writing import write_draft, write_item, write_value
from workbench.spec.yaml_nodes import load_plain

NASTY = [
    ": #{[", "- a", "true", "No", "null", "~", "", " ", "12:30", "0x1f", "1e5", ".5", "2026-01-01", "a: b",
    "a #b", "'", '"',
    "\\", "back\\slash", "new\nline", "\ttab", "trailing ", "🙂 emoji", "é", "\x00\x07\x1b[31m", "\x7f\x85\u2028\ufeff",
    "%percent", "@at", "`tick", "*alias", "&anchor", "!tag", "? key", "|", ">", "{{ name }}", "C{n:06d}",
    "=", "<<", "---",
    "x" * 10_000, "x" * 1_100 + ":", "...", "y",
]  # fmt: skip

texts = st.one_of(st.text(st.characters(exclude_categories=["Cs"])), st.sampled_from(NASTY))
scalars = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats(allow_nan=False), texts, st.dates()
)
keys = st.one_of(texts, st.integers(-100, 100), st.booleans())
data = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(keys, inner, max_size=4)),
    max_leaves=12,
)


def same(left: Any, right: Any) -> bool:
    """Equal and of equal types all the way down: 1, 1.0 and true are three things in YAML."""
    if isinstance(left, dict):
        return isinstance(right, dict) and same(list(left.items()), list(right.items()))
    if isinstance(left, list | tuple):
        return len(left) == len(right) and all(same(a, b) for a, b in zip(left, right, strict=True))
    return type(left) is type(right) and left == right


@given(st.lists(data, max_size=4))
@settings(deadline=None)
def test_data_on_one_line_reads_back_as_itself(value: list[Any]) -> None:
    written = write_value(value)
    assert "\n" not in written
    assert same(load_plain(written), value)


@given(
    st.dictionaries(st.from_regex(r"[a-z]{1,8}", fullmatch=True), data, min_size=1, max_size=5), texts, st.booleans()
)
@settings(deadline=None)
def test_an_entry_of_a_list_reads_back_as_itself_and_nothing_when_it_is_disabled(
    fields: dict[str, Any], comment: str, disabled: bool
) -> None:
    lines = write_item(DraftItem(fields, [comment], disabled), "  ")
    loaded = load_plain("columns:\n" + "\n".join(lines) + "\nend: 1\n")
    assert loaded["end"] == 1
    assert loaded["columns"] is None if disabled else same(loaded["columns"], [fields])


@pytest.mark.parametrize("text", NASTY, ids=range(len(NASTY)))
def test_nasty_texts_survive_as_values_keys_and_long_lists(text: str) -> None:
    fields = {"name": "x", "values": {text: 0.5, "other words": 0.25}, "list": [text] * 40}
    loaded = load_plain("\n".join(write_item(DraftItem(fields), "")))
    assert same(loaded, [fields])


def test_half_a_character_is_replaced_since_yaml_cannot_hold_it() -> None:
    assert load_plain(write_value("a\ud800b")) == "a\ufffdb"


def test_moments_are_written_as_yaml_writes_them() -> None:
    moment = datetime.datetime(2026, 1, 2, 3, 4, 5)
    assert load_plain(write_value(moment)) == moment


def test_prompts_of_several_lines_are_block_texts() -> None:
    prompt = "Write a note on {{ dx }}.\n\nBe short: at most 3 lines."
    lines = write_item(DraftItem({"name": "note", "type": "llm_text", "prompt": prompt}), "")
    assert "  prompt: |-" in lines
    assert load_plain("\n".join(lines))[0]["prompt"] == prompt


def test_no_line_of_a_spec_is_longer_than_120_characters_where_its_values_are_short() -> None:
    values = {f"value number {number}": 0.01 for number in range(40)}
    fields = {"name": "x", "type": "category", "given": "y", "values": {key: dict(values) for key in ("a", "b")}}
    table = DraftTable("data", 10, None, [], [DraftItem(fields), DraftItem({"name": "z", "values": values})])
    text = write_draft(Draft("name", "", [table]))
    assert max(map(len, text.splitlines())) <= 120
    loaded = load_plain(text)
    assert loaded["columns"] == [fields, {"name": "z", "values": values}]


def test_a_comment_stays_a_comment_whatever_it_holds() -> None:
    table = DraftTable("data", 10, None, [], [DraftItem({"name": "a"}, ["first\nsecond: [\x1b[2J", "x" * 5_000])])
    text = write_draft(Draft("n", "", [table], comments=["a\r\nrows: 5"]))
    assert load_plain(text) == {"version": 1, "name": "n", "seed": 7, "rows": 10, "columns": [{"name": "a"}]}
    assert "\x1b" not in text
