"""The small model learns a table: batches of rows in shuffled orders, and how well rows kept apart are predicted."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.random import Generator, Philox
from numpy.typing import NDArray
from torch import Tensor

from workbench.columns.streams import derive_key
from workbench.columns.values import Values
from workbench.errors import UsageError
from workbench.synthesizers.neural.training import TrainingPlan, choose_device, train
from workbench.synthesizers.profile import RealTable
from workbench.synthesizers.synthesizer import FitContext, Made
from workbench.synthesizers.types.language_model.layout import DigitRows, RowLayout, lay_out
from workbench.synthesizers.types.language_model.synthesizers import CHUNK_ROWS, SmallLanguageModel
from workbench.synthesizers.types.language_model.transformer import RowTransformer, Shape, score_rows
from workbench.synthesizers.types.language_model.writing import CALIBRATED_ROWS, adjust_by, calibrate, write_rows

if TYPE_CHECKING:
    from workbench.synthesizers.types.language_model import LanguageModelConfig

BATCH_ROWS = 256
LEARNING_RATE = 4e-3
"""Of tables with MANY_ROWS rows or more. With fewer it falls with their root: a few are learned by heart soon."""

MANY_ROWS = 5_000
SEEN_ROWS = 120_000
"""Rows that are seen in all where no epochs are given: a loss stops falling about there."""

FEWEST_EPOCHS, MOST_EPOCHS = 2, 100
UNWATCHED_EPOCHS = 60
"""The most where no rows are kept apart to stop by."""

EVALUATIONS = 25
PATIENCE = 5
MOST_SLOTS = 2048
"""Digits of a row. Time and memory grow with their square."""

_WARM_STEPS = 50
_HEAD_SIZE = 16
_BETAS = (0.9, 0.95)
_WEIGHT_DECAY = 0.1


def fit_small(table: RealTable, config: LanguageModelConfig, context: FitContext) -> SmallLanguageModel:
    """Train from nothing. Raises UsageError for a table of too many columns, StopRequested when asked to stop."""
    layout = lay_out(table, config.given, config.label, private=context.accountant is not None)
    slots = len(layout.widths)
    if slots > MOST_SLOTS:
        raise UsageError(
            f"A language model writes rows of at most {MOST_SLOTS:,} tokens, and these have {slots:,}.",
            "Name fewer “columns”, or choose another type of synthesizer, such as gaussian_copula.",
        )
    device = choose_device(context.device)
    model = make_model(layout, config, context.seed).to(device)
    accountant = context.accountant
    if accountant is None:
        most = UNWATCHED_EPOCHS if context.validation is None else MOST_EPOCHS
        task = SmallTask(model, layout, table, config, most)
    else:
        from workbench.synthesizers.types.language_model.private import PrivateTask

        task = PrivateTask(model, layout, table, config, accountant)
    train(task, task.plan, context, identity=identify(table, config, context))
    trained = make_model(layout, config, context.seed)
    trained.load_state_dict(model.state_dict())
    model = trained.eval()
    generator = Generator(Philox(key=derive_key(context.seed, "calibration")))
    given = _draw_given(table, config, generator) if accountant is None else {}
    offsets = calibrate(model, layout, generator, config.temperature, given)
    context.figures["parameters"] = sum(weight.numel() for weight in model.parameters())
    return SmallLanguageModel(layout, model, offsets, config.temperature)


def make_model(layout: RowLayout, config: LanguageModelConfig, seed: int) -> RowTransformer:
    """A model for the layout, its weights drawn from the seed."""
    heads = math.gcd(config.hidden_size, max(1, config.hidden_size // _HEAD_SIZE))
    shape = Shape(layout.widths, layout.levels, layout.ordered, config.hidden_size, config.layers, heads)
    weights = torch.Generator().manual_seed(int(derive_key(seed, "weights")[0] >> np.uint64(1)))
    return RowTransformer(shape, weights)


class SmallTask:
    """What the training loop of all neural synthesizers asks for."""

    kept = ("model",)

    def __init__(
        self,
        model: RowTransformer,
        layout: RowLayout,
        table: RealTable,
        config: LanguageModelConfig,
        most_epochs: int = MOST_EPOCHS,
    ) -> None:
        self._model = model
        self._forward: Callable[[Tensor, Tensor], Tensor] = model
        self._layout = layout
        self._config = config
        self._rows = layout.spell(table.columns, table.rows)
        self._batch = min(config.batch_size or BATCH_ROWS, table.rows)
        epochs = config.epochs or min(max(round(SEEN_ROWS / table.rows), FEWEST_EPOCHS), most_epochs)
        per_epoch = math.ceil(table.rows / self._batch)
        steps = epochs * per_epoch
        self.plan = TrainingPlan(steps, per_epoch, max(1, steps // EVALUATIONS), PATIENCE)
        self._rate = config.learning_rate or LEARNING_RATE * min(1.0, math.sqrt(table.rows / MANY_ROWS))
        self._optimizer = torch.optim.AdamW(model.parameters(), lr=self._rate, betas=_BETAS, weight_decay=_WEIGHT_DECAY)
        self.modules: Mapping[str, torch.nn.Module] = {"model": model}
        self.optimizers: Mapping[str, torch.optim.Optimizer] = {"model": self._optimizer}

    def step(self, generator: Generator) -> Mapping[str, Tensor]:
        """One step on rows at random."""
        chosen = generator.integers(0, len(self._rows), self._batch)
        orders = self._layout.draw_orders(generator, self._batch)
        loss = self._score(self._rows, chosen, orders).mean()
        self._optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self._model.parameters(), 1.0)
        done = next((int(state["step"]) for state in self._optimizer.state.values()), 0)
        self._optimizer.param_groups[0]["lr"] = self._rate * find_rate(done, self.plan.steps)
        self._optimizer.step()
        return {"loss": loss.detach() / self._tokens}

    def measure_loss(self, validation: RealTable) -> float:
        """The mean negative log-likelihood of a token of rows in their natural order, in nats."""
        rows = self._layout.spell(validation.columns, validation.rows)
        slots = [place for _, _, place in self._layout.find_slots(self._layout.natural)]
        total = 0.0
        with torch.no_grad():
            for start in range(0, len(rows), CHUNK_ROWS):
                chosen = np.arange(start, min(start + CHUNK_ROWS, len(rows)))
                total += float(self._score(rows, chosen, np.tile(slots, (len(chosen), 1))).sum())
        return total / len(rows) / self._tokens

    def make_rows(self, generator: Generator, count: int) -> Made:
        """Rows by the weights of the moment."""
        return write_rows(self._model, self._layout, generator, count, {}, adjust_by({}, self._config.temperature))

    @property
    def _tokens(self) -> int:
        return len(self._layout.widths)

    def _score(self, rows: DigitRows, chosen: NDArray[np.int64], orders: NDArray[np.int64]) -> Tensor:
        device = self._model.offsets.device
        digits = torch.as_tensor(rows.digits[chosen], device=device).long()
        allowed = torch.as_tensor(rows.allowed[chosen], device=device)
        return score_rows(self._forward(digits, torch.as_tensor(orders, device=device)), digits, allowed)


def find_rate(step: int, steps: int) -> float:
    """The share of the learning rate at a step: a short rise, then half a cosine down to a twentieth."""
    warm = min(1.0, (step + 1) / min(_WARM_STEPS, max(1, steps // 10)))
    return warm * (0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * min(step / steps, 1.0))))


def _draw_given(table: RealTable, config: LanguageModelConfig, generator: Generator) -> dict[str, Values]:
    """Real values of the columns that are always given, to calibrate the others under them."""
    names = [name for name in config.given if name in table.columns]
    rows = generator.integers(0, table.rows, CALIBRATED_ROWS)
    return {name: table.columns[name].take(rows) for name in names}


def identify(table: RealTable, config: LanguageModelConfig, context: FitContext) -> str:
    """What a checkpoint must have been made with to be gone on from."""
    plain = replace(table.profile, notes=())
    return derive_key(repr(plain), config.model_dump_json(), context.seed).tobytes().hex()
