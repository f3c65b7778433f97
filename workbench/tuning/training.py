"""The training itself: transformers' Trainer with our batches, row order, figures, stop and checkpoints.

Trainer does the steps; it is told to write to no tracker, to print nothing and to hide no bad loss. What a run adds is
in one callback: figures go to the run, a stop saves a checkpoint first, and each checkpoint is sealed once it is whole.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch.utils.data import DataLoader
from transformers import PrinterCallback, Trainer, TrainerCallback, TrainingArguments

from workbench.errors import StopRequested, WorkbenchError
from workbench.files import write_json
from workbench.progress import Progress
from workbench.tuning.batches import Collator, RowOrder, takes_sparse_logits
from workbench.tuning.checkpoints import find_checkpoint, seal_checkpoint
from workbench.tuning.encoding import EncodedRow
from workbench.tuning.loading import LoadedModel
from workbench.tuning.memory import explain_memory
from workbench.tuning.methods import MethodSettings, count_steps

_SECONDS_FILE = "seconds.json"
_SAVE_SECONDS, _SAVE_SHARE = 60.0, 0.05
"""Without `save_every`: a checkpoint a minute, but at most a twentieth of the time spent on saving."""


@dataclass(frozen=True, slots=True)
class Trained:
    """Optimizer steps done, and the seconds spent in them over all attempts."""

    steps: int
    seconds: float


def train(
    loaded: LoadedModel,
    model: Any,
    rows: Sequence[EncodedRow],
    settings: MethodSettings,
    learning_rate: float,
    folder: Path,
    progress: Progress,
    measure: Callable[[], float],
) -> Trained:
    """Train `model` in place on `rows`, from the last whole checkpoint in `folder` if there is one.

    `measure` gives the held-out loss; it is called every `settings.evaluate_every` steps. Raises `StopRequested` after
    a checkpoint was saved, `WorkbenchError` where memory or disk runs out or the loss is no number any more.
    """
    checkpoint, damaged = find_checkpoint(folder)
    for name in damaged:
        progress.log(f"{name} is not whole and was removed; the one before it is used.", "warning")
    seconds = json.loads((checkpoint / _SECONDS_FILE).read_text("utf-8"))["seconds"] if checkpoint else 0.0
    if checkpoint:
        progress.log(f"Goes on from {checkpoint.name}.")
    watcher = _Watcher(settings, progress, measure, seconds)
    trainer = _Trainer(
        model=model,
        args=_choose_arguments(settings, count_steps(settings, len(rows)), learning_rate, folder, loaded),
        train_dataset=list(rows),
        data_collator=Collator(loaded.padding, sparse=takes_sparse_logits(loaded.model)),
        callbacks=[watcher],
    )
    trainer.remove_callback(PrinterCallback)
    watcher.trainer = trainer
    longest = max(len(row.ids) for row in rows)
    with explain_memory(f"training with batches of {settings.batch_size} rows of up to {longest} tokens"):
        trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    if watcher.stopped:
        raise StopRequested
    return Trained(trainer.state.global_step, watcher.seconds)


class _Trainer(Trainer):  # type: ignore[misc]
    """Trainer with our row order, counting the tokens of a step."""

    tokens = 0

    def get_train_dataloader(self) -> Any:
        # Made here, as Trainer's own asks whether the rows are of the package `datasets`, and takes a folder of that
        # name on the path, such as a workspace's, for it.
        order = RowOrder(
            [len(row.ids) for row in self.train_dataset],
            self.args.train_batch_size * self.args.gradient_accumulation_steps,
            self.args.seed,
        )
        loader: DataLoader[EncodedRow] = DataLoader(
            self.train_dataset,
            batch_size=self.args.train_batch_size,
            sampler=order,
            collate_fn=self.data_collator,
            pin_memory=self.args.dataloader_pin_memory,
        )
        return self.accelerator.prepare(loader)

    def compute_loss(self, model: Any, inputs: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        self.tokens += int(inputs["attention_mask"].sum())
        return super().compute_loss(model, inputs, *args, **kwargs)


class _Watcher(TrainerCallback):  # type: ignore[misc]  # transformers is untyped here
    """Carries figures out of the training and the wish to stop into it."""

    def __init__(
        self, settings: MethodSettings, progress: Progress, measure: Callable[[], float], seconds: float
    ) -> None:
        self.trainer: _Trainer
        self.stopped = False
        self.seconds = seconds
        self._settings = settings
        self._progress = progress
        self._measure = measure
        self._step_started = self._last_save = self._save_began = time.monotonic()
        self._step_seconds = 0.0
        self._save_seconds = 0.0

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self._last_save = time.monotonic()
        self._progress.step(state.global_step, state.max_steps)

    def on_step_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self._step_started = time.monotonic()
        self.trainer.tokens = 0

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        now = time.monotonic()
        self._step_seconds = now - self._step_started
        self.seconds += self._step_seconds
        self._progress.step(state.global_step, state.max_steps)
        if self._progress.should_stop() and state.global_step < state.max_steps:
            self.stopped = control.should_save = control.should_training_stop = True
        elif self._settings.save_every is None:
            pause = max(_SAVE_SECONDS, self._save_seconds / _SAVE_SHARE)
            control.should_save = control.should_save or now - self._last_save > pause
        every = self._settings.evaluate_every
        if every and state.global_step % every == 0:
            self._progress.metrics({"held_out_loss": self._measure()}, state.global_step)
        self._save_began = time.monotonic()

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, float] | None = None, **kwargs: Any) -> None:
        logs = logs or {}
        if "loss" not in logs:  # the summary at the end
            return
        if not math.isfinite(logs["loss"]):
            raise WorkbenchError(
                f"The loss is no number any more at step {state.global_step}: the training has diverged.",
                f"Set a lower rate, for instance learning_rate={args.learning_rate / 3:.0e}, or dtype=float32.",
            )
        figures: dict[str, float] = {
            name: float(logs[name]) for name in ("loss", "grad_norm", "learning_rate") if name in logs
        }
        figures |= {
            "step_seconds": self._step_seconds,
            "tokens_per_second": self.trainer.tokens / max(self._step_seconds, 1e-9),
            "samples": float(_count_rows(args, len(self.trainer.train_dataset), state.global_step)),
        }
        self._progress.metrics(figures, state.global_step)

    def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        folder = Path(args.output_dir) / f"checkpoint-{state.global_step}"
        write_json(folder / _SECONDS_FILE, {"seconds": self.seconds})
        seal_checkpoint(folder)
        self._last_save = time.monotonic()
        self._save_seconds = self._last_save - self._save_began


def _count_rows(args: TrainingArguments, rows: int, step: int) -> int:
    """Rows read after `step` steps: the last step of an epoch may be short, and none reaches into the next epoch."""
    batch, accumulation = int(args.train_batch_size), int(args.gradient_accumulation_steps)
    steps_per_epoch = math.ceil(math.ceil(rows / batch) / accumulation)
    epochs, rest = divmod(step, steps_per_epoch)
    return epochs * rows + min(rest * batch * accumulation, rows)


def _choose_arguments(
    settings: MethodSettings, steps: int, learning_rate: float, folder: Path, loaded: LoadedModel
) -> TrainingArguments:
    half = {torch.bfloat16: "bf16", torch.float16: "fp16"}.get(loaded.arithmetic)
    precision = {half: True} if half else {}
    return TrainingArguments(
        output_dir=str(folder),
        learning_rate=learning_rate,
        max_steps=steps,
        per_device_train_batch_size=settings.batch_size,
        gradient_accumulation_steps=settings.gradient_accumulation,
        lr_scheduler_type="cosine",
        warmup_steps=settings.warmup_ratio,
        weight_decay=settings.weight_decay,
        max_grad_norm=1.0,
        activation_checkpointing=settings.checkpointing,
        activation_checkpointing_kwargs={"use_reentrant": False} if settings.checkpointing else None,
        seed=settings.seed,
        logging_steps=1,
        logging_nan_inf_filter=False,
        save_strategy="steps",
        save_steps=settings.save_every or 10**9,
        save_total_limit=2,
        remove_unused_columns=False,
        dataloader_pin_memory=torch.cuda.is_available(),
        report_to="none",
        disable_tqdm=True,
        log_level="error",
        use_cpu=not torch.cuda.is_available(),
        **precision,
    )
