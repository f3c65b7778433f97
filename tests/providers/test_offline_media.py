"""Pictures agree with their prompt, and sound is as long as its text; both are the same for the same request."""

import io
import wave

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from workbench.providers.offline import VOICES, OfflineProvider
from workbench.providers.offline.scenes import COLOURS
from workbench.providers.requests import Answer, ImageRequest, Request, SpeechRequest


def make_files(*requests: Request) -> list[bytes]:
    answers = dict(OfflineProvider().answer(requests, lambda: False))
    return [answer.data for answer in map(answers.get, range(len(requests))) if isinstance(answer, Answer)]


def draw(prompt: str, seed: int = 1, width: int = 160, height: int = 120) -> NDArray[np.int16]:
    [content] = make_files(ImageRequest(prompt, seed, width, height))
    return np.asarray(Image.open(io.BytesIO(content))).astype(np.int16)


def find(pixels: NDArray[np.int16], colour: str) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows and columns of the pixels of a colour."""
    return np.nonzero(np.abs(pixels - np.array(COLOURS[colour])).max(axis=2) <= 6)


def speak(text: str, seed: int = 1, voice: str | None = None) -> NDArray[np.int16]:
    [content] = make_files(SpeechRequest(text, seed, voice))
    with wave.open(io.BytesIO(content)) as sound:
        assert (sound.getframerate(), sound.getsampwidth(), sound.getnchannels()) == (16_000, 2, 1)
        return np.frombuffer(sound.readframes(sound.getnframes()), "<i2")


@pytest.mark.parametrize("seed", range(5))
def test_a_picture_holds_the_colours_and_counts_of_its_prompt(seed: int) -> None:
    one = len(find(draw("one red circle on a blue background", seed), "red")[0])
    pixels = draw("two red circles on a blue background", seed)
    assert len(find(pixels, "red")[0]) > 200 < one
    assert len(find(pixels, "blue")[0]) > 0.5 * 160 * 120
    assert not len(find(pixels, "green")[0])


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(
    ("relation", "axis", "sign"), [("left of", 1, 1), ("right of", 1, -1), ("above", 0, 1), ("below", 0, -1)]
)
def test_figures_stand_where_the_prompt_says(seed: int, relation: str, axis: int, sign: int) -> None:
    pixels = draw(f"a green triangle {relation} a yellow square on a white background", seed)
    assert sign * find(pixels, "green")[axis].mean() < sign * find(pixels, "yellow")[axis].mean()


def test_a_night_is_darker_than_a_day() -> None:
    assert draw("a road at night with a red car").mean() < 0.6 * draw("a road with a red car").mean()


def test_a_picture_depends_on_its_request_alone_and_differs_by_seed() -> None:
    requests = [ImageRequest("a red star", seed, 64, 48) for seed in range(4)]
    pictures = make_files(*requests)
    assert make_files(*requests[2:3]) == pictures[2:3]
    assert len(set(pictures)) == 4


@pytest.mark.parametrize("prompt", ["", "写", "99999999999 circles", "a road", "\x00", "circle " * 300])
@pytest.mark.parametrize("size", [(16, 16), (2048, 16)])
def test_any_prompt_gives_a_picture_of_the_size_asked_for(prompt: str, size: tuple[int, int]) -> None:
    assert draw(prompt, 1, *size).shape == (size[1], size[0], 3)


def test_sound_is_as_long_as_its_text_and_neither_silent_nor_clipped() -> None:
    short, long = speak("Open the door."), speak("Open the door. " * 5)
    assert 4 < len(long) / len(short) < 6
    assert 20_000 < np.abs(long.astype(int)).max() < 32_000
    assert np.abs(long.astype(float)).mean() > 500


def test_sound_depends_on_its_request_alone_and_differs_by_seed_and_voice() -> None:
    requests = [SpeechRequest("Hello", 1, voice) for voice in VOICES] + [SpeechRequest("Hello", 2, "low")]
    sounds = make_files(*requests)
    assert make_files(*requests[1:2]) == sounds[1:2]
    assert len(set(sounds)) == len(sounds)


@pytest.mark.parametrize("text", ["", "...", "写一句话", "42", "\x00"])
def test_any_text_gives_some_sound(text: str) -> None:
    assert len(speak(text)) > 0
