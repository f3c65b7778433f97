"""Each defect of sounds trips its own finding, hums as the offline provider makes them trip none."""

from __future__ import annotations

import contextlib
import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.io import wavfile

from tests.quality.media_scenes import (
    SOUNDS,
    change_files,
    find,
    find_tripped,
    make_sounds,
    read_evidence,
    with_frame,
)
from workbench.providers.sound import encode_wav
from workbench.quality.check import FROM_SPEC
from workbench.quality.media.clips import measure_clip
from workbench.quality.media.files import Unreadable
from workbench.quality.media.loudness import measure_loudness

RATE = 16_000


def read_samples(content: bytes) -> np.ndarray[Any, Any]:
    return np.asarray(wavfile.read(io.BytesIO(content))[1], np.float64) / 32_768


def make_silence(content: bytes) -> bytes:
    return encode_wav(np.zeros(len(read_samples(content))), RATE)


def write_wav(samples: np.ndarray[Any, Any], rate: int = RATE) -> bytes:
    file = io.BytesIO()
    wavfile.write(file, rate, samples)
    return file.getvalue()


def make_tone(decibels: float = 0.0, seconds: float = 3.0, rate: int = 48_000) -> np.ndarray[Any, Any]:
    times = np.arange(round(rate * seconds)) / rate
    return (10 ** (decibels / 20) * np.sin(2 * np.pi * 997 * times)).astype(np.float32)


def test_hums_pass(tmp_path: Path) -> None:
    found = find("sounds", make_sounds(tmp_path))
    assert {name: finding.verdict for name, finding in found.items()} == {
        "sounds": "pass", "sounds.noise": "pass", "sounds.length": "pass", "sounds.repeats": "pass",
    }  # fmt: skip
    assert found["sounds"].columns["sound"]["rate"] == RATE


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (encode_wav(np.zeros(RATE), RATE), "silent"),
        (encode_wav(np.full(RATE, 0.001), RATE), "silent"),
        (encode_wav(np.zeros(0), RATE), "empty"),
        (encode_wav(np.clip(3 * np.sin(np.arange(2 * RATE) / 20), -1, 1), RATE), "clipped"),
        (b"no sound", "not decodable"),
        (b"", "not decodable"),
        (encode_wav(np.zeros(RATE), RATE)[:30], "not decodable"),
    ],
    ids=["zeros", "faint", "no samples", "too loud", "text", "no bytes", "cut off"],
)
def test_one_clip_that_cannot_be_used_is_named_by_its_row(tmp_path: Path, content: bytes, reason: str) -> None:
    evidence = make_sounds(tmp_path)
    change_files(evidence, "sound", [11], lambda _: content)
    found = find("sounds", evidence)
    assert found["sounds"].verdict == "warn"
    assert list(found["sounds"].examples) == [11]
    assert found["sounds"].figures == {reason: 1}
    assert find_tripped("sounds", evidence) <= {"sounds", "sounds.length"}


def test_clips_buried_in_noise_trip_noise_alone(tmp_path: Path) -> None:
    evidence = make_sounds(tmp_path)
    draw = np.random.default_rng(1)

    def bury(content: bytes) -> bytes:
        samples = read_samples(content)
        return encode_wav(0.5 * samples + draw.normal(0, 0.1, len(samples)), RATE)

    change_files(evidence, "sound", list(range(0, 60, 6)), bury)
    assert find_tripped("sounds", evidence) == {"sounds.noise"}


