"""One training loop for every neural synthesizer: steps, live quality, early stopping, checkpoints and resume.

A type gives a `NeuralTask`; what chance it needs it takes from the numpy generator that it is handed, whose state is
part of a checkpoint. So a fit that was stopped and goes on ends with the same weights as one that never was, and the
same seed on the same machine gives the same model. Quality is that of rows made with the weights of the moment, beside
validation rows: the mean of their fidelity and of their dependence, as losses of a GAN say little of it. A `LossTask`
is scored by its loss on these rows. A private fit has no such rows; then the last weights stay.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, TypeVar, runtime_checkable

import numpy as np
from numpy.random import Generator, Philox

from workbench.columns.streams import derive_key
from workbench.errors import StopRequested, UsageError
from workbench.spec.model import SynthesizerConfig
from workbench.synthesizers.fidelity import score_fidelity
from workbench.synthesizers.neural.checkpoints import read_checkpoint, write_checkpoint
from workbench.synthesizers.neural.dependence import DependenceScore
from workbench.synthesizers.neural.encoding import EncodedRows
from workbench.synthesizers.profile import RealTable
from workbench.synthesizers.synthesizer import FitContext, Made

if TYPE_CHECKING:
    import torch

SCORED_ROWS = 2_000
"""Rows made, and validation rows looked at, for one score."""

PATIENT_SHARE = 0.3
"""No training ends early in this part of its steps: rows show no dependence at all for a while, then much of it."""

SCORES = 20
"""Live scores in a whole training."""

FEWEST_BETWEEN = 25
"""Steps between two of them, at least: a score costs as much as several steps."""

METRIC_SECONDS = 1.0
"""Losses are told about so often."""

CHECKPOINT_SECONDS = 60.0
"""Checkpoints are written so often, and when asked to stop."""

_Module = TypeVar("_Module")


class NeuralTask(Protocol):
    """What the loop trains. Modules and optimizers are checkpointed under their names, wherever they are.

    `kept` names the modules whose best weights the fit ends with: those that make rows.
    """

    @property
    def modules(self) -> Mapping[str, torch.nn.Module]: ...

    @property
    def optimizers(self) -> Mapping[str, torch.optim.Optimizer]: ...

    @property
    def kept(self) -> tuple[str, ...]: ...

    def step(self, generator: Generator) -> Mapping[str, torch.Tensor]:
        """One optimizer step; the losses, each a tensor without dimensions and without gradient."""

    def make_rows(self, generator: Generator, count: int) -> Made:
        """Rows as they would be made with the weights of the moment, for live quality."""


@runtime_checkable
class LossTask(Protocol):
    """A task whose loss on rows kept apart says more than the rows it makes: it is scored by that, negated."""

    def measure_loss(self, validation: RealTable) -> float:
        """The mean loss on rows that are not learned from, with the weights of the moment."""


@dataclass(frozen=True, slots=True)
class TrainingPlan:
    """How long to train. `patience` counts evaluations without a better score; None: never stop early.

    `decay` lets the learning rates fall to nothing along half a cosine over `steps` (Loshchilov and Hutter, 2017).
    """

    steps: int
    steps_per_epoch: int
    evaluate_every: int
    patience: int | None = 8
    decay: bool = False


@dataclass(slots=True)
class TrainingState:
    """Where a training stands; `scores` are pairs of a step and its score."""

    step: int = 0
    best_step: int = 0
    best_score: float | None = None
    scores: list[tuple[int, float]] = field(default_factory=list)
    finished: bool = False


def train(task: NeuralTask, plan: TrainingPlan, context: FitContext, identity: str = "") -> TrainingState:
    """Train until the plan's end or until the score no longer rises; leaves the best weights in the kept modules.

    `identity` tells fits apart: a checkpoint with another one is not gone on from. Raises StopRequested, the
    checkpoint written, when asked to stop. The checkpoint stays when training is over, so that a fit which ends before
    its model is saved need not train again. The losses, the score and the epoch go to `context.progress`, the outcome
    into `context.figures`.
    """
    generator = Generator(Philox(key=derive_key(context.seed, "training")))
    state = TrainingState()
    best: dict[str, torch.Tensor] = {}
    rates = {name: [group["lr"] for group in optimizer.param_groups] for name, optimizer in task.optimizers.items()}
    if context.checkpoints is not None:
        found = read_checkpoint(context.checkpoints, task, generator, identity)
        if found is not None:
            state, best = found
            context.progress.log(f"The fit goes on from step {state.step:,} of {plan.steps:,}.")
    judge = _make_judge(task, context)
    progress = context.progress
    progress.stage("fit")
    told = saved = time.monotonic()
    while not state.finished:
        if progress.should_stop():
            if context.checkpoints is not None:
                write_checkpoint(context.checkpoints, task, generator, state, best, identity)
            raise StopRequested
        if state.step >= plan.steps:
            state.finished = True
            break
        if plan.decay:
            _set_rates(task, rates, state.step / plan.steps)
        losses = task.step(generator)
        state.step += 1
        progress.step(state.step, plan.steps)
        scored = judge is not None and (state.step % plan.evaluate_every == 0 or state.step == plan.steps)
        now = time.monotonic()
        if now - told >= METRIC_SECONDS or scored or state.step == 1:
            told = now
            values = {name: float(loss) for name, loss in losses.items()}
            progress.metrics({"epoch": state.step / plan.steps_per_epoch, **values}, state.step)
        if scored and judge is not None:
            _score(task, judge, context, state, best)
            since = max(state.best_step, int(plan.steps * PATIENT_SHARE))
            waited = sum(step > since for step, _ in state.scores)
            state.finished = plan.patience is not None and waited >= plan.patience
        if context.checkpoints is not None and time.monotonic() - saved >= CHECKPOINT_SECONDS:
            write_checkpoint(context.checkpoints, task, generator, state, best, identity)
            saved = time.monotonic()
    _load_best(task, best)
    context.figures.update(
        steps=state.step,
        epochs=round(state.step / plan.steps_per_epoch, 2),
        best_step=state.best_step if best else state.step,
        validation_score=state.best_score,
    )
    if context.checkpoints is not None:
        write_checkpoint(context.checkpoints, task, generator, state, best, identity)
    return state


def space_scores(steps: int) -> int:
    """After how many steps rows are scored each time, in a training of so many."""
    return max(FEWEST_BETWEEN, steps // SCORES)


def identify_fit(config: SynthesizerConfig, context: FitContext, rows: EncodedRows) -> str:
    """What tells this fit's checkpoints from those of others: its settings, its seed and the rows it learns from."""
    digest = hashlib.sha256(config.model_dump_json().encode())
    digest.update(f"{context.seed}".encode())
    digest.update(np.ascontiguousarray(rows.codes).data)
    digest.update(np.ascontiguousarray(rows.numbers).data)
    return digest.hexdigest()


