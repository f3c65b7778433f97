"""Each defect of pictures trips its own finding, pictures as the offline provider draws them trip none."""

from __future__ import annotations

import contextlib
import io
import struct
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFilter

from tests.quality.media_scenes import (
    PICTURES,
    change_files,
    find,
    find_tripped,
    make_pictures,
    read_evidence,
    with_frame,
    write_files,
)
from workbench.providers.offline.pictures import draw_picture
from workbench.providers.requests import ImageRequest
from workbench.quality.check import FROM_SPEC
from workbench.quality.media.files import Unreadable
from workbench.quality.media.pictures import measure_picture


def paint(colour: tuple[int, ...], size: tuple[int, int] = (64, 64), mode: str = "RGB") -> bytes:
    file = io.BytesIO()
    Image.new(mode, size, colour).save(file, "PNG")
    return file.getvalue()


def redraw(content: bytes, form: str = "PNG", blur: float = 0, share: float = 1) -> bytes:
    with Image.open(io.BytesIO(content)) as opened:
        picture = opened.convert("RGB")
    if blur:
        picture = picture.filter(ImageFilter.GaussianBlur(blur))
    picture = picture.resize((round(picture.width * share), round(picture.height * share)))
    file = io.BytesIO()
    picture.save(file, form)
    return file.getvalue()


def claim_size(width: int, height: int) -> bytes:
    """A PNG of a few bytes whose header promises a huge picture."""
    chunks = [
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(b"\0")),
        (b"IEND", b""),
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in chunks
    )


def test_drawn_pictures_pass(tmp_path: Path) -> None:
    found = find("images", make_pictures(tmp_path))
    assert {name: finding.verdict for name, finding in found.items()} == {
        "images": "pass", "images.blur": "pass", "images.repeats": "pass",
    }  # fmt: skip
    assert found["images"].value == 0
    assert found["images"].columns["picture"]["width"] == 64


@pytest.mark.parametrize(
    "prompt",
    ["a road at night in fog with a black car", "a gray car by day in fog", "two red circles on a blue background",
     "a yellow circle on a white background", "a beige square on a white background", "something unknown"],
)  # fmt: skip
@pytest.mark.parametrize("size", [16, 64, 256])
def test_drawn_pictures_of_little_contrast_are_neither_flat_nor_blurred(prompt: str, size: int) -> None:
    picture = measure_picture(draw_picture(ImageRequest(prompt, 3, size, size)))
    assert picture.fault == ""
    assert picture.blur < 0.5


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (paint((200, 30, 60)), "flat"),
        (paint((0, 0, 0)), "black"),
        (paint((255, 255, 255)), "white"),
        (paint((10, 200, 30, 0), mode="RGBA"), "white"),
        (paint((9, 9, 9)), "black"),
        (b"no picture", "not decodable"),
        (b"", "not decodable"),
        (paint((1, 2, 3))[:40], "not decodable"),
        (claim_size(60_000, 60_000), "not decodable"),
        (claim_size(9_000, 9_000), "too large"),
    ],
    ids=["one colour", "black", "white", "transparent", "nearly black", "text", "no bytes", "cut off", "bomb", "large"],
)
def test_one_picture_that_shows_nothing_is_named_by_its_row(tmp_path: Path, content: bytes, reason: str) -> None:
    evidence = make_pictures(tmp_path)
    change_files(evidence, "picture", [7], lambda _: content)
    found = find("images", evidence)
    assert find_tripped("images", evidence) == {"images"}
    assert list(found["images"].examples) == [7]
    assert found["images"].figures == {reason: 1}
    assert found["images"].fix


def test_paths_are_never_followed_out_of_the_media_folder(tmp_path: Path) -> None:
    folder = tmp_path / "dataset"
    evidence = make_pictures(folder)
    secret = tmp_path / "secret.png"
    secret.write_bytes((folder / evidence.frame["picture"][0]).read_bytes())
    (folder / "media" / "link.png").symlink_to(secret)
    (folder / "media" / "folder").symlink_to(tmp_path)
    paths = evidence.frame["picture"].tolist()
    paths[:6] = [
        str(secret),
        "media/../../secret.png",
        "media/link.png",
        "media/folder/secret.png",
        "data/x.png",
        "media/gone.png",
    ]
    found = find("images", with_frame(evidence, picture=paths))["images"]
    assert found.figures == {"outside media/": 5, "missing": 1}
    assert list(found.examples) == list(range(6))


