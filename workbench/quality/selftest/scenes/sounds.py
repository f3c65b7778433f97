"""Sounds like humming in syllables, each a WAV file, as long as the sentence that it stands for."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from workbench.quality.evidence import Evidence
from workbench.quality.selftest.planting import register_scene
from workbench.quality.selftest.specs import build_evidence
from workbench.quality.selftest.writing import write_letters

ROWS = 80
RATE = 16_000
_PITCHES = {"low": 110.0, "middle": 180.0, "high": 260.0}
SPEC = """
name: sounds
rows: 80
primary_key: sound_id
models: {voice: {provider: offline}}
columns:
  - {name: sound_id, type: id}
  - {name: speaker, type: category, values: [low, middle, high]}
  - {name: text, type: llm_text, model: voice, prompt: "Say something."}
  - {name: sound, type: audio, model: voice, text: "{{ text }}", voice: "{{ speaker }}"}
"""


@register_scene("sounds", "sentences with sounds as long as they are", most_rows=ROWS)
def make_sounds(seed: int, rows: int, folder: Path) -> Evidence:
    """`rows` sounds as files in `folder`."""
    import pandas as pd

    draw = np.random.Generator(np.random.Philox(seed))
    letters = write_letters(draw.choice(["delivery", "billing", "fault"], rows).tolist(), draw)
    sentences = [" ".join(letter.split()[: int(draw.integers(4, 16))]).rstrip(".,?") + "." for letter in letters]
    speakers = draw.choice(list(_PITCHES), rows).tolist()
    (folder / "media").mkdir()
    paths = [
        save_sound(hum(sentence, _PITCHES[speaker], draw), folder, f"{row}.wav")
        for row, (sentence, speaker) in enumerate(zip(sentences, speakers, strict=True))
    ]
    frame = pd.DataFrame({"sound_id": np.arange(rows), "speaker": speakers, "text": sentences, "sound": paths})
    return build_evidence(SPEC, frame, seed, folder=folder)


def hum(sentence: str, pitch: float, draw: np.random.Generator) -> NDArray[np.float64]:
    """A tone with overtones for each syllable, about one to three letters, pauses between words; within -1 and 1."""
    parts = [np.zeros(RATE // 10)]
    for word in sentence.split():
        for _ in range(max(1, round(len(word) / 3))):
            length = int(RATE * draw.uniform(0.1, 0.16))
            times = np.arange(length) / RATE
            tone = pitch * draw.uniform(0.85, 1.2) * (1 + 0.02 * np.sin(2 * np.pi * 5 * times))
            phase = 2 * np.pi * np.cumsum(tone) / RATE
            overtones = draw.uniform(0.1, 0.6, 4) / np.arange(2, 6)
            wave_form = np.sin(phase) + sum(
                loudness * np.sin(place * phase) for place, loudness in zip(range(2, 6), overtones, strict=True)
            )
            parts.append(0.25 * np.hanning(length) * wave_form)
        parts.append(np.zeros(int(RATE * draw.uniform(0.04, 0.08))))
    parts.append(np.zeros(RATE // 10))
    sound = np.concatenate(parts)
    return np.asarray(np.clip(sound + draw.normal(0, 0.001, len(sound)), -1, 1))


def save_sound(sound: NDArray[np.float64], folder: Path, name: str) -> str:
    """Write 16-bit mono WAV into the media of `folder` and give its path relative to it."""
    path = Path("media") / name
    with wave.open(str(folder / path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes((sound * 32_767).astype("<i2").tobytes())
    return path.as_posix()


def read_sound(folder: Path, path: str) -> NDArray[np.float64]:
    """What `save_sound` wrote, shape (samples,)."""
    with wave.open(str(folder / path), "rb") as file:
        return np.frombuffer(file.readframes(file.getnframes()), "<i2") / 32_767
