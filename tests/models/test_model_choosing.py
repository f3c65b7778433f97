"""The default writer of a new spec: the largest chat model that fits, from files alone."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from models_support import write_folder, write_hub_model
from safetensors.numpy import save_file

from workbench.models.choosing import Memory, find_best_writer, measure_memory
from workbench.models.getting import Watcher, get_model

ROOMY = Memory(1 << 40, gpu=False)


@pytest.fixture
def no_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workbench.models.choosing.find_installed", lambda model: None)


def run_workbench(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "workbench", *words]
    return subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)


@pytest.mark.usefixtures("no_packages")
def test_the_largest_chat_model_that_fits_is_chosen(hub: Path, tmp_path: Path) -> None:
    assert find_best_writer(ROOMY) is None
    write_hub_model(hub, "acme/small")
    large = write_hub_model(hub, "acme/large")
    (large / "model.safetensors").unlink()
    save_file({"w": np.zeros((300, 100), np.float32)}, large / "model.safetensors")
    best = find_best_writer(ROOMY)
    assert best is not None
    assert (best.name, best.parameters, best.reason) == ("acme/large", 30_000, "found in the hub's cache")
    tight = find_best_writer(Memory(100_000, gpu=False))
    assert tight is not None
    assert tight.name == "acme/small"
    on_gpu = find_best_writer(Memory(100_000, gpu=True))  # 16 bits instead of 32
    assert on_gpu is not None
    assert on_gpu.name == "acme/large"
    assert find_best_writer(Memory(1000, gpu=False)) is None
    get_model("mine", Watcher(print, print), write_folder(tmp_path / "usb", config={"vocab_size": 9}))
    fetched = find_best_writer(Memory(100_000, gpu=False))
    assert fetched is not None
    assert fetched.name == "mine"


@pytest.mark.usefixtures("no_packages")
@pytest.mark.parametrize(
    ("config", "chat"),
    [
        ({}, False),
        ({"architectures": ["BertModel"]}, True),
        ({"quantization_config": {"quant_method": "awq"}}, True),
        ({"auto_map": {"AutoModelForCausalLM": "modeling.Model"}}, True),
    ],
)
def test_base_models_encoders_packed_weights_and_foreign_code_are_not_chosen(
    config: dict[str, object], chat: bool, tmp_path: Path
) -> None:
    get_model("mine", Watcher(print, print), write_folder(tmp_path / "m", config=config, chat=chat))
    assert find_best_writer(ROOMY) is None


def test_memory_is_that_of_the_driver_or_half_of_what_is_free(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "nvidia-smi"
    program.write_text("#!/bin/sh\nprintf '24564\\n81559\\n'\n")
    program.chmod(0o700)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    assert measure_memory() == Memory(81559 << 20, gpu=True)
    program.write_text("#!/bin/sh\nexit 9\n")
    memory = measure_memory()
    assert not memory.gpu
    assert memory.bytes > 1 << 27
    assert not Memory(1 << 50, gpu=False).fits(7_000_000_000)  # it would fit, and write a word in ten seconds


def test_choosing_imports_nothing_heavy() -> None:
    program = (
        "import sys; from workbench.models.choosing import find_best_writer; find_best_writer();"
        "assert not {'torch', 'transformers', 'huggingface_hub', 'numpy', 'pydantic'} & set(sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program]).returncode == 0


def test_a_new_spec_is_written_by_the_best_model_and_never_a_coder_by_a_writer(hub: Path, tmp_path: Path) -> None:
    write_hub_model(hub, "acme/writer")
    answer = run_workbench("new", "tickets", "--json", "--workspace", str(tmp_path))
    found = json.loads(answer.stdout)
    text = Path(found["spec"]).read_text("utf-8")
    assert 'writer: {provider: transformers, model: "acme/writer"}' in text or (
        "writer: {provider: transformers, model: acme/writer}" in text
    )
    assert "type: llm_text, model: writer" in text
    assert found["notes"] == ["Texts are written by acme/writer, found in the hub's cache; --writer chooses another."]
    like = run_workbench("new", "code", "--like", "code_exercises", "--json", "--workspace", str(tmp_path))
    assert "coder: {provider: offline}" in Path(json.loads(like.stdout)["spec"]).read_text("utf-8")


def test_the_writer_of_a_new_spec_can_be_named_or_left_out(hub: Path, tmp_path: Path) -> None:
    write_hub_model(hub, "acme/writer")
    workspace = ("--workspace", str(tmp_path))
    assert run_workbench("new", "plain", "--writer", "offline", *workspace).returncode == 0
    assert "writer: {provider: offline}" in (tmp_path / "specs/plain.yaml").read_text("utf-8")
    folder = write_folder(tmp_path / "my model")
    assert run_workbench("new", "mine", "--writer", str(folder), *workspace).returncode == 0
    assert f'model: "{folder}"' in (tmp_path / "specs/mine.yaml").read_text("utf-8")
    for words, expected in (
        (("new", "a", "--writer", "acme/wroter"), "Did you mean “acme/writer”?"),
        (("new", "a", "--like", "retail_baskets", "--writer", "offline"), "has no writer"),
        (("new", "a", "--from-sdv", "x.json", "--writer", "offline"), "--writer belongs to a spec that is copied"),
    ):
        answer = run_workbench(*words, *workspace)
        assert answer.returncode == 2
        assert expected in answer.stderr
        assert not (tmp_path / "specs/a.yaml").exists()
