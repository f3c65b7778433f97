"""Texts read aloud by the endpoint `/audio/speech`, as WAV files."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from workbench.providers.openai.connection import Connection
from workbench.providers.provider import CallError
from workbench.providers.requests import Answer, SpeechRequest, Usage

if TYPE_CHECKING:
    from workbench.providers.openai import OpenAIConfig

_PATH = "/audio/speech"
_OPENAI_VOICES = ("alloy", "ash", "coral", "echo", "fable", "nova", "onyx", "sage", "shimmer")


class Speaker:
    """Asks a server to read texts aloud."""

    def __init__(self, config: OpenAIConfig, connection: Connection) -> None:
        self._config = config
        self._connection = connection
        self._voices = config.voices or _OPENAI_VOICES

    async def speak(self, request: SpeechRequest) -> Answer:
        """A WAV file. Raises CallError."""
        voice = request.voice or self._voices[request.seed % len(self._voices)]
        body = {"model": self._config.model, "input": request.text, "voice": voice, "response_format": "wav"}
        response = await self._connection.post_raw(_PATH, body | self._config.extra_body, {})
        sound = repair_wav(response.content)
        return Answer(data=sound, usage=Usage(characters=len(request.text)), notes={"voice": voice})


def repair_wav(content: bytes) -> bytes:
    """The WAV file with the lengths that it really has: a server that sends sound while it is made leaves them open.

    Raises CallError, `fatal` for another format.
    """
    if content[:4] != b"RIFF" or content[8:12] != b"WAVE":
        kind = "MP3" if content[:3] == b"ID3" or content[:1] == b"\xff" else "something else"
        raise CallError(
            "fatal",
            f"the server sends {kind} where a WAV file was asked for",
            solution="Take a server or a model that can send WAV files.",
        )
    start = 12
    while start + 8 <= len(content):
        name, length = struct.unpack_from("<4sI", content, start)
        if name == b"data":
            begin = start + 8
            whole = content[:begin] + content[begin : begin + length]
            samples = len(whole) - begin
            if samples == 0:
                break
            riff = struct.pack("<I", len(whole) - 8)
            return whole[:4] + riff + whole[8 : start + 4] + struct.pack("<I", samples) + whole[begin:]
        start += 8 + length + length % 2
    raise CallError("server", "the server's WAV file holds no sound")
