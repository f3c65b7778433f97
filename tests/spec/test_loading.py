"""Reading a spec: every problem has its line, its column and the nearest known word."""

from __future__ import annotations

import pytest

from workbench.spec.loading import LoadedSpec, load_spec, spec_json_schema
from workbench.spec.problems import Problem, format_path, suggest
from workbench.spec.reading import read_document
from workbench.synthesizers.registry import spec_types

BASE = """name: shop
seed: 3
rows: 10
columns:
  - {name: id, type: id}
"""


def load(text: str) -> LoadedSpec:
    return load_spec(text, spec_types())


def test_a_sound_spec_is_loaded() -> None:
    loaded = load(BASE)
    assert loaded.problems == []
    assert loaded.spec is not None
    assert loaded.spec.tables["shop"].rows == 10
    assert loaded.spec.seed == 3


def test_one_table_at_the_top_and_tables_mean_the_same() -> None:
    nested = "name: shop\nseed: 3\ntables:\n  shop:\n    rows: 10\n    columns:\n      - {name: id, type: id}\n"
    assert load(nested).spec == load(BASE).spec


# Each case: the spec, then line and column of the one problem, then words of its message or hint.
CASES: dict[str, tuple[str, int, int, str]] = {
    "unknown key": (BASE + "constrains: []\n", 6, 1, "“constraints”"),
    "unknown key in a column": (
        "name: a\nrows: 1\ncolumns:\n  - {name: x, type: normal, mean: 1, stddev: 1, std: 2}\n",
        4,
        49,
        "Did you mean “stddev”?",
    ),
    "missing field": ("name: a\nrows: 1\ncolumns:\n  - name: x\n    type: normal\n    mean: 1\n", 4, 5, "“stddev”"),
    "unknown type": ("name: a\nrows: 1\ncolumns:\n  - {name: x, type: nromal}\n", 4, 21, "“normal”"),
    "no type": ("name: a\nrows: 1\ncolumns:\n  - {name: x}\n", 4, 5, "“type:"),
    "wrong kind of value": ("name: a\nrows: ten\ncolumns: [{name: x, type: id}]\n", 2, 7, "“rows”"),
    "no rows": ("name: a\nrows: 0\ncolumns: [{name: x, type: id}]\n", 2, 7, "“rows”"),
    "no columns": ("name: a\nrows: 1\ncolumns: []\n", 3, 10, "“columns”"),
    "a path in the name": ("name: ../../etc\nrows: 1\ncolumns: [{name: x, type: id}]\n", 1, 7, "cannot be a name"),
    "a path in a column": ("name: a\nrows: 1\ncolumns: [{name: a/b, type: id}]\n", 3, 18, "cannot be a name"),
    "another version": (BASE + "version: 2\n", 6, 10, "version 1"),
    "a duplicate key": (BASE + "seed: 4\n", 6, 1, "twice"),
    "a bracket left open": ("name: [a\nrows: 1\n", 2, 5, "YAML"),
    "a tab": ("name: a\n\trows: 1\n", 2, 1, "spaces, not tabs"),
    "a tag": ("name: !!python/object:os.system x\n", 1, 7, "not allowed"),
    "half a character": ('name: "a\\ud800"\n', 1, 11, "escape"),
    "half a character as a key": ('name: a\n"\\udc00": 1\n', 2, 4, "escape"),
    "a list": ("- a\n- b\n", 1, 1, "mapping"),
    "nothing": ("", 1, 1, "empty"),
    "a comment alone": ("# nothing\n", 1, 1, "empty"),
    "a number": ("3\n", 1, 1, "mapping"),
    "an impossible range": (BASE + "constraints:\n  - {type: range, column: id, low: 3, high: 2}\n", 7, 5, "no value"),
    "a task without its template": (BASE + "training: {task: chat, text: x}\n", 6, 11, "messages"),
    "a source of two origins": (BASE + "sources:\n  r: {path: a.csv, packaged: b}\n", 7, 6, "either"),
}


@pytest.mark.parametrize(("text", "line", "column", "words"), CASES.values(), ids=list(CASES))
def test_a_problem_has_its_place_and_a_hint(text: str, line: int, column: int, words: str) -> None:
    loaded = load(text)
    assert loaded.spec is None
    assert [(problem.line, problem.column) for problem in loaded.problems] == [(line, column)], loaded.problems
    assert words in f"{loaded.problems[0].message} {loaded.problems[0].hint}"


def test_problems_stand_in_order_and_are_all_found() -> None:
    text = "name: a b\nrows: -1\nsed: 3\ncolumns:\n  - {name: x, type: nope}\n  - {name: y, type: bernoulli}\n"
    assert [problem.line for problem in load(text).problems] == [1, 2, 3, 5, 6]


def test_a_billion_laughs_are_stopped() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    loaded = load("\n".join(lines))
    assert loaded.spec is None
    assert any("too large" in problem.message for problem in loaded.problems)


def test_a_deep_nest_and_a_huge_text_are_stopped() -> None:
    for text in ["[" * 200_000, "a: " * 300, "- " * 3000, "{a: " * 400 + "1" + "}" * 400, "#" * 3_000_000]:
        loaded = load(text)
        assert loaded.spec is None
        assert all(problem.line == 1 and problem.column >= 1 for problem in loaded.problems)
        assert loaded.problems


def test_yaml_1_2_words_are_texts_and_numbers_as_expected() -> None:
    data = read_document("a: no\nb: 010\nc: 1e3\nd: 2026-01-01\ne: true\nf: ~\n").data
    assert data["a"] == "no"
    assert data["e"] is True
    assert data["f"] is None


def test_a_text_of_dashes_is_a_problem_and_no_stack_overflow() -> None:
    assert "nests too deeply" in read_document("- " * 100_000 + "a").problems[0].message


def test_paths_read_as_written() -> None:
    assert format_path(("tables", "a", "columns", 0, "p")) == "tables.a.columns[0].p"
    assert format_path(()) == ""


def test_a_located_problem_has_the_path_as_the_user_wrote_it() -> None:
    loaded = load(BASE)
    problem = loaded.locate(Problem("x", path=("tables", "shop", "columns", 0, "type")))
    assert (problem.path, problem.line, problem.column) == (("columns", 0, "type"), 5, 16)


def test_suggestions_name_the_nearest_word_or_the_few_there_are() -> None:
    assert suggest("nromal", ["normal", "uniform"]) == "Did you mean “normal”?"
    assert suggest("zzz", ["normal", "uniform"]) == "Known: normal, uniform."
    assert suggest("zzz", []) == ""


def test_the_schema_knows_every_column_type_and_both_forms() -> None:
    schema = spec_json_schema(spec_types())
    columns = schema["$defs"]["TableConfig"]["properties"]["columns"]["items"]
    assert set(columns["discriminator"]["mapping"]) == set(spec_types().columns)
    assert "columns" in schema["properties"]
    assert "tables" in schema["properties"]
