"""Outcomes: the good ends that rows come to, such as a loan that is paid back, as 1, 0 and unknown for each row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from workbench.files import clean_text
from workbench.quality.cells import find_scale, is_flag, read_numbers, read_texts, take_column

if TYPE_CHECKING:
    import pandas as pd

_MOST_OUTCOMES = 10


@dataclass(frozen=True, slots=True)
class Outcome:
    """One value of an outcome. `values` has an array for each frame, shape (rows,): 1, 0, or NaN where unknown."""

    words: str
    values: list[NDArray[np.float64]]


def read_outcomes(frames: list[pd.DataFrame], name: str, favourable: object) -> list[Outcome]:
    """The values of the outcome to compare rates of; none where it has too many, or never the favourable one.

    Of true and false it is true. Of a number with many values it is to be above the median.
    """
    import pandas as pd

    columns = [take_column(frame, name) for frame in frames]
    whole = pd.concat(columns, ignore_index=True)
    words = clean_text(name)[:40]
    if find_scale(whole) is not None:
        numbers = [read_numbers(column) for column in columns]
        joined = numbers[-1][np.isfinite(numbers[-1])]
        different = np.unique(np.concatenate([each[np.isfinite(each)] for each in numbers]))
        if favourable is None and len(different) > _MOST_OUTCOMES and len(joined):
            middle = float(np.median(joined))
            above = [np.where(np.isnan(each), np.nan, each > middle) for each in numbers]
            return [Outcome(f"{words} above the median", above)]
        wanted = [float(value) for value in different] if favourable is None else _to_number(favourable)
        found = [(f"{words}={value:g}", [np.where(np.isnan(each), np.nan, each == value) for each in numbers])
                 for value in wanted]  # fmt: skip
    else:
        texts = [read_texts(column) for column in columns]
        options = sorted(pd.concat(texts).dropna().unique())
        if is_flag(whole) and favourable is None:
            options = [option for option in options if option == "True"]
        elif favourable is not None:
            options = [option for option in options if option.casefold() == str(favourable).casefold()]
        if len(options) > _MOST_OUTCOMES:
            return []
        found = [(f"{words}={clean_text(option)[:40]}",
                  [np.where(each.isna(), np.nan, (each == option).to_numpy(np.float64)) for each in texts])
                 for option in options]  # fmt: skip
    if len(found) == 2 and favourable is None:
        found = found[1:] + found[:1]
    return [Outcome(label, values) for label, values in found if np.nansum(values[0]) + np.nansum(values[-1]) > 0]


def _to_number(value: object) -> list[float]:
    try:
        return [float(value)]  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return []