def test_clips_cut_short_or_drawn_out_trip_length_alone(tmp_path: Path) -> None:
    evidence = make_sounds(tmp_path)
    long = [row for row in range(60) if row % 13 > 6][:4]
    change_files(evidence, "sound", long[:2], lambda content: encode_wav(read_samples(content)[: RATE // 2], RATE))
    change_files(evidence, "sound", long[2:], lambda content: encode_wav(np.tile(read_samples(content), 3), RATE))
    assert find_tripped("sounds", evidence) == {"sounds.length"}
    assert list(find("sounds", evidence)["sounds.length"].examples) == long


def test_clips_that_are_quieter_copies_trip_repeats(tmp_path: Path) -> None:
    evidence = make_sounds(tmp_path)
    same = [row for row in range(13, 60) if row % 13 == 0]
    own = read_samples((tmp_path / evidence.frame["sound"][0]).read_bytes())
    change_files(evidence, "sound", same, lambda _: encode_wav(0.4 * own, RATE))
    found = find("sounds", evidence)
    assert "sounds.repeats" in find_tripped("sounds", evidence)
    assert list(found["sounds.repeats"].examples) == same


def test_the_gate_of_the_spec_makes_a_miss_a_failure(tmp_path: Path) -> None:
    evidence = make_sounds(tmp_path, 40, SOUNDS + "quality: {max_broken_media: 0.01}\n")
    change_files(evidence, "sound", [3], make_silence)
    found = find("sounds", evidence)["sounds"]
    assert (found.verdict, found.gated, found.source) == ("fail", True, FROM_SPEC)


def test_a_text_of_columns_that_the_dataset_lacks_is_no_reason_to_judge_lengths(tmp_path: Path) -> None:
    evidence = make_sounds(tmp_path, 35)
    assert "sounds.length" not in find("sounds", replace(evidence, frame=evidence.frame.drop(columns="text")))


def test_sounds_that_are_not_there_yet_are_not_assessed(tmp_path: Path) -> None:
    found = find("sounds", replace(make_sounds(tmp_path, 3), folder=None))
    assert [each.verdict for each in found.values()] == ["not assessed"]


@pytest.mark.parametrize(
    ("samples", "decibels"),
    [
        (make_tone(), -3.01),
        (np.column_stack([make_tone(-23), make_tone(-23)]), -23.0),
        (make_tone(-40, rate=16_000), -43.0),
    ],
)
def test_loudness_is_that_of_the_recommendation(samples: np.ndarray[Any, Any], decibels: float) -> None:
    """BS.1770: a tone of 997 Hz at full scale in one channel has -3.01 LUFS; EBU Tech 3341 gives the second case."""
    rate = 16_000 if decibels == -43.0 else 48_000
    loudness = measure_loudness(samples.reshape(len(samples), -1), rate)
    assert loudness == pytest.approx(decibels, abs=0.1)


def test_loudness_of_too_little_or_of_nothing_is_none() -> None:
    assert measure_loudness(make_tone(seconds=0.3).reshape(-1, 1), 48_000) is None
    assert measure_loudness(np.zeros((48_000, 1), np.float32), 48_000) is None


@pytest.mark.parametrize("kind", ["uint8", "int16", "int32", "float32", "float64"])
def test_samples_of_any_kind_have_the_same_figures(kind: str) -> None:
    tone = make_tone(-6, 1.0, RATE).astype(np.float64)
    scaled = {"uint8": tone * 127 + 128, "int16": tone * 32_767, "int32": tone * (2**31 - 1)}.get(kind, tone)
    clip = measure_clip(write_wav(scaled.astype(kind)))
    assert (clip.rate, clip.channels, clip.fault) == (RATE, 1, "")
    assert clip.level == pytest.approx(-9.03, abs=0.2)
    assert clip.peak == pytest.approx(0.501, abs=0.01)


def test_silence_before_and_after_is_measured() -> None:
    tone = make_tone(-6, 1.0, RATE)
    clip = measure_clip(write_wav(np.concatenate([np.zeros(RATE // 2), tone, np.zeros(RATE)]).astype(np.float32)))
    assert (clip.leading, clip.trailing) == pytest.approx((0.5, 1.0), abs=0.02)
    assert clip.silence == pytest.approx(0.6, abs=0.02)


@pytest.mark.parametrize(
    "values",
    [
        [],
        [None],
        [None] * 40,
        [1.5, float("inf")],
        [["media/a"], {"a": 1}, 10**30, b"x"],
        ["é\0/…", "media/", "/"] * 12,
    ],
)
def test_strange_columns_never_raise(tmp_path: Path, values: list[Any]) -> None:
    frame = pd.DataFrame({"sound": pd.Series(values, dtype=object), "text": pd.Series(values, dtype=object)})
    assert all(each.detail for each in find("sounds", read_evidence(SOUNDS, frame, tmp_path)).values())


def test_texts_of_any_kind_never_raise(tmp_path: Path) -> None:
    evidence = make_sounds(tmp_path, 36)
    for values in ([None] * 36, [10**30] * 36, [["a"], {"b": 1}, ""] * 12, [float("nan")] * 36):
        assert find("sounds", with_frame(evidence, text=pd.Series(values, dtype=object)))["sounds"].value == 0


@settings(max_examples=80, deadline=None)
@given(st.integers(0, 120), st.binary(max_size=30))
def test_damaged_files_are_measured_or_unreadable(cut: int, tail: bytes) -> None:
    with contextlib.suppress(Unreadable):
        assert np.isfinite(measure_clip(WHOLE[:cut] + tail + WHOLE[cut + len(tail) :]).level)


WHOLE = encode_wav(np.sin(np.arange(2_000) / 9), 8_000)
