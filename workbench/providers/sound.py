"""Sound as the columns keep it: WAV files of 16 bits and one channel, and what can be measured of such a file.

The `wave` module of the standard library writes and reads them: no codec is needed, and a file holds no time stamp, so
that its bytes depend on the samples alone. This module is imported with every command, hence numpy only where needed.
"""

from __future__ import annotations

import io
import math
import wave
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_FULL_SCALE = 32767
_FRAME_SECONDS = 0.01
_SILENCE = 10 ** (-50 / 20)  # -50 dB of full scale: the noise floor of a quiet room


@dataclass(frozen=True, slots=True)
class SoundFacts:
    """A sound in numbers. `peak` and `rms` (root mean square) are shares of full scale, from 0 to 1.

    `silence` is the share of its 10 ms frames whose root mean square is below -50 dB of full scale.
    """

    rate: int
    channels: int
    seconds: float
    peak: float
    rms: float
    silence: float


def encode_wav(samples: NDArray[Any], rate: int) -> bytes:
    """A WAV file of one channel and 16 bits from samples of shape (n,), `rate` of them a second.

    Integers are taken as they are, fractions as shares of full scale; what is louder than full scale is cut there.
    """
    import numpy as np

    if np.issubdtype(samples.dtype, np.integer):
        whole = samples
    else:
        whole = np.rint(np.clip(np.nan_to_num(samples), -1.0, 1.0) * _FULL_SCALE)
    return wrap_pcm(whole.astype("<i2").tobytes(), rate)


def wrap_pcm(content: bytes, rate: int) -> bytes:
    """A WAV file around raw samples of one channel and 16 bits, little-endian; half a sample at the end is dropped."""
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(rate)
        out.writeframes(content[: len(content) // 2 * 2])
    return file.getvalue()


def measure_wav(content: bytes) -> SoundFacts:
    """What a WAV file of 16 bits holds. Raises ValueError where it is none."""
    import numpy as np

    try:
        with wave.open(io.BytesIO(content)) as file:
            rate, channels, width = file.getframerate(), file.getnchannels(), file.getsampwidth()
            raw = file.readframes(file.getnframes())
    except (wave.Error, EOFError) as error:
        raise ValueError(f"it is no WAV file: {error or 'it ends too early'}") from error
    if width != 2 or rate <= 0:
        raise ValueError(f"its samples have {8 * width} bits instead of 16")
    whole = np.frombuffer(raw[: len(raw) // (2 * channels) * (2 * channels)], "<i2").reshape(-1, channels)
    samples = whole.astype(np.float64) / (_FULL_SCALE + 1)
    return SoundFacts(
        rate=rate,
        channels=channels,
        seconds=len(samples) / rate,
        peak=float(np.abs(samples).max(initial=0.0)),
        rms=_find_rms(samples),
        silence=_find_silence(samples, rate),
    )


def _find_rms(samples: NDArray[np.float64]) -> float:
    return math.sqrt(float((samples * samples).mean())) if samples.size else 0.0


def _find_silence(samples: NDArray[np.float64], rate: int) -> float:
    length = max(1, round(rate * _FRAME_SECONDS))
    frames = [samples[start : start + length] for start in range(0, len(samples), length)]
    return sum(_find_rms(frame) < _SILENCE for frame in frames) / len(frames) if frames else 1.0
