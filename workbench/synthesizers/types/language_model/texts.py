"""Values as texts of a fixed form, and which character may come next in one: of numbers and of moments in time.

A text is valid when it ends within the column's bounds, and it can only be led there by looking ahead: after “1” of a
number up to 15 comes one of 0 to 5, or the end. What may follow is computed from what was written alone.
"""

from __future__ import annotations

import calendar
import math
from functools import lru_cache
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from workbench.columns.values import Values
from workbench.synthesizers.profile import ColumnProfile, find_numbers

END = ","
"""What ends a value."""

NULL = "?"

CHARACTERS = "0123456789-.: e?" + END
"""Everything that such texts are made of."""

MOST_DIGITS = 9
"""Digits that tell apart the numbers of a column, counted from its range; what is finer is rounded."""

FREE_DIGITS = 6
"""The same for numbers of any decimals."""

_FIELDS = ((4, ""), (2, "-"), (2, "-"), (2, " "), (2, ":"), (2, ":"), (6, "."))
"""Digits of year, month, day, hour, minute, second and microsecond, and the mark before each."""

_STEPS = (86_400_000_000, 3_600_000_000, 60_000_000, 1_000_000)
_DAY = _STEPS[0]


class TextForm(Protocol):
    """How the values of a column are written."""

    longest: int
    """Characters of the longest text, with END."""

    def write(self, values: Values) -> list[str]:
        """The text of each value that is not null, without END; what stands for null has no meaning."""

    def follow(self, text: str) -> str:
        """The characters that may come after `text`, END among them where it may end. Never none before the end."""

    def read(self, texts: list[str]) -> NDArray[np.float64]:
        """The numbers that texts stand for, moments in microseconds since 1970."""


def choose_form(profile: ColumnProfile) -> TextForm:
    """The form of a number's or a moment's texts."""
    if profile.kind == "timestamp" and _read_moment(profile.low) and _read_moment(profile.high):
        return MomentForm(profile)
    return NumberForm(profile)


class NumberForm:
    """Whole multiples of a power of ten, written with as many decimals as it has, or with a power of ten behind."""

    def __init__(self, profile: ColumnProfile) -> None:
        half = profile.high / 2 - profile.low / 2
        order = math.floor(math.log10(half) + math.log10(2)) if half > 0 else 0
        wanted = profile.decimals if profile.kind == "double" else 0
        self._power = FREE_DIGITS - 1 - order if wanted is None else min(wanted, MOST_DIGITS - 1 - order)
        self._decimals = self._power if 0 <= self._power <= 2 * MOST_DIGITS else 0
        self._tail = f"e{-self._power}" if self._decimals != self._power else ""
        self._low, self._high = self._scale(profile.low), self._scale(profile.high)
        self.longest = max(len(self._show(self._low)), len(self._show(self._high))) + 2
        self.follow = lru_cache(maxsize=65_536)(self._follow)

    def write(self, values: Values) -> list[str]:
        numbers = np.nan_to_num(find_numbers(values)).tolist()
        return [self._show(min(max(self._scale(number), self._low), self._high)) for number in numbers]

    def read(self, texts: list[str]) -> NDArray[np.float64]:
        return np.array(list(map(float, texts)), np.float64)

    def _scale(self, number: float) -> int:
        return round(number * 10.0**self._power)

    def _show(self, scaled: int) -> str:
        digits = str(abs(scaled)).rjust(self._decimals + 1, "0")
        whole = digits[: len(digits) - self._decimals]
        part = f".{digits[len(whole) :]}" if self._decimals else ""
        return f"{'-' if scaled < 0 else ''}{whole}{part}{self._tail}"

    def _follow(self, text: str) -> str:
        sign, bare = ("-", text[1:]) if text.startswith("-") else ("", text)
        whole, point, part = bare.partition(".")
        if self._tail and "e" in bare:
            return (self._tail + END)[len(bare) - bare.index("e")]
        lows = max(1, -self._high) if sign else max(0, self._low)
        highs = -self._low if sign else self._high
        if point:
            rest = self._decimals - len(part)
            if not rest:
                return END
            value = int(whole + part)
            return "".join(mark for mark in "0123456789" if _meets(value * 10 + int(mark), rest - 1, lows, highs))
        found = "-" if not text and self._low < 0 else ""
        if whole and _meets(int(whole), self._decimals, lows, highs):
            found += "." if self._decimals else (self._tail + END)[0]
        if whole == "0":
            return found
        longest = len(str(max(highs, 0)))
        for mark in "0123456789":
            value = int(whole + mark)
            more = range(longest) if value else range(1)
            if any(_meets(value, self._decimals + zeros, lows, highs) for zeros in more):
                found += mark
        return found


