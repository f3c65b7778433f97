"""Loudness as people hear it: integrated loudness of Recommendation ITU-R BS.1770-5 (2023), in LUFS.

Samples pass two filters, a shelf for the head and a high pass; the power of blocks of 0.4 s is then averaged over the
blocks that are not far quieter than the others.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

_BLOCK_SECONDS, _STEP_SECONDS = 0.4, 0.1
_OFFSET = -0.691
_ABSOLUTE_GATE, _RELATIVE_GATE = -70.0, -10.0

# The analog prototypes behind the table of coefficients for 48 kHz, as libebur128 has them: so other rates can be
# filtered too.
_SHELF_HERTZ, _SHELF_DECIBELS, _SHELF_Q = 1681.974450955533, 3.999843853973347, 0.7071752369554196
_PASS_HERTZ, _PASS_Q = 38.13547087602444, 0.5003270373238773


def measure_loudness(samples: NDArray[np.float32], rate: int) -> float | None:
    """The loudness of samples of shape (n, channels), None for less than 0.4 s or where nothing is above -70 LUFS.

    Channels have the weight 1, as those at the front do.
    """
    from scipy.signal import sosfilt

    block, step = round(_BLOCK_SECONDS * rate), round(_STEP_SECONDS * rate)
    if step < 1 or len(samples) < block:
        return None
    power = np.square(sosfilt(_make_filters(rate), samples, axis=0), dtype=np.float64).sum(axis=1)
    total = np.concatenate([[0.0], np.cumsum(power)])
    starts = np.arange(0, len(power) - block + 1, step)
    blocks = np.maximum((total[starts + block] - total[starts]) / block, 1e-20)
    levels = _OFFSET + 10 * np.log10(blocks)
    kept = blocks[levels > _ABSOLUTE_GATE]
    if not len(kept):
        return None
    relative = _OFFSET + 10 * math.log10(float(kept.mean())) + _RELATIVE_GATE
    kept = blocks[(levels > _ABSOLUTE_GATE) & (levels > relative)]
    return _OFFSET + 10 * math.log10(float(kept.mean()))


def _make_filters(rate: int) -> NDArray[np.float64]:
    """Both filters as second-order sections, shape (2, 6)."""
    k = math.tan(math.pi * min(_SHELF_HERTZ / rate, 0.49))
    high = 10 ** (_SHELF_DECIBELS / 20)
    middle = high**0.4996667741545416
    norm = 1 + k / _SHELF_Q + k * k
    shelf = [
        (high + middle * k / _SHELF_Q + k * k) / norm,
        2 * (k * k - high) / norm,
        (high - middle * k / _SHELF_Q + k * k) / norm,
        1.0,
        2 * (k * k - 1) / norm,
        (1 - k / _SHELF_Q + k * k) / norm,
    ]
    k = math.tan(math.pi * min(_PASS_HERTZ / rate, 0.49))
    norm = 1 + k / _PASS_Q + k * k
    high_pass = [1.0, -2.0, 1.0, 1.0, 2 * (k * k - 1) / norm, (1 - k / _PASS_Q + k * k) / norm]
    return np.array([shelf, high_pass])
