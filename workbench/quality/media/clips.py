"""A sound clip in numbers: whether it decodes, can be heard, is cut off at full scale or buried in noise.

WAV files of any usual kind of samples are read; these are what columns of sound hold.
"""

from __future__ import annotations

import io
import math
import struct
import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.quality.media.files import Unreadable
from workbench.quality.media.loudness import measure_loudness

CLIPPED_LEVEL = 0.999
CLIPPED_SHARE = 0.001
"""Of the samples at full scale: a clip with more of them is distorted (ours)."""
SILENT = -50.0
"""Decibels of full scale: the noise floor of a quiet room. A clip of nothing louder is silent."""
SILENT_SHARE = 0.99
TWINS = 0.99
"""Cosine of the spectra over time from which on two clips of one length are the same one. Measured: other readings of
one sentence in one voice have 0.978 at most."""

_FRAME_SECONDS = 0.01
_NOISE_SECONDS = 0.025
_FLOOR = -96.0  # of full scale: what 16 bits can tell from nothing
_BANDS, _PIECES, _WINDOW = 24, 20, 512
_SAME_LENGTH = 0.01


@dataclass(frozen=True, slots=True)
class Clip:
    """Lengths are in seconds, levels in dB of full scale, shares from 0 to 1; `loudness` is in LUFS, None below 0.4 s.

    `snr` is how far the loud tenth of frames of 25 ms is above the quiet tenth, in dB: with pauses in it, as speech
    has, a stand-in for the ratio of signal to noise. `leading` and `trailing` are seconds of silence. `shape` is the
    spectrum over time as a vector of length 1, shape (480,). `fault` is “empty”, “silent” or “clipped”, or empty.
    """

    rate: int
    channels: int
    seconds: float
    peak: float
    level: float
    loudness: float | None
    clipped: float
    silence: float
    leading: float
    trailing: float
    snr: float
    shape: NDArray[np.float32]
    fault: str


def open_clip(content: bytes) -> tuple[NDArray[np.float32], int]:
    """Samples of shape (n, channels) from -1 to 1, and how many there are a second.

    Raises Unreadable for what is no sound.
    """
    from scipy.io import wavfile

    try:
        with warnings.catch_warnings(action="ignore"):
            rate, samples = wavfile.read(io.BytesIO(content))
    except (ValueError, TypeError, KeyError, IndexError, ArithmeticError, EOFError, OSError, MemoryError,
            UnboundLocalError, struct.error) as error:  # fmt: skip
        raise Unreadable("not decodable") from error
    if rate <= 0 or samples.ndim not in (1, 2) or 0 in samples.shape[1:]:
        raise Unreadable("not decodable")
    if samples.dtype == np.uint8:
        scaled = (samples.astype(np.float32) - 128) / 128
    elif np.issubdtype(samples.dtype, np.integer):
        scaled = samples.astype(np.float32) / float(np.iinfo(samples.dtype).max + 1)
    else:
        scaled = np.nan_to_num(samples.astype(np.float32), nan=0.0, posinf=1.0, neginf=-1.0)
    return (scaled[:, None] if scaled.ndim == 1 else scaled), int(rate)


def measure_clip(content: bytes) -> Clip:
    """The figures of a sound file. Raises Unreadable for what is none."""
    samples, rate = open_clip(content)
    mono = samples.mean(axis=1) if samples.size else np.zeros(0, np.float32)
    levels = _measure_frames(mono, max(1, round(rate * _FRAME_SECONDS)))
    heard = np.flatnonzero(levels >= SILENT)
    clipped = float((np.abs(samples) >= CLIPPED_LEVEL).mean()) if samples.size else 0.0
    silence = 1.0 - len(heard) / len(levels) if len(levels) else 1.0
    return Clip(
        rate=rate,
        channels=samples.shape[1],
        seconds=len(samples) / rate,
        peak=float(np.abs(samples).max(initial=0.0)),
        level=_to_decibels(float(np.mean(np.square(mono, dtype=np.float64))) if mono.size else 0.0),
        loudness=measure_loudness(samples, rate),
        clipped=clipped,
        silence=silence,
        leading=float(heard[0] if len(heard) else len(levels)) * _FRAME_SECONDS,
        trailing=float(len(levels) - 1 - heard[-1] if len(heard) else len(levels)) * _FRAME_SECONDS,
        snr=_measure_snr(mono, rate),
        shape=_measure_shape(mono),
        fault=_find_fault(len(samples), silence, clipped),
    )