class MomentForm:
    """Dates as ISO 8601 has them, and times as finely as the column's are."""

    def __init__(self, profile: ColumnProfile) -> None:
        step = profile.step
        fields = 3 + next((at for at, grain in enumerate(_STEPS) if step % grain == 0), 4)
        self._fields = fields
        self._low = _read_moment(profile.low) or ()
        self._high = _read_moment(profile.high) or ()
        self.longest = sum(width + len(mark) for width, mark in _FIELDS[:fields]) + 1
        self.follow = lru_cache(maxsize=65_536)(self._follow)

    def write(self, values: Values) -> list[str]:
        ends = (_join(self._low), _join(self._high))
        moments = np.clip(find_numbers(Values(values.data)), *ends).tolist()
        return [self._show(_read_moment(moment) or self._low) for moment in moments]

    def read(self, texts: list[str]) -> NDArray[np.float64]:
        return (
            np.array([text.replace(" ", "T") for text in texts], "datetime64[us]").astype(np.int64).astype(np.float64)
        )

    def _show(self, moment: tuple[int, ...]) -> str:
        fields = zip(moment[: self._fields], _FIELDS, strict=False)
        return "".join(f"{mark}{value:0{width}d}" for value, (width, mark) in fields)

    def _follow(self, text: str) -> str:
        known: list[int] = []
        for width, mark in _FIELDS[: self._fields]:
            if mark and not text:
                return mark
            text = text.removeprefix(mark)
            low, high = self._bound(known)
            if len(text) < width:
                rest = width - len(text) - 1
                return "".join(mark for mark in "0123456789" if _meets(int(text + mark), rest, low, high))
            known.append(int(text[:width]))
            text = text[width:]
        return END

    def _bound(self, known: list[int]) -> tuple[int, int]:
        """The lowest and the highest value of the field after those that are known."""
        at = len(known)
        days = calendar.monthrange(known[0], known[1])[1] if at == 2 else 31
        low, high = ((1, 9999), (1, 12), (1, days), (0, 23), (0, 59), (0, 59), (0, 999_999))[at]
        if tuple(known) == self._low[:at]:
            low = self._low[at]
        if tuple(known) == self._high[:at]:
            high = self._high[at]
        return low, high


def _meets(value: int, zeros: int, low: int, high: int) -> bool:
    """Whether a number that begins with `value` and has `zeros` digits more lies within the bounds."""
    scale = 10**zeros
    return bool(value * scale <= high and (value + 1) * scale - 1 >= low)


def _read_moment(microseconds: float) -> tuple[int, ...] | None:
    """Year to microsecond; None outside of the years 1 to 9999."""
    days, rest = divmod(int(microseconds), _DAY)
    date = np.datetime64(days, "D").astype(object)
    if not hasattr(date, "year"):
        return None
    seconds, micro = divmod(rest, 1_000_000)
    return (date.year, date.month, date.day, seconds // 3600, seconds // 60 % 60, seconds % 60, micro)


def _join(moment: tuple[int, ...]) -> float:
    year, month, day, hour, minute, second, micro = moment
    days = int(np.datetime64(f"{year:04d}-{month:02d}-{day:02d}", "D").astype(np.int64))
    return float(days * _DAY + (hour * 3600 + minute * 60 + second) * 1_000_000 + micro)
