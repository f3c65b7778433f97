"""The vector of a text without a model: its runs of characters, hashed into 64 numbers.

Texts that share words are close, whatever they mean. Hashing with signs keeps the expected dot product that of the
counts (Weinberger, Dasgupta, Langford, Smola, Attenberg: Feature Hashing for Large Scale Multitask Learning, 2009).
"""

from __future__ import annotations

import math
import re
import zlib

DIMENSIONS = 64
_RUNS = (3, 4, 5)
_BLANKS = re.compile(r"\W+")


def embed_text(text: str) -> tuple[float, ...]:
    """`DIMENSIONS` numbers with a length of 1; the same for texts that differ in case or punctuation only."""
    counts = [0] * DIMENSIONS
    for word in _BLANKS.sub(" ", text.casefold()).split() or [""]:
        marked = f"<{word}>"
        for size in _RUNS:
            for start in range(max(1, len(marked) - size + 1)):
                bits = zlib.crc32(marked[start : start + size].encode("utf-8", "replace"))
                counts[bits % DIMENSIONS] += 1 if bits >> 31 else -1
    length = math.sqrt(sum(count * count for count in counts))
    if length == 0:
        # Opposite signs can cancel out; a text still needs a direction.
        return (1.0, *[0.0] * (DIMENSIONS - 1))
    return tuple(count / length for count in counts)