def find_twins(clips: list[Clip]) -> NDArray[np.bool_]:
    """For each clip whether it is nearly the same as an earlier one of the same length, shape (clips,)."""
    repeats = np.zeros(len(clips), np.bool_)
    if len(clips) < 2:
        return repeats
    shapes = np.stack([clip.shape for clip in clips])
    seconds = np.array([clip.seconds for clip in clips])
    for place in range(1, len(clips)):
        same = np.flatnonzero(np.abs(seconds[:place] - seconds[place]) <= _SAME_LENGTH * seconds[place])
        repeats[place] = bool(len(same)) and float((shapes[same] @ shapes[place]).max()) >= TWINS
    return repeats


def measure_spectrum(mono: NDArray[np.float32]) -> NDArray[np.float64]:
    """The power of 24 bands, each wider than the one below, in windows of 512 samples: shape (windows, 24)."""
    whole = len(mono) // _WINDOW * _WINDOW
    if not whole:
        return np.zeros((0, _BANDS))
    power = np.abs(np.fft.rfft(mono[:whole].reshape(-1, _WINDOW) * np.hanning(_WINDOW).astype(np.float32))) ** 2
    edges = np.unique(np.geomspace(2, _WINDOW // 2, _BANDS + 1).astype(np.int64))
    bands: NDArray[np.float64] = np.add.reduceat(power[:, : _WINDOW // 2], edges[:-1], axis=1)
    # Low bands of less than a whole step fall together: the others are repeated, so that the shape is always the same.
    return np.pad(bands, ((0, 0), (0, _BANDS - bands.shape[1])), mode="edge")


def _find_fault(samples: int, silence: float, clipped: float) -> str:
    if not samples:
        return "empty"
    if silence >= SILENT_SHARE:
        return "silent"
    return "clipped" if clipped > CLIPPED_SHARE else ""


def _measure_frames(mono: NDArray[np.float32], length: int) -> NDArray[np.float64]:
    """The level of each whole frame of `length` samples; that of all where they make no frame."""
    whole = len(mono) // length * length
    frames = mono[:whole].reshape(-1, length) if whole else mono.reshape(1, -1)[:, : len(mono)]
    if not frames.size:
        return np.zeros(0)
    power = np.mean(np.square(frames, dtype=np.float64), axis=1)
    return np.asarray(10 * np.log10(np.maximum(power, 10 ** (_FLOOR / 10))), np.float64)


def _measure_snr(mono: NDArray[np.float32], rate: int) -> float:
    levels = _measure_frames(mono, max(1, round(rate * _NOISE_SECONDS)))
    if not len(levels):
        return 0.0
    loud, quiet = np.percentile(levels, [90, 10])
    return float(loud - quiet)


def _measure_shape(mono: NDArray[np.float32]) -> NDArray[np.float32]:
    bands = measure_spectrum(mono)
    if not len(bands):
        return np.zeros(_BANDS * _PIECES, np.float32)
    logs = np.log(bands + 1e-6)
    edges = np.linspace(0, len(logs), _PIECES + 1).astype(np.int64)[:-1]
    sums = np.add.reduceat(logs, edges, axis=0)
    counts = np.maximum(np.diff([*edges.tolist(), len(logs)]), 1)
    flat = (sums / counts[:, None]).ravel()
    flat -= flat.mean()
    return np.asarray(flat / max(float(np.linalg.norm(flat)), 1e-12), np.float32)


def _to_decibels(power: float) -> float:
    return max(_FLOOR, 10 * math.log10(power)) if power > 0 else _FLOOR
