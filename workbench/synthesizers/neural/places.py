"""Where a number is within its mode, made for every mode apart, so that it always fits the mode that is drawn.

With one place for all modes (as in Xu et al., 2019) a network that is unsure of the mode gives a place that belongs to
another one than is drawn. A place for each mode, as in a mixture density network (Bishop, 1994), costs a few outputs.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from workbench.synthesizers.neural.encoding import TableEncoder


class ModePlaces(nn.Module):
    """Knows which codes of which segments are modes. `count`: the modes of all numbers together.

    A value that is a mode of its own, and null, have the place 0.
    """

    codes: Tensor
    members: Tensor
    segments: Tensor
    firsts: Tensor
    sizes: Tensor
    starts: Tensor

    def __init__(self, encoder: TableEncoder) -> None:
        super().__init__()
        numbers = [column for column in encoder.columns if column.modes is not None]
        codes: list[int] = []
        owners: list[int] = []
        segments: list[int] = []
        firsts: list[int] = []
        sizes: list[int] = []
        starts: list[int] = []
        for column in numbers:
            assert column.modes is not None
            assert column.segment is not None
            first, size = len(column.modes.spikes), len(column.modes.means)
            starts.append(len(codes))
            codes.extend(
                range(int(encoder.starts[column.segment]) + first, int(encoder.starts[column.segment]) + first + size)
            )
            owners.extend([len(segments)] * size)
            segments.append(column.segment)
            firsts.append(first)
            sizes.append(size)
        members = np.zeros((len(codes), len(numbers)), np.float32)
        members[np.arange(len(codes)), owners] = 1.0
        self.count = len(codes)
        for name, array in (
            ("codes", codes), ("members", members), ("segments", segments), ("firsts", firsts), ("sizes", sizes),
            ("starts", starts),
        ):  # fmt: skip
            tensor = torch.as_tensor(np.asarray(array, np.float32 if name == "members" else np.int64))
            self.register_buffer(name, tensor, persistent=False)

    def blend(self, places: Tensor, codes: Tensor) -> Tensor:
        """Scalars (rows, scalars) by the places (rows, count) and how much of each code (rows, codes) a row has."""
        return (places * codes[:, self.codes]) @ self.members

    def choose(self, places: Tensor, codes: Tensor) -> Tensor:
        """Scalars (rows, scalars) by the places (rows, count) of the codes (rows, segments) that rows have."""
        mode = codes[:, self.segments] - self.firsts
        inside = (mode >= 0) & (mode < self.sizes)
        return places.gather(1, torch.where(inside, mode, 0) + self.starts) * inside

    def find_inside(self, codes: Tensor) -> Tensor:
        """Which numbers (rows, scalars) have a place: those that are neither null nor a value that is its own mode."""
        mode = codes[:, self.segments] - self.firsts
        return (mode >= 0) & (mode < self.sizes)
