"""What a model can be asked for is known before it is loaded, and what cannot work is said in a sentence."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError
from tiny_models import make_clip, make_encoder, make_language_model, make_roomy_model, make_voice
from transformers_support import ask, open_model

from workbench.providers.provider import CallError
from workbench.providers.registry import PROVIDERS
from workbench.providers.requests import EmbeddingRequest, ImageRequest, SpeechRequest, TextRequest
from workbench.providers.transformers import TransformersConfig
from workbench.providers.transformers.kinds import find_kind


def write_config(folder: Path, **fields: object) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text(json.dumps(fields))
    return folder


@pytest.mark.parametrize(
    ("make", "makes"),
    [
        (make_language_model, {"text", "code"}),
        (make_encoder, {"embedding"}),
        (make_voice, {"speech"}),
        (make_clip, {"agreement"}),
    ],
)
def test_a_model_says_what_it_makes(tmp_path: Path, make: object, makes: set[str]) -> None:
    provider = open_model(make(tmp_path / "model"))  # type: ignore[operator]
    assert provider.makes == makes
    assert len(provider.find_revision()) == 64
    assert provider.describe()["trust_remote_code"] is False


@pytest.mark.parametrize(
    "fields",
    [
        {"architectures": ["ViTForImageClassification"]},
        {"architectures": ["T5ForConditionalGeneration"], "is_encoder_decoder": True, "vocab_size": 9},
        {"architectures": ["WhisperForConditionalGeneration"], "is_encoder_decoder": True},
        {"architectures": ["BarkModel"]},
    ],
)
def test_a_model_of_another_kind_is_refused_by_name(tmp_path: Path, fields: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=str(fields["architectures"][0])):  # type: ignore[index]
        find_kind(write_config(tmp_path / "model", **fields))


@pytest.mark.parametrize(
    ("fields", "makes"),
    [
        ({"architectures": ["Qwen3ForCausalLM"]}, {"text", "code"}),
        ({"architectures": ["GPT2LMHeadModel"]}, {"text", "code"}),
        (
            {"architectures": ["Gemma3ForConditionalGeneration"], "text_config": {}, "vision_config": {}},
            {"text", "code"},
        ),
        ({"architectures": ["XLMRobertaModel"], "vocab_size": 9}, {"embedding"}),
        ({"architectures": ["BertForMaskedLM"], "vocab_size": 9}, {"embedding"}),
        ({"architectures": ["Siglip2Model"]}, {"agreement"}),
    ],
)
def test_the_architecture_decides_what_is_made(tmp_path: Path, fields: dict[str, object], makes: set[str]) -> None:
    assert find_kind(write_config(tmp_path / "model", **fields)).makes == makes


def test_a_language_model_with_a_pooling_makes_vectors(tmp_path: Path) -> None:
    folder = write_config(tmp_path / "model", architectures=["Qwen3ForCausalLM"])
    (folder / "1_Pooling").mkdir()
    assert find_kind(folder).makes == {"embedding"}


def test_a_config_without_an_architecture_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="does not say which architecture"):
        find_kind(write_config(tmp_path / "model", model_type="llama"))


def test_code_that_comes_with_a_model_is_refused_unless_the_spec_trusts_it(tmp_path: Path) -> None:
    fields = {"architectures": ["OwnForCausalLM"], "model_type": "own_kind", "auto_map": {"AutoModel": "own.Own"}}
    folder = write_config(tmp_path / "model", **fields)
    with pytest.raises(ValueError, match="trust_remote_code: true"):
        find_kind(folder)
    assert find_kind(folder, trusted=True).makes == {"text", "code"}


def test_code_that_is_not_trusted_does_not_run(tmp_path: Path) -> None:
    folder = make_roomy_model(tmp_path / "roomy", most_rows=1)
    sign = tmp_path / "ran"
    code = folder / "roomy_llama.py"
    code.write_text(f"open({str(sign)!r}, 'w').close()\n{code.read_text()}")
    ask(open_model(folder), [TextRequest("x", 1)])
    assert not sign.exists()
    provider = open_model(folder, trust_remote_code=True)
    ask(provider, [TextRequest("x", 1)])
    assert sign.exists()
    assert provider.describe()["trust_remote_code"] is True


def test_pickled_weights_are_refused(tmp_path: Path) -> None:
    folder = make_language_model(tmp_path / "model")
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(ValueError, match="pickles"):
        open_model(folder)


def test_a_model_that_is_not_here_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(ValueError, match="smollm2-135m-instruct"):
        open_model("smollm2-135m-instrukt")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({}, "it needs a “model”"),
        ({"model": "x", "device": "tpu"}, "device"),
        ({"model": "x", "temperature": -1}, "temperature"),
        ({"model": "x", "top_p": 0}, "top_p"),
        ({"model": "x", "dtype": "int8"}, "dtype"),
        ({"model": "x", "continuous_batching": "maybe"}, "continuous_batching"),
        ({"model": "x", "temprature": 1}, "temprature"),
    ],
)
def test_a_wrong_field_is_refused(fields: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=re.escape(message)):
        TransformersConfig.model_validate({"provider": "transformers", **fields})


def test_how_fast_a_model_runs_is_not_part_of_what_it_is() -> None:
    fast = {"batch_size": 64, "device": "cpu", "attention": "sdpa", "continuous_batching": False}
    config = TransformersConfig.model_validate({"provider": "transformers", "model": "x", "top_k": 5, **fast})
    assert config.identify() == {"provider": "transformers", "model": "x", "top_k": 5}


def test_a_request_for_another_kind_says_what_the_model_is(tmp_path: Path) -> None:
    provider = open_model(make_language_model(tmp_path / "model"))
    for request in (EmbeddingRequest("x"), SpeechRequest("x", 1), ImageRequest("x", 1, 8, 8)):
        with pytest.raises(CallError, match="is a language model") as caught:
            ask(provider, [request])
        assert caught.value.kind == "fatal"


def test_a_device_that_is_not_there_is_fatal(tmp_path: Path) -> None:
    with pytest.raises(CallError, match="cuda:99") as caught:
        ask(open_model(make_language_model(tmp_path / "model"), device="cuda:99"), [TextRequest("x", 1)])
    assert caught.value.kind == "fatal"


def test_damaged_weights_are_fatal_and_no_traceback(tmp_path: Path) -> None:
    folder = make_language_model(tmp_path / "model")
    provider = open_model(folder)
    (folder / "model.safetensors").write_bytes(b"\0" * 100)
    with pytest.raises(CallError, match="cannot be loaded") as caught:
        ask(provider, [TextRequest("x", 1)])
    assert caught.value.kind == "fatal"


def test_a_checkpoint_without_a_tokenizer_is_fatal(tmp_path: Path) -> None:
    folder = make_language_model(tmp_path / "model")
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (folder / name).unlink()
    with pytest.raises(CallError, match="cannot be loaded"):
        ask(open_model(folder), [TextRequest("x", 1)])


def test_no_request_loads_no_model(tmp_path: Path) -> None:
    provider = open_model(make_language_model(tmp_path / "model"))
    assert list(provider.answer([], lambda: False)) == []
    assert list(provider.answer([TextRequest("x", 1)], lambda: True)) == []
    assert "parameters" not in provider.describe()


def test_the_provider_is_ready_and_says_by_which_versions() -> None:
    provider = PROVIDERS.get("transformers")
    assert provider is not None
    readiness = provider.check()
    assert readiness.usable
    assert "torch 2." in readiness.reason
    assert "transformers 5." in readiness.reason


def test_opening_and_checking_import_nothing_heavy(tmp_path: Path) -> None:
    folder = make_language_model(tmp_path / "model")
    program = (
        "import sys\n"
        "from workbench.providers.transformers import TransformersConfig, check_libraries, open_provider\n"
        f"provider = open_provider(TransformersConfig(provider='transformers', model={str(folder)!r}))\n"
        "provider.describe(), provider.find_revision(), check_libraries(), provider.release()\n"
        "print(sorted({'torch', 'transformers', 'tokenizers', 'safetensors', 'llguidance'} & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, "[]"), done.stderr