def choose_device(name: str) -> torch.device:
    """The device of that name, `auto` a GPU if there is one. Raises UsageError for one that torch does not have."""
    import torch

    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError):
        raise UsageError(f"The device “{name}” is not there.", "Choose cpu, or auto for the best there is.") from None
    return device


def build_seeded(build: Callable[[], _Module], seed: int, *names: object) -> _Module:
    """What `build()` makes, its first weights drawn from a seed, with torch's global generator left as it was."""
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(derive_key(seed, "weights", *names)[0] >> np.uint64(1)))
        return build()


def seed_noise(generator: Generator, device: torch.device) -> torch.Generator:
    """A torch generator on the device that follows from the numpy generator, for the noise of one training step."""
    import torch

    return torch.Generator(device).manual_seed(int(generator.integers(2**62)))


def _make_judge(task: NeuralTask, context: FitContext) -> Callable[[], dict[str, float]] | None:
    """A function that scores the weights of the moment on validation rows, None where there are none.

    Rows are made from the same chance each time, so that scores of one training differ by the weights alone.
    """
    table = context.validation
    if table is None:
        return None
    if table.rows > SCORED_ROWS:
        chosen = Generator(Philox(key=derive_key(context.seed, "scored"))).permutation(table.rows)[:SCORED_ROWS]
        table = table.take(np.sort(chosen))
    if isinstance(task, LossTask):
        return lambda: {"validation_loss": task.measure_loss(table)}
    dependence = DependenceScore(table)

    def judge() -> dict[str, float]:
        made = task.make_rows(Generator(Philox(key=derive_key(context.seed, "score"))), SCORED_ROWS)
        scores = {"fidelity": score_fidelity(table.profile, table.columns, made).score}
        return {**scores, "dependence": dependence.score(made)} if dependence.is_known else scores

    return judge


def _score(
    task: NeuralTask,
    judge: Callable[[], dict[str, float]],
    context: FitContext,
    state: TrainingState,
    best: dict[str, torch.Tensor],
) -> None:
    scores = judge()
    context.progress.metrics(scores, state.step)
    score = -scores["validation_loss"] if "validation_loss" in scores else float(np.mean(list(scores.values())))
    state.scores.append((state.step, score))
    if state.best_score is None or score > state.best_score:
        state.best_score, state.best_step = score, state.step
        for name in task.kept:
            for key, weight in task.modules[name].state_dict().items():
                best[f"{name}/{key}"] = weight.detach().clone()


def _load_best(task: NeuralTask, best: Mapping[str, torch.Tensor]) -> None:
    for name in task.kept if best else ():
        prefix = f"{name}/"
        weights = {key.removeprefix(prefix): value for key, value in best.items() if key.startswith(prefix)}
        task.modules[name].load_state_dict(weights)


def _set_rates(task: NeuralTask, rates: Mapping[str, list[float]], part: float) -> None:
    factor = 0.5 * (1.0 + np.cos(np.pi * part))
    for name, optimizer in task.optimizers.items():
        for group, rate in zip(optimizer.param_groups, rates[name], strict=True):
            group["lr"] = rate * factor
