"""`uuid`: a random identifier in the form of RFC 9562, version 4. Two rows have the same one with chance 2**-122."""

from __future__ import annotations

from typing import Literal

import numpy as np

from workbench.columns.column_type import Maker, Row, TableContext, register
from workbench.columns.sampling import SamplerConfig, drop_missing
from workbench.columns.streams import Draws
from workbench.columns.values import Values, make_text_array

_VERSION_MASK = np.uint64(0xFFFFFFFFFFFF0FFF)
_VERSION = np.uint64(0x4000)
_VARIANT_MASK = np.uint64(0x3FFFFFFFFFFFFFFF)
_VARIANT = np.uint64(0x8000000000000000)


class UuidConfig(SamplerConfig):
    """A random identifier such as 1b9d6bcd-bbfd-4b2d-9b5d-ab8dfbbd4bed."""

    type: Literal["uuid"]


def make(config: UuidConfig, context: TableContext) -> Maker:
    """Two draws of 64 bits, with the bits of version and variant set."""

    def values(draws: Draws, inputs: Row) -> Values:
        high = (draws.bits("high") & _VERSION_MASK) | _VERSION
        low = (draws.bits("low") & _VARIANT_MASK) | _VARIANT
        words = np.stack([high, low], axis=1).astype(">u8")
        digits = words.tobytes().hex()
        texts = []
        for start in range(0, len(digits), 32):
            part = digits[start : start + 32]
            texts.append(f"{part[:8]}-{part[8:12]}-{part[12:16]}-{part[16:20]}-{part[20:]}")
        return drop_missing(config, draws, make_text_array(texts))

    return Maker("string", values, unique=not config.missing)


register(UuidConfig, make, group="samplers", example="{name: trace_id, type: uuid}")
