"""Pictures, speech, vectors and scores of agreement from an OpenAI-compatible server."""

import base64
import io
import math
import wave
from typing import Any

import pytest
from PIL import Image

from tests.providers.endpoint_calls import ask, fail, open_openai
from tests.providers.fault_answers import draw_png, speak_wav
from tests.providers.fault_server import FaultServer
from workbench.providers.judging import read_score
from workbench.providers.openai.pictures import convert_picture
from workbench.providers.openai.sounds import repair_wav
from workbench.providers.provider import CallError
from workbench.providers.requests import AgreementRequest, EmbeddingRequest, ImageRequest, SpeechRequest, TextRequest


@pytest.mark.parametrize("size", [None, "64x64"])
@pytest.mark.parametrize("pictures", ["b64_json", "url"])
def test_a_picture_has_the_size_of_its_request(fault_server: FaultServer, pictures: Any, size: str | None) -> None:
    fault_server.rules.pictures = pictures
    [answer] = ask(open_openai(fault_server.url, image_size=size), ImageRequest("a red house", 5, 48, 32))
    with Image.open(io.BytesIO(answer.data)) as picture:
        assert (picture.format, picture.size) == ("PNG", (48, 32))
    assert answer.usage.images == 1
    body = fault_server.bodies[0]
    assert (body["size"], body["response_format"], body["seed"]) == (size or "48x32", "b64_json", 5)


def test_models_of_openai_are_asked_as_they_want_it(fault_server: FaultServer) -> None:
    ask(open_openai(fault_server.url, model="gpt-image-2", image_size="auto"), ImageRequest("a house", 5, 48, 32))
    assert fault_server.bodies[0] == {"model": "gpt-image-2", "prompt": "a house", "n": 1, "size": "auto"}


def test_a_server_that_knows_one_format_only_is_not_told_which(fault_server: FaultServer) -> None:
    fault_server.rules.refused = ("response_format",)
    assert ask(open_openai(fault_server.url), ImageRequest("a house", 5, 16, 16))
    assert "response_format" not in fault_server.bodies[-1]


@pytest.mark.parametrize(("pictures", "kind"), [("elsewhere", "fatal"), ("rubbish", "server")])
def test_what_is_no_picture_is_a_fault(fault_server: FaultServer, pictures: Any, kind: str) -> None:
    fault_server.rules.pictures = pictures
    assert fail(open_openai(fault_server.url), ImageRequest("a house", 5, 16, 16)).kind == kind


@pytest.mark.parametrize(
    ("form", "mode"), [("WEBP", "RGB"), ("JPEG", "RGB"), ("GIF", "P"), ("PNG", "LA"), ("PNG", "I;16")]
)
def test_any_format_becomes_a_png_file(form: str, mode: str) -> None:
    file = io.BytesIO()
    Image.new("RGB", (40, 20), "red").convert("L" if mode == "I;16" else mode).convert(mode).save(file, form)
    png, size = convert_picture(file.getvalue(), 16, 16)
    with Image.open(io.BytesIO(png)) as picture:
        assert (picture.format, picture.size) == ("PNG", (16, 16))
    assert size == (40, 20)


@pytest.mark.parametrize("cut", [0, 3, 40])
def test_a_torn_picture_is_a_fault(cut: int) -> None:
    with pytest.raises(CallError):
        convert_picture(draw_png({"size": "64x64"})[:cut], 16, 16)


@pytest.mark.parametrize("speech", ["wav", "streamed"])
def test_speech_is_a_wav_file_as_long_as_its_text(fault_server: FaultServer, speech: Any) -> None:
    fault_server.rules.speech = speech
    [answer] = ask(open_openai(fault_server.url, voices=("anna", "ben")), SpeechRequest("Good morning.", 3))
    with wave.open(io.BytesIO(answer.data)) as sound:
        assert sound.getnframes() / sound.getframerate() == pytest.approx(13 * 0.06, abs=0.01)
        assert len(sound.readframes(sound.getnframes())) == 2 * sound.getnframes()
    assert answer.usage.characters == 13
    assert answer.notes == {"voice": "ben"}


def test_the_voice_of_a_row_is_asked_for(fault_server: FaultServer) -> None:
    ask(open_openai(fault_server.url), SpeechRequest("Hi", 3, "carla"), SpeechRequest("Hi", 4))
    assert sorted(body["voice"] for body in fault_server.bodies) == ["carla", "fable"]


def test_another_format_than_wav_is_refused(fault_server: FaultServer) -> None:
    fault_server.rules.speech = "mp3"
    error = fail(open_openai(fault_server.url), SpeechRequest("Hi", 3))
    assert (error.kind, error.message) == ("fatal", "the server sends MP3 where a WAV file was asked for")


@pytest.mark.parametrize("content", [b"", b"RIFF", speak_wav({"input": "x"})[:44], speak_wav({"input": "x"})[:30]])
def test_a_wav_file_without_sound_is_a_fault(content: bytes) -> None:
    with pytest.raises(CallError):
        repair_wav(content)


def test_a_whole_wav_file_is_left_as_it_is() -> None:
    whole = speak_wav({"input": "x"})
    assert repair_wav(whole) == whole
    assert repair_wav(speak_wav({"input": "x"}, streamed=True)) == whole


def test_a_text_has_a_vector(fault_server: FaultServer) -> None:
    one, same, other = ask(open_openai(fault_server.url), *map(EmbeddingRequest, ("a cat", "a cat", "a dog")))
    assert one.vector == same.vector != other.vector
    assert math.hypot(*one.vector) == pytest.approx(1)
    assert one.usage.input_tokens == 2


@pytest.mark.parametrize("fault", ["malformed", "empty-choices"])
def test_an_answer_without_a_vector_is_a_fault(fault_server: FaultServer, fault: str) -> None:
    assert fail(open_openai(fault_server.url), EmbeddingRequest(f"[fault: {fault}]")).kind == "server"


def test_a_model_that_sees_scores_how_a_picture_fits(fault_server: FaultServer) -> None:
    picture = draw_png({})
    one, same, other = ask(
        open_openai(fault_server.url), *(AgreementRequest(picture, text) for text in ("a cat", "a cat", "a dog"))
    )
    assert one.score is not None
    assert 0 <= one.score <= 1
    assert one.score == same.score != other.score
    assert one.notes["judge"] == "m"
    content = fault_server.bodies[0]["messages"][-1]["content"]
    assert base64.b64encode(picture).decode() in content[0]["image_url"]["url"]


@pytest.mark.parametrize(
    ("text", "score"), [('{"score": 80}', 0.8), ('```json\n{"score": 5.5}\n```', 0.055), ("I give it 70/100.", 0.7)]
)
def test_a_score_is_read_from_what_models_write(text: str, score: float) -> None:
    assert read_score(text) == pytest.approx(score)


@pytest.mark.parametrize("text", ["", "no idea", '{"score": 101}', '{"score": true}', '{"score": "high"}', "[]"])
def test_an_answer_without_a_score_is_a_fault(text: str) -> None:
    with pytest.raises(CallError):
        read_score(text)


def test_one_model_makes_all_that_its_server_offers(fault_server: FaultServer) -> None:
    answers = ask(open_openai(fault_server.url), TextRequest("Hi", 1), EmbeddingRequest("Hi"), SpeechRequest("Hi", 1))
    assert [bool(answer.text) for answer in answers] == [True, False, False]
