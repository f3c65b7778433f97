"""What is written as WAV is measured as what it was."""

from __future__ import annotations

from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.providers.sound import encode_wav, measure_wav, wrap_pcm


def test_a_tone_between_two_pauses_is_measured() -> None:
    tone = 0.5 * np.sin(np.arange(8_000) * 2 * np.pi * 440 / 16_000)
    sound = measure_wav(encode_wav(np.concatenate([np.zeros(4_000), tone, np.zeros(4_000)]), 16_000))
    assert (sound.rate, sound.channels, sound.seconds) == (16_000, 1, 1.0)
    assert sound.peak == pytest.approx(0.5, abs=1e-3)
    assert sound.rms == pytest.approx(0.5 / np.sqrt(2) * np.sqrt(0.5), abs=1e-3)
    assert sound.silence == pytest.approx(0.5, abs=0.02)


def test_fractions_beyond_full_scale_are_cut_and_integers_kept() -> None:
    assert (
        encode_wav(np.array([2.0, -2.0, 0.5, np.nan]), 8_000)[44:]
        == np.array([32767, -32767, 16384, 0], "<i2").tobytes()
    )
    whole = np.array([-32768, 5, 32767], np.int16)
    assert encode_wav(whole, 8_000) == wrap_pcm(whole.astype("<i2").tobytes(), 8_000)


def test_an_empty_sound_is_silent() -> None:
    sound = measure_wav(encode_wav(np.zeros(0), 8_000))
    assert (sound.seconds, sound.peak, sound.rms, sound.silence) == (0, 0, 0, 1)


@given(st.binary(max_size=200))
def test_raw_samples_come_back_and_half_a_sample_is_dropped(content: bytes) -> None:
    wav = wrap_pcm(content, 24_000)
    assert wav[44:] == content[: len(content) // 2 * 2]
    assert measure_wav(wav).seconds == pytest.approx(len(content) // 2 / 24_000)


@given(st.binary(max_size=100) | st.binary(max_size=60).map(lambda tail: b"RIFF\x00\x00\x00\x00WAVEfmt " + tail))
def test_what_is_no_wav_file_raises_nothing_but_value_errors(content: bytes) -> None:
    with suppress(ValueError):
        measure_wav(content)
