"""Speech-like sound from text: syllables, pauses and a falling pitch, but no words that anybody could understand.

Letters stand for sounds. A voiced sound is a sum of harmonics weighted by three formants (the vowels' are the means
that Peterson and Barney measured: Control Methods Used in a Study of the Vowels, JASA 24, 1952), a hissing one is
noise. Sines come from a table read by whole-number phases, so that the bytes are the same on every processor.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from workbench.providers.offline.chance import Chance
from workbench.providers.requests import SpeechRequest
from workbench.providers.sound import encode_wav

RATE = 16_000
"""Samples per second; 16 bit, one channel."""
_HOP = 80  # samples between two settings of the throat: 5 ms
_HIGHEST_HZ = 3_800.0
_TABLE_BITS = 12
_PEAK = 0.7  # of full scale: -3 dB
_LONGEST_SECONDS = 300
_PITCHES = {"low": 105.0, "middle": 150.0, "high": 210.0, "child": 270.0}
_DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


@dataclass(frozen=True, slots=True)
class _Sound:
    """Formants in Hz, loudness of the voice and of the noise, and duration in frames of 5 ms."""

    formants: tuple[float, float, float]
    voice: float
    noise: float
    frames: int


_VOWELS = {
    "a": _Sound((730, 1090, 2440), 1.0, 0.0, 22), "e": _Sound((530, 1840, 2480), 0.9, 0.0, 18),
    "i": _Sound((270, 2290, 3010), 0.8, 0.0, 17), "o": _Sound((570, 840, 2410), 0.95, 0.0, 21),
    "u": _Sound((300, 870, 2240), 0.85, 0.0, 18), "y": _Sound((390, 1990, 2550), 0.8, 0.0, 15),
}  # fmt: skip
_SOFT = {letter: _Sound((280, 1200, 2300), 0.4, 0.0, 12) for letter in "lmnrw"}
_HISSING = {letter: _Sound((300, 1600, 2600), 0.0, 0.35, 15) for letter in "cfhsx"}
_BUZZING = {letter: _Sound((280, 1500, 2500), 0.3, 0.2, 12) for letter in "jvz"}
_BURSTS = {letter: _Sound((350, 1500, 2500), 0.0, 0.5, 5) for letter in "kpqt"}
_VOICED_BURSTS = {letter: _Sound((250, 1300, 2300), 0.45, 0.15, 7) for letter in "bdg"}
_SOUNDS = _VOWELS | _SOFT | _HISSING | _BUZZING | _BURSTS | _VOICED_BURSTS
_CLOSURE = _Sound((300, 1500, 2500), 0.0, 0.0, 6)
_PAUSES = {" ": 8, ",": 30, ";": 36, ":": 36, ".": 50, "!": 50, "?": 50, "\n": 50}
_FALLBACK = "aeiou"


def speak(request: SpeechRequest) -> bytes:
    """A WAV file, about as long as a person would need for the text, 300 seconds at most.

    Raises KeyError for an unknown voice.
    """
    chance = Chance("speech", request.seed)
    voice = request.voice or chance.pick(sorted(_PITCHES))
    pitch = _PITCHES[voice] * chance.uniform(0.92, 1.08)
    sounds = _spell(request.text, chance.uniform(0.85, 1.15))
    samples = _synthesise(sounds, pitch, rising=request.text.rstrip().endswith("?"), chance=chance)
    peak = int(np.abs(samples).max()) or 1
    scaled = samples * (_PEAK * 32767 / peak)
    return encode_wav(scaled.astype(np.int16), RATE)


def _spell(text: str, pace: float) -> list[_Sound]:
    """The sounds of a text. Digits are read one by one; a letter of another alphabet sounds like some vowel."""
    plain = re.sub(r"\d", lambda found: f" {_DIGITS[int(found[0])]} ", text.lower())
    sounds = [_CLOSURE]
    for letter in plain:
        if letter in _PAUSES:
            sounds.append(_Sound(_CLOSURE.formants, 0.0, 0.0, _PAUSES[letter]))
            continue
        sound = _SOUNDS.get(letter)
        if sound is None:
            if not letter.isalpha():
                continue
            sound = _VOWELS[_FALLBACK[ord(letter) % len(_FALLBACK)]]
        if letter in _BURSTS or letter in _VOICED_BURSTS:
            sounds.append(_CLOSURE)
        sounds.append(_Sound(sound.formants, sound.voice, sound.noise, max(2, round(sound.frames * pace))))
    return [*sounds, _CLOSURE]


def _synthesise(sounds: list[_Sound], pitch: float, *, rising: bool, chance: Chance) -> NDArray[np.float64]:
    """The samples, not yet scaled."""
    lengths = np.array([sound.frames for sound in sounds])
    frames = min(int(lengths.sum()), _LONGEST_SECONDS * RATE // _HOP)

    def spread(values: list[float]) -> NDArray[np.float64]:
        return _glide(np.repeat(np.array(values, np.float64), lengths)[:frames])

    voice, noise = spread([sound.voice for sound in sounds]), spread([sound.noise for sound in sounds])
    formants = [spread([sound.formants[place] for sound in sounds]) for place in range(3)]
    hertz = pitch * _contour(frames, rising=rising, chance=chance)
    # Phases count 2**32 to the period: exact, however long the sound.
    steps = (np.repeat(hertz, _HOP) * (2.0**32 / RATE)).astype(np.int64)
    phase = np.cumsum(steps)
    samples = np.zeros((frames, _HOP))
    table = _sine_table()
    for harmonic in range(1, int(_HIGHEST_HZ / hertz.max()) + 1):
        wanted = _weigh(harmonic * hertz, formants) * voice / harmonic
        index = ((phase * harmonic) >> (32 - _TABLE_BITS)) & ((1 << _TABLE_BITS) - 1)
        samples += table[index].reshape(frames, _HOP) * _ramp(wanted)
    samples += _make_noise(frames, chance.bits()) * _ramp(noise)
    return samples.ravel()


def _contour(frames: int, *, rising: bool, chance: Chance) -> NDArray[np.float64]:
    """The pitch over time around 1: it falls, or rises at the end of a question, and moves a little every 0.2 s."""
    position = np.arange(frames) / max(frames - 1, 1)
    points = frames // 40 + 2
    wobble = np.array([chance.uniform(-0.05, 0.05) for _ in range(points)])
    contour: NDArray[np.float64] = 1.08 - 0.16 * position + np.interp(np.arange(frames), np.arange(points) * 40, wobble)
    if rising:
        contour += np.clip(position - 0.8, 0, 1) * 1.5
    return contour


def _glide(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Each value the mean of it and its four neighbours: a throat does not jump."""
    padded = np.concatenate([values[:1], values[:1], values, values[-1:], values[-1:]])
    count = len(values)
    total: NDArray[np.float64] = padded[:count] + padded[1 : count + 1] + values
    total += padded[3 : count + 3] + padded[4 : count + 4]
    return total * 0.2


