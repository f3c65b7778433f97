"""`new --from-datadesigner` and `--from-sdv`, on files that those tools wrote themselves."""

import json
from pathlib import Path
from typing import Any

import pytest

from workbench.errors import UsageError
from workbench.generation.check import check_text
from workbench.importing.datadesigner import convert_config
from workbench.importing.draft import Draft
from workbench.importing.reading import read_plain
from workbench.importing.sdv import convert_metadata
from workbench.importing.settling import settle_draft
from workbench.spec.loading import load_spec
from workbench.spec.yaml_nodes import load_plain
from workbench.synthesizers.registry import spec_types

FIXTURES = Path(__file__).parent / "fixtures"


def settle(draft: Draft, folder: Path) -> str:
    return settle_draft(draft, lambda text: check_text(text, folder).problems)


def test_a_datadesigner_config_becomes_a_spec_without_errors_and_loses_no_column(tmp_path: Path) -> None:
    config = read_plain(FIXTURES / "data_designer.yaml")
    text = settle(convert_config("ward", config), tmp_path)
    assert [each for each in check_text(text, tmp_path).problems if each.level == "error"] == []
    for column in config["data_designer"]["columns"]:
        assert f"name: {column['name']}" in text


def test_samplers_expressions_and_constraints_are_converted(tmp_path: Path) -> None:
    text = settle(convert_config("ward", read_plain(FIXTURES / "data_designer.yaml")), tmp_path)
    spec = load_plain(text)
    columns = {each["name"]: each for each in spec["columns"]}
    assert columns["dept"] == {"name": "dept", "type": "category", "values": ["er", "onc"], "weights": [0.7, 0.3]}
    assert columns["dx"]["given"] == "dept"
    assert columns["age"]["expression"] == "age_case_1 if (dept == 'onc') else age_otherwise"
    assert columns["visits"]["drop"] is True
    assert columns["headline"]["type"] == "template"
    assert {"type": "expression", "expression": "age < 100"} in spec["constraints"]


def test_what_cannot_be_converted_is_a_comment_and_counted() -> None:
    config = {"columns": [{"name": "a", "column_type": "custom", "generator_function": "f"},
                          {"name": "b", "column_type": "sampler", "sampler_type": "uniform",
                          "params": {"low": 0, "high": 1}}]}  # fmt: skip
    draft = convert_config("x", config)
    assert draft.notes[0] == "1 column could not be converted: a."
    text = settle_draft(draft, lambda text: [])
    assert "# - {name: a, column_type: custom, generator_function: f}" in text
    assert [each["name"] for each in load_plain(text)["columns"]] == ["b"]


def test_sdv_metadata_of_two_tables_becomes_a_spec_with_a_foreign_key() -> None:
    text = settle_draft(convert_metadata("shop", read_plain(FIXTURES / "sdv_v2.json")), lambda text: [])
    assert load_spec(text, spec_types()).problems == []
    tables = load_plain(text)["tables"]
    assert tables["cards"]["columns"][0] == {"name": "card_id", "type": "id", "pattern": "C{n:06d}"}
    assert tables["transactions"]["foreign_keys"][0]["table"] == "cards"


def test_sdv_metadata_of_one_table_in_its_first_format_names_what_it_does_not_say() -> None:
    metadata = {"METADATA_SPEC_VERSION": "SINGLE_TABLE_V1", "primary_key": "id", "columns": {
        "id": {"sdtype": "id"}, "x": {"sdtype": "numerical", "computer_representation": "Int64"},
        "mail": {"sdtype": "email", "pii": True}, "odd": {"sdtype": "nothing_known"}}}  # fmt: skip
    draft = convert_metadata("one", metadata)
    text = settle_draft(draft, lambda text: [])
    columns = {each["name"]: each for each in load_plain(text)["columns"]}
    assert columns["mail"]["method"] == "email"
    assert "odd" not in columns
    assert "# - {name: odd" in text
    assert any("odd" in note for note in draft.notes)
    assert any("table.x" in note or ".x" in note for note in draft.notes)


@pytest.mark.parametrize("content", [None, [], {}, {"columns": 5}, {"columns": [5]}, {"tables": {"a": {}}}, "text"])
def test_files_of_something_else_are_refused_with_two_sentences(content: Any) -> None:
    for convert in (convert_config, convert_metadata):
        with pytest.raises(UsageError):
            convert("x", content)


def test_damaged_files_are_refused_with_their_place(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps({"a": 1})[:-1])
    (tmp_path / "a.yaml").write_text("a: [1")
    for name in ("a.json", "a.yaml", "missing.json"):
        with pytest.raises(UsageError):
            read_plain(tmp_path / name)
