"""Openings and template families: texts that begin alike, or are alike but for names and numbers."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

_DIGITS = re.compile(r"\d[\d.,:/]*")
_QUOTED = re.compile(r"[\"“«][^\"”»\n]{1,80}[\"”»]")
_NAMES = re.compile(r"(?<![.!?\n] )(?<!^)\b[A-ZÄÖÜÉÈÀÅØ][\w'’-]*(?:[ -][A-ZÄÖÜÉÈÀÅØ][\w'’-]*)*")
_OPENING = 4
_READ = 600
"""Characters of a text that its template is told by."""


def cut_opening(text: str) -> str:
    """The first four words in lower case, numbers alike."""
    return " ".join(_DIGITS.sub("0", text[:200].casefold()).split()[:_OPENING])


def mask_template(text: str) -> str:
    """The text with what is filled in masked: numbers, quotations, and capitalized words within a sentence."""
    masked = _QUOTED.sub("<q>", _DIGITS.sub("0", text[:_READ]))
    return " ".join(_NAMES.sub("<n>", masked).casefold().split())


def find_most_frequent(keys: Sequence[str]) -> tuple[float, list[int], float]:
    """Of at least one key: the share of the most frequent one, its places, and the effective number of keys.

    The effective number is the exponential of the entropy of their shares (Hill, 1973): of equal shares their number.
    """
    counted, codes = np.unique(np.array(keys, object), return_inverse=True)
    counts = np.bincount(codes, minlength=len(counted))
    shares = counts / counts.sum()
    top = int(counts.argmax())
    return float(shares[top]), np.flatnonzero(codes == top).tolist(), float(np.exp(-(shares * np.log(shares)).sum()))
