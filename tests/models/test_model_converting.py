"""A GGUF file becomes a folder once, whole or not at all, whoever else asks and whatever is killed."""

import multiprocessing
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from models_support import write_gguf

from workbench.errors import WorkbenchError
from workbench.models.cache import find_cache, hash_file, make_once
from workbench.models.converting import convert_gguf, find_converted
from workbench.models.finding import find_model

CONVERT = (
    "import sys; from pathlib import Path; from workbench.models.converting import convert_gguf;"
    "print(convert_gguf(Path(sys.argv[1]), lambda sentence: print(sentence, file=sys.stderr)))"
)


def test_two_processes_convert_one_file_at_once_into_one_folder_that_loads(tmp_path: Path) -> None:
    path = write_gguf(tmp_path / "tiny.gguf")
    command = [sys.executable, "-c", CONVERT, str(path)]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    answers = [process.communicate() for process in running]
    assert [process.returncode for process in running] == [0, 0], answers
    folder = Path(answers[0][0].strip())
    assert answers[1][0].strip() == str(folder)
    assert answers[0][1].startswith("Converting ")
    assert answers[0][1].count("\n") == 1  # no progress bars of the library
    assert [each.name for each in folder.parent.iterdir() if not each.name.startswith(".")] == [hash_file(path)]
    assert not list(folder.parent.glob(".*.part"))
    assert find_converted(path) == folder == convert_gguf(path)

    found = find_model(str(folder))
    assert found.path == folder
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModelForCausalLM.from_pretrained(folder)
    assert tokenizer.decode(tokenizer("badge 42")["input_ids"], skip_special_tokens=True) == "badge 42"
    assert model.dtype == torch.float32  # a file that is not quantized loses nothing
    assert not hasattr(model.config, "quantization_config")
    with torch.no_grad():
        assert model(torch.tensor([[1, 2, 3]])).logits.isfinite().all()


def test_what_cannot_be_converted_says_why_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "x.gguf").write_bytes(b"not GGUF at all")
    with pytest.raises(WorkbenchError, match=r"cannot be read: x\.gguf is no GGUF file"):
        convert_gguf(tmp_path / "x.gguf")
    with pytest.raises(WorkbenchError, match="one part of a model in several files"):
        convert_gguf(tmp_path / "m-00001-of-00003.gguf")
    data = write_gguf(tmp_path / "t.gguf").read_bytes()
    (tmp_path / "t.gguf").write_bytes(data.replace(b"llama", b"lemma"))
    with pytest.raises(WorkbenchError, match=r"t\.gguf cannot be converted") as caught:
        convert_gguf(tmp_path / "t.gguf")
    assert "Traceback" not in str(caught.value)
    assert [path for path in (find_cache() / "converted").iterdir() if not path.name.startswith(".")] == []
    assert not list((find_cache() / "converted").glob(".*.part"))


def fill_slowly(target: Path, started: Path) -> None:
    def fill(folder: Path) -> None:
        (folder / "half").write_text("x")
        started.touch()
        time.sleep(60)

    make_once(target, fill)


def test_what_a_killed_process_left_is_cleared_by_the_next(tmp_path: Path) -> None:
    target, started = tmp_path / "made", tmp_path / "started"
    process = multiprocessing.get_context("fork").Process(target=fill_slowly, args=(target, started))
    process.start()
    while not started.exists():
        time.sleep(0.01)
    process.kill()
    process.join()
    assert not target.exists()
    assert len(list(tmp_path.glob(".made.*.part"))) == 1
    assert make_once(target, lambda folder: (folder / "whole").touch()) == target
    assert [path.name for path in target.iterdir()] == ["whole"]
    assert not list(tmp_path.glob(".made.*.part"))
    make_once(target, lambda folder: pytest.fail("it is there"))


def test_a_failed_attempt_leaves_nothing_and_names_the_variable_that_moves_the_cache(tmp_path: Path) -> None:
    def fill(folder: Path) -> None:
        (folder / "half").touch()
        raise OSError(28, "No space left on device")

    with pytest.raises(WorkbenchError, match=r"No disk space left .* WORKBENCH_CACHE"):
        make_once(tmp_path / "made", fill)
    assert [path.name for path in tmp_path.iterdir()] == [".made.lock"]


def test_the_remembered_digest_of_a_file_is_forgotten_when_it_changes(tmp_path: Path) -> None:
    path = tmp_path / "large"
    path.write_bytes(b"a" * (1 << 20))
    first = hash_file(path)
    assert hash_file(path) == first
    path.write_bytes(b"b" * (1 << 20))
    os.utime(path, ns=(1, 1))
    assert hash_file(path) != first
    for memory in (find_cache() / "digests").iterdir():
        memory.write_text("{torn")
    path.write_bytes(b"a" * (1 << 20))
    assert hash_file(path) == first


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"WORKBENCH_CACHE": "/w", "XDG_CACHE_HOME": "/x"}, "/w"),
        ({"XDG_CACHE_HOME": "/x"}, "/x/workbench"),
        ({"XDG_CACHE_HOME": "relative"}, "/home-of-it/.cache/workbench"),
        ({}, "/home-of-it/.cache/workbench"),
    ],
)
def test_the_cache_is_where_the_variables_say(
    variables: dict[str, str], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("WORKBENCH_CACHE")
    for name, value in {"HOME": "/home-of-it", **variables}.items():
        monkeypatch.setenv(name, value)
    assert str(find_cache()) == expected
