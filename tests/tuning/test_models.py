"""Which model is meant, and the model that the package ships."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM

from workbench.errors import UsageError
from workbench.tuning.loading import load_model
from workbench.tuning.methods import find_method, parse_settings
from workbench.tuning.models import BASE_MODEL, check_weights, resolve_model


def test_the_shipped_model_is_small_and_loads_in_plain_transformers() -> None:
    folder = resolve_model(BASE_MODEL).folder
    assert folder is not None
    assert sum(path.stat().st_size for path in folder.iterdir() if path.is_file()) < 8_000_000
    model = AutoModelForCausalLM.from_pretrained(folder)
    assert model.dtype == torch.float32
    assert 1_500_000 < model.num_parameters() < 3_500_000
    card = (folder / "README.md").read_text("utf-8")
    assert "PSF-2.0" in card
    assert "perplexity" in card


def test_the_shipped_model_has_learned_to_predict_english(tokenizer: Any) -> None:
    model = AutoModelForCausalLM.from_pretrained(resolve_model(BASE_MODEL).location)
    ids = tokenizer("Return a new list with the elements of the given list in sorted order.", return_tensors="pt")
    with torch.no_grad():
        loss = model(**ids, labels=ids["input_ids"]).loss
    assert loss < 4.5  # log(2048) = 7.6 is what guessing would give


def test_the_shipped_tokenizer_writes_any_text_and_each_digit_on_its_own(tokenizer: Any) -> None:
    text = "naïve 1234.5 – 漢字\n\ttabs"
    ids = tokenizer(text)["input_ids"]
    assert tokenizer.decode(ids, skip_special_tokens=True) == text
    tokens = tokenizer.convert_ids_to_tokens(ids)
    assert [token for token in tokens if any(character.isdigit() for character in token)] == list("12345")
    assert None not in (tokenizer.bos_token_id, tokenizer.eos_token_id, tokenizer.pad_token_id)
    assert ids[0] == tokenizer.bos_token_id


@pytest.mark.parametrize(
    ("reference", "cause", "solution"),
    [
        ("workbench-bas", "There is no model “workbench-bas”.", "Did you mean “workbench-base”?"),
        ("./nowhere", "There is no model “./nowhere”.", "folder"),
        ("", "There is no model “”.", "hub id"),
        ("a/b/c", "There is no model “a/b/c”.", "folder"),
    ],
)
def test_an_unknown_model_is_refused(reference: str, cause: str, solution: str) -> None:
    with pytest.raises(UsageError) as caught:
        resolve_model(reference)
    assert caught.value.cause == cause
    assert solution in caught.value.solution


def test_a_hub_id_is_left_to_the_hub_and_a_folder_is_made_absolute(tmp_path: Path, monkeypatch: Any) -> None:
    assert resolve_model("HuggingFaceTB/SmolLM2-135M").folder is None
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "config.json").write_text('{"model_type": "llama"}')
    assert resolve_model("mine").folder == tmp_path / "mine"


@pytest.mark.parametrize(
    ("content", "cause"),
    [(None, "has no config.json"), ("{torn", "cannot be read as JSON"), ("[1]", "which architecture")],
)
def test_a_folder_without_a_usable_config_is_refused(tmp_path: Path, content: str | None, cause: str) -> None:
    if content is not None:
        (tmp_path / "config.json").write_text(content)
    with pytest.raises(UsageError, match=cause):
        resolve_model(str(tmp_path))


def test_a_folder_without_weights_or_tokenizer_can_be_estimated_but_not_tuned(tmp_path: Path, tiny_model: str) -> None:
    shutil.copy(Path(tiny_model) / "config.json", tmp_path)
    reference = resolve_model(str(tmp_path))
    with pytest.raises(UsageError, match="holds no weights"):
        check_weights(reference)
    shutil.copy(Path(tiny_model) / "model.safetensors", tmp_path)
    with pytest.raises(UsageError, match="holds no tokenizer"):
        check_weights(reference)


def test_an_architecture_that_does_not_exist_and_torn_weights_are_refused(tmp_path: Path, tiny_model: str) -> None:
    folder = shutil.copytree(tiny_model, tmp_path / "broken")
    (folder / "model.safetensors").write_bytes((folder / "model.safetensors").read_bytes()[:1000])
    method, settings = find_method("full"), parse_settings("full", {})
    with pytest.raises(UsageError, match="broken cannot be loaded"):
        load_model(resolve_model(str(folder)), method, settings)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"model_type": "imaginary"}))
    with pytest.raises(UsageError, match="broken cannot be loaded"):
        load_model(resolve_model(str(folder)), method, settings)
