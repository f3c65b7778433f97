"""`workbench export`: layouts, trainers' configs, and folders that are never overwritten."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.datasets.conftest import TICKETS, Build, make_tickets
from workbench.cli.main import main
from workbench.datasets.layouts import list_layouts, write_rows
from workbench.datasets.training_rows import TrainingRow, render
from workbench.spec.model import TrainingConfig

SPLITS = "splits: {train: 0.8, validation: 0.1, test: 0.1}\n"
CHAT = (
    "training: {task: chat, messages: [{role: system, content: Sort.}, {role: user, content: '{{ said }}'}, "
    "{role: assistant, content: '{{ kind }}'}]}\n"
)
PAIR = "training: {task: prompt_completion, prompt: '{{ said }}', completion: ' {{ kind }}'}\n"
PREFERENCE = "training: {task: preference, prompt: '{{ said }}', chosen: '{{ kind }}', rejected: nothing}\n"
TEXT = "training: {task: text, text: '{{ said }}'}\n"
TARGETS = ["axolotl", "llamafactory", "trl", "unsloth", "hf"]


def read_lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def export(capsys: pytest.CaptureFixture[str], folder: Path, out: Path, *more: str) -> dict[str, Any]:
    assert main(["export", str(folder), "--out", str(out), "--json", *more]) == 0
    return dict(json.loads(capsys.readouterr().out))


@pytest.mark.parametrize("task", [CHAT, PAIR, PREFERENCE, TEXT], ids=["chat", "pair", "preference", "text"])
@pytest.mark.parametrize("target", TARGETS)
def test_every_task_is_exported_for_every_trainer(
    build: Build, capsys: pytest.CaptureFixture[str], tmp_path: Path, task: str, target: str
) -> None:
    folder, _, _ = build(TICKETS + task, make_tickets(50))
    result = export(capsys, folder, tmp_path / "out", "--to", target, "--model", "mine/model")
    assert set(result) == {"folder", "files", "rows"}
    assert list(result["rows"].values()) == [50]
    present = {
        path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*") if path.is_file()
    }
    assert set(result["files"]) == present
    texts = [(tmp_path / "out" / name).read_text() for name in present if name.endswith((".yaml", ".py"))]
    assert target == "hf" or any("mine/model" in text for text in texts)


def test_axolotl_reads_the_files_that_its_config_names(
    build: Build, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    folder, manifest, spec = build(TICKETS + SPLITS + CHAT, make_tickets(100))
    finish(folder, manifest, spec)
    out = tmp_path / "out"
    result = export(capsys, folder, out, "--to", "axolotl")
    config = yaml.safe_load((out / "axolotl.yaml").read_text())
    assert (config["adapter"], config["learning_rate"], config["lora_target_linear"]) == ("lora", 2e-4, True)
    data = config["datasets"][0]
    assert (data["type"], data["roles_to_train"], data["field_messages"]) == (
        "chat_template",
        ["assistant"],
        "messages",
    )
    rows = read_lines(out / data["path"])
    assert len(rows) == result["rows"][data["path"]] == 80
    assert [turn["role"] for turn in rows[0]["messages"]] == ["system", "user", "assistant"]
    assert len(read_lines(out / config["test_datasets"][0]["path"])) == 10


def test_llamafactory_finds_each_dataset_in_its_info(
    build: Build, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    folder, manifest, spec = build(TICKETS + SPLITS + PREFERENCE, make_tickets(100))
    finish(folder, manifest, spec)
    out = tmp_path / "out"
    export(capsys, folder, out, "--to", "llamafactory", "--model", "meta-llama/Llama-3.1-8B-Instruct")
    info = json.loads((out / "dataset_info.json").read_text())
    config = yaml.safe_load((out / "train.yaml").read_text())
    assert (config["stage"], config["template"], config["lora_target"]) == ("dpo", "llama3", "all")
    for name in (config["dataset"], config["eval_dataset"]):
        rows = read_lines(out / info[name]["file_name"])
        assert info[name]["ranking"]
        assert set(rows[0]) == set(info[name]["columns"].values())


@pytest.mark.parametrize(("task", "script"), [(CHAT, "sft"), (PREFERENCE, "dpo")])
def test_trl_data_and_config_are_what_the_library_reads(
    build: Build,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    task: str,
    script: str,
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    import datasets

    folder, manifest, spec = build(TICKETS + SPLITS + task, make_tickets(100))
    finish(folder, manifest, spec)
    out = tmp_path / "out"
    export(capsys, folder, out, "--to", "trl")
    config = yaml.safe_load((out / f"{script}.yaml").read_text())
    data = datasets.load_dataset(str(out / config["dataset_name"]), cache_dir=str(tmp_path / "cache"))
    assert data.num_rows == {"train": 80, "validation": 10, "test": 10}
    if script == "sft":
        assert [turn["role"] for turn in data["train"][0]["prompt"]] == ["system", "user"]
        assert data["train"][0]["completion"][0]["role"] == "assistant"


def test_the_script_for_unsloth_is_python(build: Build, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    folder, _, _ = build(TICKETS + CHAT, make_tickets(20))
    export(capsys, folder, tmp_path / "out", "--to", "unsloth", "--model", 'a"\nimport os #')
    tree = ast.parse((tmp_path / "out" / "train.py").read_text())
    assert "os" not in {name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names}


def test_a_folder_with_other_files_is_kept_and_an_earlier_export_replaced(
    build: Build, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    folder, _, _ = build(TICKETS + PAIR, make_tickets(20))
    out = tmp_path / "out"
    export(capsys, folder, out, "--format", "csv")
    export(capsys, folder, out, "--layout", "text")
    assert sorted(path.name for path in out.iterdir()) == ["export.json", "training-train.jsonl"]
    (out / "mine.txt").write_text("x")
    assert main(["export", str(folder), "--out", str(out), "--format", "csv"]) == 2
    assert (out / "mine.txt").read_text() == "x"
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".out")] == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--to", "axolotol"], "Did you mean “axolotl”"),
        (["--format", "xml"], "There is no format"),
        (["--layout", "preference"], "cannot give"),
        (["--layout", "messages", "--format", "csv"], "csv cannot hold"),
        ([], "Nothing says"),
    ],
)
def test_what_cannot_be_exported_is_explained(
    build: Build, capsys: pytest.CaptureFixture[str], tmp_path: Path, words: list[str], said: str
) -> None:
    folder, _, _ = build(TICKETS + PAIR, make_tickets(20))
    assert main(["export", str(folder), "--out", str(tmp_path / "out"), *words]) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_chat_of_several_turns_is_alpaca_with_history() -> None:
    roles = ["system", "user", "assistant", "user", "assistant"]
    training = TrainingConfig.model_validate(
        {"task": "chat", "messages": [{"role": role, "content": f"{n}"} for n, role in enumerate(roles)]}
    )
    import pandas as pd

    rows = render(training, pd.DataFrame({"x": [1]}))
    [record] = write_rows(training, "alpaca", rows).to_pylist()
    assert record == {"instruction": "3", "input": "", "output": "4", "system": "0", "history": [["1", "2"]]}
    assert "text" not in list_layouts(training)


def test_a_preference_has_a_better_and_a_worse_answer() -> None:
    training = TrainingConfig(task="preference", prompt="p", chosen="c", rejected="r")
    [record] = write_rows(training, "preference", [TrainingRow(prompt="p", chosen="c", rejected="r")]).to_pylist()
    assert record == {"prompt": "p", "chosen": "c", "rejected": "r"}


def finish(folder: Path, manifest: Any, spec: Any) -> None:
    from workbench.datasets.finishing import finish_dataset

    (folder / "manifest.json").write_text(finish_dataset(folder, manifest, spec).as_text())
