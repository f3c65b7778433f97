"""Real speech by hibari's packaged voice, judged by its length, level and silence."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import pytest
from pydantic import ValidationError

from workbench.providers.hibari import HibariConfig, HibariProvider, check_hibari, open_hibari
from workbench.providers.provider import CallError
from workbench.providers.requests import Answer, SpeechRequest
from workbench.providers.sound import measure_wav

needs_hibari = pytest.mark.skipif(
    find_spec("hibari") is None or find_spec("onnxruntime") is None, reason="hibari-tts is not installed"
)
pytestmark = [pytest.mark.model, needs_hibari]

SENTENCE = "Please turn on the light in the kitchen, and close the door behind you."


@pytest.fixture(autouse=True)
def keep_fetched_voices_out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HIBARI_HOME", str(tmp_path / "voices"))


@pytest.fixture(scope="module")
def provider() -> HibariProvider:
    return open_hibari(HibariConfig(provider="hibari"))


def ask(provider: HibariProvider, requests: Sequence[SpeechRequest]) -> list[Answer | CallError]:
    answers = dict(provider.answer(requests, lambda: False))
    assert sorted(answers) == list(range(len(requests)))
    return [answers[position] for position in range(len(requests))]


def speak(provider: HibariProvider, text: str, seed: int = 1, voice: str | None = None) -> Answer:
    [answer] = ask(provider, [SpeechRequest(text, seed, voice)])
    assert isinstance(answer, Answer)
    return answer


def test_a_sentence_is_spoken_at_a_human_pace_neither_silent_nor_clipped(provider: HibariProvider) -> None:
    answer = speak(provider, SENTENCE)
    sound = measure_wav(answer.data)
    words_per_minute = 60 * len(SENTENCE.split()) / sound.seconds
    assert (sound.rate, sound.channels) == (24_000, 1)
    assert 110 < words_per_minute < 260
    assert 0.1 < sound.peak < 0.99
    assert 0.01 < sound.rms < 0.3
    assert sound.silence < 0.4
    assert answer.usage.characters == len(SENTENCE)


def test_longer_texts_and_slower_speech_take_longer(provider: HibariProvider) -> None:
    slow = open_hibari(HibariConfig(provider="hibari", speed=0.7))
    short, long = (measure_wav(speak(provider, text).data).seconds for text in ("Close the door.", SENTENCE))
    assert long > 2 * short
    assert 1.25 < measure_wav(speak(slow, SENTENCE).data).seconds / long < 1.6


def test_the_bytes_depend_on_the_request_alone(provider: HibariProvider) -> None:
    requests = [SpeechRequest(SENTENCE, seed) for seed in (1, 2**64 - 1, 1)]
    first, other, again = [answer.data for answer in ask(provider, requests) if isinstance(answer, Answer)]
    assert first == again != other
    provider.release()
    assert speak(provider, SENTENCE, 1).data == first


@pytest.mark.parametrize("text", ["写一句话", "Привет, мир", "👍", ""])
def test_a_text_that_is_not_english_is_refused(provider: HibariProvider, text: str) -> None:
    [error] = ask(provider, [SpeechRequest(text, 1)])
    assert isinstance(error, CallError)
    assert error.kind == "request"


def test_a_voice_that_would_have_to_be_fetched_is_not_there(provider: HibariProvider) -> None:
    assert provider.voices == ("heart",)
    [missing, unknown] = ask(provider, [SpeechRequest("Hello", 1, "emma"), SpeechRequest("Hello", 1, "hart")])
    assert isinstance(missing, CallError)
    assert "is not on this machine. Where the network is reachable, fetch it with" in missing.message
    assert isinstance(unknown, CallError)
    assert "Did you mean “heart”" in unknown.message
    with pytest.raises(ValueError, match="“emma” of hibari is not on this machine"):
        open_hibari(HibariConfig(provider="hibari", voices=("heart", "emma")))


def test_a_fetched_voice_with_other_content_is_refused(tmp_path: Path) -> None:
    (tmp_path / "voices").mkdir()
    (tmp_path / "voices" / "bf_emma.int8.onnx").write_bytes(b"no model")
    with pytest.raises(ValueError, match="is damaged"):
        open_hibari(HibariConfig(provider="hibari", voices=("emma",)))


def test_stopping_leaves_off_between_sentences(provider: HibariProvider) -> None:
    asked: list[bool] = []

    def should_stop() -> bool:
        asked.append(True)
        return len(asked) > 1

    assert list(provider.answer([SpeechRequest("One. Two. Three.", 1)] * 2, should_stop)) == []
    assert len(asked) == 2


def test_it_says_what_it_is(provider: HibariProvider) -> None:
    assert provider.find_revision().startswith("hibari-tts ")
    assert provider.describe()["licence"] == "Apache-2.0"
    assert check_hibari().usable
    with pytest.raises(ValidationError, match="voices instead of models"):
        HibariConfig(provider="hibari", model="kokoro")
