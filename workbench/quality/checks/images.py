"""Images: whether pictures can be opened, show anything, are sharp, and differ from one another.

Three findings, which are never blended: `images` counts files that cannot be used (missing, not decodable, one colour,
black or white), `images.blur` those that are blurred, `images.repeats` those that are an earlier one again, resized or
compressed anew. There are seldom real pictures to compare with, so the thresholds are shares of files, and ours.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from workbench.quality.check import Finding, refuse, register_check
from workbench.quality.evidence import Evidence
from workbench.quality.media.files import MediaColumn, Unreadable, list_media, read_media_file
from workbench.quality.media.judging import (
    GENERATE,
    MOST_FILES,
    Measured,
    choose_files,
    find_hindrance,
    judge_share,
    judge_usable,
    keep_worst,
    measure_files,
)
from workbench.quality.media.pictures import BLURRED, Picture, find_twins, measure_picture, open_picture

_QUESTION = "Can every picture be opened, and does it show anything?"
_BLUR = "Are pictures sharp?"
_REPEATS = "Do pictures differ from one another?"
_TOLERATED = 0.05
"""Ours: a higher share of blurred pictures, or of those that repeat an earlier one, is warned of."""
_PIXELS = 150_000_000
_FEWEST_FILES = 100
"""Of large pictures fewer are looked at, some 150 megapixels together, but a hundred at least."""


@register_check("images", _QUESTION, group="content", gate="max_broken_media")
def check_images(evidence: Evidence) -> list[Finding]:
    """Shares of unusable, blurred and repeated pictures of the worst column. Not asked without pictures."""
    return keep_worst(finding for column in list_media(evidence, "image") for finding in _judge(evidence, column))


def _judge(evidence: Evidence, column: MediaColumn) -> Iterator[Finding]:
    reason = find_hindrance(evidence, column)
    if reason:
        gated = evidence.gates.max_broken_media is not None
        yield from refuse("images", _QUESTION, len(column.paths), reason, gated=gated, fix=GENERATE)
        return
    rows = choose_files(evidence, column, _count_affordable(evidence, column))
    measured = measure_files(evidence, column, measure_picture, rows)
    faults = {row: picture.fault for row, picture in measured.figures.items() if picture.fault}
    fix = "Open the rows named, mend the prompt or the model of the column, and generate them again."
    usable = judge_usable("images", _QUESTION, evidence, measured, faults, fix)
    shown = {row: picture for row, picture in measured.figures.items() if not picture.fault}
    usable.columns[column.name] = _summarise(measured, shown)
    yield usable
    blurred = [row for row, picture in shown.items() if picture.blur > BLURRED]
    yield judge_share(
        "images.blur", _BLUR, evidence, measured, blurred, len(shown), _TOLERATED, "are blurred",
        "Ask the model for more pixels or more steps, or leave such rows out.",
    )  # fmt: skip
    twins = np.array(list(shown))[find_twins(list(shown.values()))].tolist()
    yield judge_share(
        "images.repeats", _REPEATS, evidence, measured, twins, len(shown), _TOLERATED, "repeat an earlier picture",
        "Give the prompt more that varies from row to row, or fewer rows.",
    )  # fmt: skip


def _count_affordable(evidence: Evidence, column: MediaColumn) -> int:
    """How many pictures of the size of the first one may be looked at."""
    assert evidence.folder is not None
    for path in list(column.paths.values())[:10]:
        try:
            picture, _ = open_picture(read_media_file(evidence.folder, path))
        except Unreadable:
            continue
        return min(MOST_FILES, max(_FEWEST_FILES, _PIXELS // max(picture.width * picture.height, 1)))
    return MOST_FILES


def _summarise(measured: Measured[Picture], shown: dict[int, Picture]) -> dict[str, float | None]:
    """What a reader of the report may want to know of a column's pictures."""
    every = list(measured.figures.values())

    def find_median(values: list[float]) -> float | None:
        return float(np.median(values)) if values else None

    return {
        "without": float(measured.column.without),
        "sizes": float(len({picture.size for picture in every})),
        "modes": float(len({picture.mode for picture in every})),
        "width": find_median([picture.size[0] for picture in every]),
        "height": find_median([picture.size[1] for picture in every]),
        "brightness": find_median([picture.brightness for picture in every]),
        "spread": find_median([picture.spread for picture in shown.values()]),
        "blur": find_median([picture.blur for picture in shown.values()]),
        "laplacian_variance": find_median([picture.sharpness for picture in shown.values()]),
    }
