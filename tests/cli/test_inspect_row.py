"""`inspect --row` and `inspect --training-content`: what they print, and what they refuse."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from workbench.cli.main import main

SPEC = """name: shop
seed: 4
sources: {real: {packaged: german_credit}}
tables:
  people:
    rows: 12
    primary_key: id
    columns:
      - {name: id, type: id}
      - {name: purpose, type: source, source: real}
      - {name: a_name_that_is_as_long_as_any_name_of_a_column_may_ever_be, type: bernoulli, p: 0.5}
  notes:
    foreign_keys: [{column: person, table: people, per_parent: 2}]
    columns:
      - {name: ok, type: bernoulli, p: 0.5}
      - {name: note, type: llm_text, prompt: "Write of parcels.", max_chars: 400, min_chars: 200}
    scenarios: [{name: fair, share: 0.5, set: {ok: true}}]
splits: {train: 0.5, test: 0.5}
"""


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("inspect_row")
    (root / "shop.yaml").write_text(SPEC)
    assert main(["generate", str(root / "shop.yaml"), "--workers", "1", "--workspace", str(root)]) == 0
    return root


@pytest.fixture
def call(workspace: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    def run(*words: str) -> tuple[int, str, str]:
        code = main(["inspect", "shop", *words, "--workspace", str(workspace)])
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


def test_a_row_is_shown_with_its_record_in_80_columns(call: Callable[..., tuple[int, str, str]]) -> None:
    shown = [call("--row", str(row), "--table", "notes") for row in range(24)]
    assert {code for code, _, _ in shown} == {0}
    text = "\n".join(out for _, out, _ in shown)
    assert max(map(len, text.splitlines())) <= 80
    assert "table notes, row 17, split t" in text
    assert "scenario fair: ok = True" in text
    assert "note: written by offline" in text
    assert "licence Apache-2.0" in text
    code, people, _ = call("--row", "0", "--table", "people")
    assert code == 0
    assert max(map(len, people.splitlines())) <= 80
    assert "of real" in people
    assert "UCI Machine Learning Repository" in people
    assert "seed 4, fingerprint " in people


def test_a_row_as_json_has_values_record_and_recipes(call: Callable[..., tuple[int, str, str]]) -> None:
    code, out, _ = call("--row", "3", "--table", "notes", "--json")
    told = json.loads(out)
    assert code == 0
    assert (told["table"], told["row"], told["number"]) == ("notes", 3, 3)
    assert told["values"]["note"]
    assert told["recipes"]["note"]["type"] == "llm_text"
    assert len(told["written"][0]["prompt"]) == 64
    assert told["split"] in ("train", "test")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--row", "24", "--table", "notes"), "numbered from 0 to 23"),
        (("--row", "-1", "--table", "notes"), "numbered from 0 to 23"),
        (("--row", "0", "--table", "note"), "has no table “note”"),
        (("--row", "0"), "Name one of them with --table"),
        (("--table", "notes"), "Add --row N"),
    ],
)
def test_what_does_not_exist_is_wrong_usage(
    call: Callable[..., tuple[int, str, str]], words: tuple[str, ...], told: str
) -> None:
    code, out, err = call(*words)
    assert (code, out) == (2, "")
    assert told in err


def test_no_dataset_is_wrong_usage(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", "--row", "1", "--workspace", str(workspace)]) == 2
    assert "of which dataset" in capsys.readouterr().err


def test_the_draft_of_the_training_content_is_printed(call: Callable[..., tuple[int, str, str]]) -> None:
    code, out, _ = call("--training-content")
    assert code == 0
    assert "**Draft, not legal advice.**" in out
    code, told, _ = call("--training-content", "--json")
    assert json.loads(told)["training_content"].rstrip("\n") == out.rstrip("\n")
