"""`provider: piper`: a text read aloud by Piper, where that program is installed on the machine.

Piper is under the GPL, so it is neither imported nor installed with this package: it runs as a program of its own for
each text, which it reads from its standard input. It draws its noise without a seed, so the same text sounds a little
different each time; a stored answer is what makes a second run the same.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar

from pydantic import Field

from workbench.files import clean_text
from workbench.models.cache import hash_file
from workbench.providers.provider import CallError, ProviderConfig, Readiness, SerialProvider, register
from workbench.providers.requests import Answer, Request, SpeechRequest, Usage

_PROGRAM = "piper"
_INSTALL = "Install Piper, for instance by “pipx install piper-tts”, or give its path as “program”."
_POLL_SECONDS = 0.05
_LAST_LINE = 200
_KEPT_VARIABLES = ("PATH", "HOME", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "OMP_NUM_THREADS", "TMPDIR")


class PiperConfig(ProviderConfig):
    """Speech by the program Piper, where it is installed on the machine."""

    ASIDE: ClassVar[frozenset[str]] = ProviderConfig.ASIDE | {"program", "timeout"}

    model: str = Field(min_length=1, description="Path of a voice: an .onnx file with its .onnx.json beside it")
    program: str = Field(_PROGRAM, min_length=1, description="Name or path of the program")
    speaker: Annotated[int, Field(ge=0)] | None = Field(
        None, description="Number of the speaker, for a voice of several; chosen for each row if left out"
    )
    length_scale: Annotated[float, Field(gt=0, le=10)] | None = Field(
        None, description="How long sounds last, above 1 is slower"
    )
    noise_scale: Annotated[float, Field(ge=0, le=10)] | None = Field(
        None, description="How much the voice varies in sound"
    )
    noise_w: Annotated[float, Field(ge=0, le=10)] | None = Field(None, description="How much the voice varies in pace")
    timeout: Annotated[float, Field(gt=0, le=86_400)] = Field(120, description="Seconds that one text may take")


@dataclass(frozen=True, slots=True)
class Voice:
    """The two files of a voice; `speakers` maps names to numbers, and is empty where there is one speaker."""

    path: Path
    speakers: Mapping[str, int]


class PiperProvider(SerialProvider):
    """Runs the program once for each text."""

    def __init__(self, config: PiperConfig, voice: Voice) -> None:
        self.voices = tuple(voice.speakers) or (voice.path.stem,)
        self._config = config
        self._voice = voice

    def find_revision(self) -> str:
        return hash_file(self._voice.path)

    def describe(self) -> Mapping[str, Any]:
        return {"program": self._config.program, "device": "cpu", "same_for_same_seed": False}

    def answer_one(self, request: Request, should_stop: Callable[[], bool]) -> Answer | None:
        """The speech, None where it was stopped."""
        from workbench.providers.sound import measure_wav

        assert isinstance(request, SpeechRequest)
        command = [_find_program(self._config.program), "--model", str(self._voice.path), *self._list_options(request)]
        # A line is a text of its own to Piper, and older versions keep the last one only.
        text = " ".join(request.text.split())
        with tempfile.TemporaryDirectory(prefix="workbench-piper-") as folder:
            target = Path(folder) / "speech.wav"
            told = _run([*command, "--output_file", str(target)], text, Path(folder), self._config.timeout, should_stop)
            if told is None:
                return None
            data = target.read_bytes() if target.is_file() else b""
        try:
            sound = measure_wav(data)
        except ValueError as error:
            raise CallError("request", f"Piper wrote no sound that can be used: {error}. It said: {told}") from error
        if sound.seconds == 0:
            raise CallError("request", "Piper found nothing in the text that can be said.")
        return Answer(data=data, usage=Usage(characters=len(request.text)))

    def _list_options(self, request: SpeechRequest) -> list[str]:
        config, speakers = self._config, self._voice.speakers
        speaker = config.speaker
        if speakers and request.voice is not None:
            if request.voice not in speakers:
                raise CallError("request", f"The voice has no speaker “{clean_text(request.voice)}”.")
            speaker = speakers[request.voice]
        elif speakers and speaker is None:
            speaker = sorted(speakers.values())[request.seed % len(speakers)]
        given = {
            "--speaker": speaker,
            "--length_scale": config.length_scale,
            "--noise_scale": config.noise_scale,
            "--noise_w": config.noise_w,
        }
        return [part for option, value in given.items() if value is not None for part in (option, str(value))]


def open_piper(config: PiperConfig) -> PiperProvider:
    """Raises ValueError where the program or the voice is not on this machine."""
    try:
        _find_program(config.program)
    except CallError as error:
        raise ValueError(f"{error.message} {error.solution}") from error
    return PiperProvider(config, read_voice(config.model))


def read_voice(name: str) -> Voice:
    """The voice at a path. Raises ValueError, in sentences for the user, where it is not there or damaged."""
    path = Path(name).expanduser().absolute()
    shown = clean_text(str(path))
    described = path.with_name(f"{path.name}.json")
    if path.suffix != ".onnx":
        raise ValueError(f"The voice {shown} is no .onnx file. Give the path of a Piper voice as “model”.")
    for file in (path, described):
        if not file.is_file():
            raise ValueError(
                f"There is no file {clean_text(str(file))}. A Piper voice is an .onnx and an .onnx.json file."
            )
    try:
        content = json.loads(described.read_text("utf-8"))
        named = content.get("speaker_id_map") or {} if content.get("num_speakers", 1) > 1 else {}
        return Voice(path, {str(speaker): int(number) for speaker, number in named.items()})
    except (OSError, ValueError, AttributeError, TypeError) as error:
        raise ValueError(f"{clean_text(str(described))} cannot be read. Get the voice again.") from error


def check_piper() -> Readiness:
    """Whether the program is on the PATH; a spec may name it elsewhere."""
    found = shutil.which(_PROGRAM)
    return Readiness(True, found) if found else Readiness(False, f"There is no program “{_PROGRAM}”. {_INSTALL}")


def _find_program(name: str) -> str:
    found = shutil.which(Path(name).expanduser())
    if found is None:
        raise CallError("fatal", f"There is no program “{clean_text(name)}”.", solution=_INSTALL)
    return str(Path(found).absolute())


def _run(command: list[str], text: str, folder: Path, timeout: float, should_stop: Callable[[], bool]) -> str | None:
    """Run the program to its end and give the last line that it said; None where it was stopped.

    It gets no variables of the environment but those it needs, so that keys of other providers stay here.
    """
    environment = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
    spoken, said = folder / "text.txt", folder / "said.txt"
    spoken.write_text(f"{text}\n", "utf-8", errors="replace")
    deadline = time.monotonic() + timeout
    with spoken.open("rb") as stdin, said.open("wb") as stderr:
        try:
            process = subprocess.Popen(
                command, stdin=stdin, stdout=subprocess.DEVNULL, stderr=stderr, cwd=folder,
                env=environment | {"PYTHONUTF8": "1"}, start_new_session=True,
            )  # fmt: skip
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise CallError("fatal", f"{clean_text(command[0])} cannot be run: {reason}.", solution=_INSTALL) from error
        try:
            while process.poll() is None:
                if should_stop():
                    return None
                if time.monotonic() > deadline:
                    raise CallError("timeout", f"Piper took more than {timeout:g} seconds for a text.")
                with suppress(subprocess.TimeoutExpired):
                    process.wait(_POLL_SECONDS)
        finally:
            process.kill()
            process.wait()
    lines = said.read_text("utf-8", errors="replace").split("\n")
    told = clean_text(next((line for line in reversed(lines) if line.strip()), "nothing").strip())[:_LAST_LINE]
    if process.returncode != 0:
        raise CallError("request", f"Piper ended with code {process.returncode} and said: {told}")
    return told


register("piper", {"speech"}, PiperConfig, open_piper, check=check_piper)
