"""The command `models` as a process: data on stdout, narration on stderr, exit codes."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from models_support import write_folder, write_gguf, write_hub_model


def run_models(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "workbench", "models", *words]
    return subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)


def test_the_list_is_a_table_or_one_object(hub: Path) -> None:
    write_hub_model(hub, "acme/writer")
    plain = run_models()
    assert plain.returncode == 0
    for name in ("workbench-base", "smollm2-135m-instruct", "all-minilm-l6-v2", "hibari-heart", "acme/writer"):
        assert name in plain.stdout
    found = json.loads(run_models("list", "--json").stdout)
    assert found["best_writer"] == "acme/writer"
    assert {model["origin"] for model in found["models"]} >= {"shipped", "hub cache"}


def test_a_model_is_fetched_from_a_folder_and_its_path_printed(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "usb")
    (folder / "LICENSE").write_text("MIT License\n")
    got = run_models("get", "mine", "--from", str(folder))
    assert got.returncode == 0
    assert "Licence of mine: MIT." in got.stderr
    assert "Its text is in " in got.stderr
    path = run_models("path", "mine")
    assert path.stdout == got.stdout
    assert Path(path.stdout.strip(), "config.json").is_file()
    assert json.loads(run_models("path", "mine", "--json").stdout)["origin"] == "folder"


@pytest.mark.parametrize(
    ("words", "code", "expected"),
    [
        (("path", "minilm"), 2, "Did you mean “all-minilm-l6-v2”?"),
        (("get", "smollm"), 2, "Did you mean “smollm2-135m-instruct”?"),
        (("get", "acme/writer"), 1, "HF_HUB_OFFLINE forbids to ask the hub."),
        (("get", "mine", "--from", "/nowhere/at/all"), 2, "There is no folder"),
        (("get", "mine", "--from", ".", "--revision", "x"), 2, "--revision"),
        (("get", "\x1b[31mred"), 2, "“red” is no hub id"),
    ],
)
def test_an_error_is_two_sentences_with_its_exit_code(words: tuple[str, ...], code: int, expected: str) -> None:
    answer = run_models(*words)
    assert (answer.returncode, answer.stdout) == (code, "")
    assert expected in answer.stderr
    assert "Traceback" not in answer.stderr
    assert "\x1b" not in answer.stderr


def test_tuning_and_estimates_take_a_gguf_file_and_a_fetched_model(tmp_path: Path) -> None:
    from workbench.tuning.models import check_weights, resolve_model

    told: list[str] = []
    path = write_gguf(tmp_path / "tiny.gguf")
    reference = resolve_model(str(path), told.append)
    check_weights(reference)
    assert reference.folder is not None
    assert (reference.name, len(told)) == ("tiny.gguf", 1)
    words = ["estimate", "--model", str(path), "--method", "lora", "--gpu", "cpu", "--seq-len", "32", "--json"]
    answer = subprocess.run([sys.executable, "-m", "workbench", *words], capture_output=True, text=True)
    assert answer.returncode == 0, answer.stderr
    assert json.loads(answer.stdout)["rows"][0]["method"] == "lora"
    assert run_models("get", "tiny", "--from", str(path)).returncode == 0
    path.unlink()
    assert resolve_model("tiny").folder == reference.folder
