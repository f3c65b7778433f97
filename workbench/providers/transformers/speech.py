"""Speech by models such as VITS, which turn a text into a waveform in one step."""

from __future__ import annotations

import io
import wave
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from workbench.models.finding import FoundModel
from workbench.providers.provider import CallError
from workbench.providers.requests import Answer, SpeechRequest, Usage
from workbench.providers.transformers.loading import load_companion, load_model, shorten
from workbench.providers.transformers.memory import clear_memory, is_out_of_memory

if TYPE_CHECKING:
    from workbench.providers.transformers import TransformersConfig


class Speaker:
    """A loaded voice, or several in one model. Texts are read one by one: each needs its own noise."""

    def __init__(self, config: TransformersConfig, found: FoundModel) -> None:
        self._loaded = load_model("AutoModelForTextToWaveform", config, found)
        self._tokenizer = load_companion("AutoTokenizer", config, found, self._loaded.folder)
        settings = self._loaded.model.config
        self._rate = int(getattr(settings, "sampling_rate", 0) or settings.vocoder_config.sampling_rate)
        self._speakers = int(getattr(settings, "num_speakers", 1) or 1)

    def answer(
        self, requests: Sequence[SpeechRequest], should_stop: Callable[[], bool]
    ) -> Iterator[tuple[int, Answer | CallError]]:
        """See `LocalProvider.answer`. A voice is the number of a speaker."""
        for position, request in enumerate(requests):
            if should_stop():
                return
            try:
                sound = self._speak(request)
            except CallError as error:
                yield position, error
                continue
            yield position, Answer(data=encode_wave(sound, self._rate), usage=Usage(characters=len(request.text)))

    def describe(self) -> Mapping[str, Any]:
        """See `Worker.describe`."""
        return {**self._loaded.describe(), "sampling_rate": self._rate}

    def _speak(self, request: SpeechRequest) -> NDArray[np.float32]:
        try:
            inputs = self._tokenizer(request.text, return_tensors="pt").to(self._loaded.device)
        except Exception as error:  # some need a program that writes phonemes, and say so in their own way
            raise CallError("request", f"The text cannot be read: {shorten(error)}.") from error
        if not inputs["input_ids"].shape[-1]:
            raise CallError("request", "The text holds no letter that this voice knows.")
        chosen = {"speaker_id": self._find_speaker(request)} if self._speakers > 1 else {}
        try:
            return self._run(dict(inputs), chosen, request.seed)
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
        clear_memory()
        raise CallError("request", f"A text of {len(request.text):,} characters does not fit into memory.")

    @torch.inference_mode()
    def _run(self, inputs: dict[str, Any], chosen: dict[str, int], seed: int) -> NDArray[np.float32]:
        """The model draws its noise from torch's own generator, which is put back afterwards."""
        devices = [self._loaded.device] if self._loaded.device.type == "cuda" else []
        with torch.random.fork_rng(devices=devices):
            torch.manual_seed(seed & 0xFFFFFFFFFFFFFFFF)
            waveform = self._loaded.model(**inputs, **chosen).waveform
        sound: NDArray[np.float32] = waveform[0].float().cpu().numpy()
        return sound

    def _find_speaker(self, request: SpeechRequest) -> int:
        if request.voice is None:
            return request.seed % self._speakers
        if not request.voice.isdecimal() or int(request.voice) >= self._speakers:
            raise CallError(
                "request",
                f"This model has no voice “{request.voice}”.",
                solution=f"Its voices are 0 to {self._speakers - 1}.",
            )
        return int(request.voice)


def encode_wave(sound: NDArray[np.float32], rate: int) -> bytes:
    """A WAV file of one channel and 16 bits from samples between -1 and 1; what is beyond is clipped."""
    samples = (np.clip(np.nan_to_num(sound), -1, 1) * 32_767).round().astype("<i2")
    content = io.BytesIO()
    with wave.open(content, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(samples.tobytes())
    return content.getvalue()