def test_blurred_pictures_trip_blur_alone(tmp_path: Path) -> None:
    evidence = make_pictures(tmp_path)
    change_files(evidence, "picture", list(range(0, 60, 5)), lambda content: redraw(content, blur=4))
    assert find_tripped("images", evidence) == {"images.blur"}


def test_pictures_that_are_resized_copies_trip_repeats_alone(tmp_path: Path) -> None:
    evidence = make_pictures(tmp_path)
    for row in range(5):
        content = (tmp_path / evidence.frame["picture"][row]).read_bytes()
        change_files(evidence, "picture", [row + 30], lambda _, own=content: redraw(own, "JPEG", share=1.5))
    found = find("images", evidence)
    assert find_tripped("images", evidence) == {"images.repeats"}
    assert list(found["images.repeats"].examples) == [30, 31, 32, 33, 34]


def test_the_gate_of_the_spec_makes_a_miss_a_failure(tmp_path: Path) -> None:
    evidence = make_pictures(tmp_path, text=PICTURES + "quality: {max_broken_media: 0.05}\n")
    change_files(evidence, "picture", [1], lambda _: paint((5, 90, 90)))
    assert find("images", evidence)["images"].verdict == "pass"
    change_files(evidence, "picture", [2, 3, 4], lambda _: paint((5, 90, 90)))
    found = find("images", evidence)["images"]
    assert (found.verdict, found.gated, found.source) == ("fail", True, FROM_SPEC)


def test_pictures_that_are_not_there_yet_are_not_assessed(tmp_path: Path) -> None:
    evidence = replace(make_pictures(tmp_path, text=PICTURES + "quality: {max_broken_media: 0}\n"), folder=None)
    found = find("images", evidence)
    assert [(each.verdict, each.gated) for each in found.values()] == [("not assessed", True)]


def test_a_table_without_pictures_is_not_asked(tmp_path: Path) -> None:
    frame = pd.DataFrame({"number": [1], "caption": ["a"]})
    assert find("images", read_evidence(PICTURES, frame, tmp_path)) == {}


@pytest.mark.parametrize(
    "values",
    [[], [None], [None] * 40, [1.5, float("inf")], [["media/a"], {"a": 1}, 10**30, b"x"],
     ["é\0/…", "media/", "/", "\\", "media"] * 8, ["media/t/picture/000000000.png"]],
)  # fmt: skip
def test_strange_columns_never_raise(tmp_path: Path, values: list[Any]) -> None:
    frame = pd.DataFrame({"picture": pd.Series(values, dtype=object)})
    assert all(each.detail for each in find("images", read_evidence(PICTURES, frame, tmp_path)).values())


def test_two_columns_of_one_name_never_raise(tmp_path: Path) -> None:
    evidence = make_pictures(tmp_path, 3)
    frame = pd.concat([evidence.frame, evidence.frame[["picture"]]], axis=1)
    assert find("images", replace(evidence, frame=frame))["images"].value == 0


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 3_000), st.binary(max_size=30))
def test_damaged_files_are_measured_or_unreadable(cut: int, tail: bytes) -> None:
    content = WHOLE[:cut] + tail + WHOLE[cut + len(tail) :]
    with contextlib.suppress(Unreadable):
        assert np.isfinite(measure_picture(content).spread)


def test_large_sets_are_sampled_and_say_so(tmp_path: Path) -> None:
    evidence = make_pictures(tmp_path, 3)
    change_files(evidence, "picture", [0, 1, 2], lambda content: redraw(content, share=0.25))
    paths = [evidence.frame["picture"][row % 3] for row in range(3_000)]
    found = find("images", replace(evidence, frame=pd.DataFrame({"picture": paths})))
    assert found["images"].rows == 2_000
    assert "sample of 2,000 of 3,000 files" in found["images"].detail
    assert found["images.repeats"].verdict == "warn"


def test_transparent_and_palette_pictures_are_read(tmp_path: Path) -> None:
    own = draw_picture(ImageRequest("a red circle", 1, 64, 64))
    contents = []
    for mode in ("L", "P", "RGBA", "CMYK", "I;16", "1"):
        with Image.open(io.BytesIO(own)) as opened:
            picture = opened.convert("L").convert("I;16") if mode == "I;16" else opened.convert(mode)
        file = io.BytesIO()
        picture.save(file, "JPEG" if mode == "CMYK" else "PNG")
        contents.append(file.getvalue())
    frame = write_files(tmp_path, "picture", "png", contents)
    found = find("images", read_evidence(PICTURES, frame, tmp_path))["images"]
    assert found.columns["picture"]["modes"] == 6
    assert "not decodable" not in found.figures


WHOLE = draw_picture(ImageRequest("a red circle", 1, 48, 48))