def _weigh(hertz: NDArray[np.float64], formants: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    """How loud a frequency is under three resonances of falling strength."""
    weights = np.zeros(len(hertz))
    for formant, strength, width in zip(formants, (1.0, 0.6, 0.3), (90.0, 120.0, 170.0), strict=True):
        offset = (hertz - formant) / width
        weights += strength / (1.0 + offset * offset)
    return weights


def _ramp(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """One value per frame as one per sample, shape (frames, _HOP), going straight from frame to frame."""
    following = np.concatenate([values[1:], values[-1:]])
    ramp: NDArray[np.float64] = values[:, None] + (following - values)[:, None] * (np.arange(_HOP) / _HOP)
    return ramp


def _make_noise(frames: int, seed: int) -> NDArray[np.float64]:
    """Bright noise, shape (frames, _HOP): differences of white noise from a mixed counter (SplitMix64)."""
    words = np.arange(frames * _HOP + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(seed)
    words = (words ^ (words >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    words = (words ^ (words >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    white = (words >> np.uint64(40)).astype(np.float64) * 2.0**-23 - 1.0
    return (white[1:] - white[:-1]).reshape(frames, _HOP)


@lru_cache(maxsize=1)
def _sine_table() -> NDArray[np.float64]:
    size = 1 << _TABLE_BITS
    return np.array([math.sin(2 * math.pi * step / size) for step in range(size)])
