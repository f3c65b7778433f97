"""`workbench estimate` in its own process: tables, `--json`, and exit codes."""

import json
from pathlib import Path

import pytest

from workbench.cli.estimate import split_methods
from workbench.cli.main import main
from workbench.errors import DONE, WRONG_USAGE


def test_json_has_a_row_for_each_method(capsys: pytest.CaptureFixture[str]) -> None:
    words = (
        "estimate --json --gpu H100 --batch-size 2 --seq-len 64 --checkpointing --method full,lora:rank=4,dropout=0.1"
    )
    assert main([*words.split(), "--set", "max_steps=10"]) == DONE
    answer = json.loads(capsys.readouterr().out)
    assert answer["device"] == "H100"
    assert [row["method"] for row in answer["rows"]] == ["full", "lora:rank=4,dropout=0.1"]
    assert all(row["cost_usd"] is not None for row in answer["rows"])


def test_tables_fit_eighty_columns_and_assumptions_go_to_stderr(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    words = (
        "estimate --model llama-3.1-8b --gpu H100 --batch-size 2 --seq-len 1024 --checkpointing --set max_steps=1000"
    )
    assert main([*words.split(), "--method", "full,lora,lora:rank=64"]) == DONE
    out, err = capsys.readouterr()
    assert "llama-3.1-8b on NVIDIA H100" in out
    assert max(map(len, out.splitlines())) <= 80
    assert [line.split()[1] for line in out.splitlines() if line.startswith(("full ", "lora"))][:3] == [
        "no",
        "yes",
        "yes",
    ]
    assert "roofline" in err
    assert "extrapolated" in err


def test_a_spec_gives_lengths_and_number_of_rows(capsys: pytest.CaptureFixture[str], sample_specs: Path) -> None:
    spec = str(sample_specs / "breast_cancer.yaml")
    assert main(["estimate", spec, "--json", "--method", "lora", "--gpu", "cpu", "--rate", "0.1"]) == DONE
    row = json.loads(capsys.readouterr().out)["rows"][0]
    assert row["steps"] > 10
    assert row["cost_usd"] > 0


@pytest.mark.parametrize(
    "words",
    [
        "--gpu H10",
        "--model nothing",
        "--method nothing",
        "--set rank",
        "--set nothing=1",
        "--batch-size 0",
        "--batch-size many",
        "--seq-len -4",
        "--rate -1",
        "no-such-dataset",
        "no-such-spec.yaml",
    ],
)
def test_a_wrong_argument_exits_2_with_a_sentence(
    words: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    try:
        code = main(["estimate", "--workspace", str(tmp_path), *words.split()])
    except SystemExit as stopped:  # argparse
        code = int(stopped.code or 0)
    out, err = capsys.readouterr()
    assert code == WRONG_USAGE
    assert err.strip()
    assert "Traceback" not in err
    assert not out


@pytest.mark.parametrize(
    ("text", "items"),
    [
        ("full", ["full"]),
        ("full, lora", ["full", "lora"]),
        ("lora:rank=2,dropout=0.1,full", ["lora:rank=2,dropout=0.1", "full"]),
        ("full,lora:rank=2", ["full", "lora:rank=2"]),
        (",", []),
    ],
)
def test_a_list_of_methods_is_split_around_their_settings(text: str, items: list[str]) -> None:
    assert split_methods(text) == items
