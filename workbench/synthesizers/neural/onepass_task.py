"""What training tasks of one-pass synthesizers have in common: the rows they learn from, and how rows are made live."""

from __future__ import annotations

from typing import Generic, TypeVar

import numpy as np
import torch

from workbench.synthesizers.neural.averaging import RunningMean
from workbench.synthesizers.neural.conditioning import ConditionSampler
from workbench.synthesizers.neural.encoding import EncodedRows, TableEncoder
from workbench.synthesizers.neural.onepass import RowMaker, make_live_rows
from workbench.synthesizers.neural.tensors import RowTensors
from workbench.synthesizers.profile import RealTable
from workbench.synthesizers.synthesizer import Made

_Maker = TypeVar("_Maker", bound=RowMaker)


class OnePassTask(Generic[_Maker]):
    """A task whose rows are made with the running mean of its maker's weights, which the fit ends with.

    A type's own class builds its networks and sets `_mean`. `batch` are the rows of a step.
    """

    kept = ("average",)
    _mean: RunningMean[_Maker]

    def __init__(
        self,
        encoder: TableEncoder,
        rows: EncodedRows,
        table: RealTable,
        label: str | None,
        batch: int,
        device: torch.device,
    ) -> None:
        self._encoder, self._table, self._label = encoder, table, label
        self._batch, self._device = batch, device
        self._sizes = encoder.sizes.tolist()
        self._sampler = ConditionSampler(encoder, rows, label)
        self._tensors = RowTensors(encoder, rows, device)
        self._column_of = torch.as_tensor(encoder.column_of, device=device)

    def make_rows(self, generator: np.random.Generator, count: int) -> Made:
        """Rows as the finished model would make them were the training over."""
        return make_live_rows(self._encoder, self._mean.module, self._label, self._table, generator, count)
