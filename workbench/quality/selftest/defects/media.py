"""Files that are unusable, repeated, or of another row: flat pictures, silent and clipped sounds, shuffled captions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from workbench.quality.evidence import Evidence
from workbench.quality.selftest.planting import register_defect
from workbench.quality.selftest.scenes.pictures import PIXELS, save_picture
from workbench.quality.selftest.scenes.sounds import read_sound, save_sound

SPOILED = 1
"""Files that are spoiled, of about a hundred."""
_OTHER = "a file that shows nothing does not go with its text"


@register_defect(
    "flat_picture",
    "one picture is of a single colour",
    scene="pictures",
    trips=("images",),
    consequences={"pairs": _OTHER},
)
def flatten_picture(evidence: Evidence, draw: np.random.Generator) -> Evidence:
    """Put grey pictures in the place of some."""

    def flatten(folder: Path, path: str, name: str) -> str:
        return save_picture(np.full((PIXELS, PIXELS, 3), draw.integers(90, 160), np.uint8), folder, f"flat-{name}")

    return _spoil(evidence, draw, "picture", flatten)


@register_defect(
    "broken_picture",
    "the file of one picture ends in its middle",
    scene="pictures",
    trips=("images",),
    consequences={"pairs": _OTHER},
)
def cut_picture(evidence: Evidence, draw: np.random.Generator) -> Evidence:
    """Put halves of files in the place of some."""

    def cut(folder: Path, path: str, name: str) -> str:
        whole = (folder / path).read_bytes()
        half = Path("media") / f"half-{name}"
        (folder / half).write_bytes(whole[: len(whole) // 2])
        return half.as_posix()

    return _spoil(evidence, draw, "picture", cut)


@register_defect(
    "repeated_pictures",
    "a sixth of the rows show pictures of other rows, a little brighter",
    scene="pictures",
    trips=("images.repeats",),
    consequences={"pairs": "the captions are of other pictures"},
)
def repeat_pictures(evidence: Evidence, draw: np.random.Generator) -> Evidence:
    """Put brighter pictures of other rows in the place of some."""
    from PIL import Image

    folder, frame = _find_folder(evidence), evidence.frame.copy()
    chosen = draw.choice(len(frame), 2 * (len(frame) // 6), replace=False).reshape(2, -1)
    for target, origin in chosen.T.tolist():
        pixels = np.asarray(Image.open(folder / str(frame["picture"].iloc[origin])), np.float64)
        brighter = np.clip(pixels * 1.05 + 3, 0, 255).astype(np.uint8)
        frame.loc[target, "picture"] = save_picture(brighter, folder, f"again-{target}.png")
    return replace(evidence, frame=frame)


@register_defect(
    "shuffled_captions",
    "every caption is that of another picture",
    scene="pictures",
    trips=("pairs",),
)
def shuffle_captions(evidence: Evidence, draw: np.random.Generator) -> Evidence:
    """Shuffle the pictures against all that is said of them."""
    pictures = evidence.frame["picture"].to_numpy()[draw.permutation(len(evidence.frame))]
    return replace(evidence, frame=evidence.frame.assign(picture=pictures))


@register_defect(
    "silent_sound",
    "one sound is silence",
    scene="sounds",
    trips=("sounds",),
    consequences={"pairs": _OTHER},
)
def silence_sound(evidence: Evidence, draw: np.random.Generator) -> Evidence:
    """Put silence, as long as they were, in the place of some."""
    return _spoil(
        evidence,
        draw,
        "sound",
        lambda folder, path, name: save_sound(np.zeros(len(read_sound(folder, path))), folder, f"silent-{name}"),
    )


@register_defect(
    "clipped_sound",
    "one sound is so loud that its waves are cut off",
    scene="sounds",
    trips=("sounds",),
)
def clip_sound(evidence: Evidence, draw: np.random.Generator) -> Evidence:
    """Make some twenty times as loud as they were."""
    return _spoil(
        evidence,
        draw,
        "sound",
        lambda folder, path, name: save_sound(np.clip(20 * read_sound(folder, path), -1, 1), folder, f"loud-{name}"),
    )


def _spoil(
    evidence: Evidence, draw: np.random.Generator, column: str, write: Callable[[Path, str, str], str]
) -> Evidence:
    """Give some rows a file that `write` makes from (folder, path of the old one, its name) in the place of theirs."""
    folder, values = _find_folder(evidence), evidence.frame[column].copy()
    for row in draw.choice(len(values), SPOILED, replace=False).tolist():
        path = str(values.iloc[row])
        values.iloc[row] = write(folder, path, Path(path).name)
    return replace(evidence, frame=evidence.frame.assign(**{column: values}))


def _find_folder(evidence: Evidence) -> Path:
    if evidence.folder is None:
        raise ValueError("this defect needs files")
    return evidence.folder
