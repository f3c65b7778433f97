"""One training step of a real model without its weights: every tensor is on `meta`, every operator is the real one.

The step is the one that `transformers.Trainer` makes: inputs with labels, mean loss over the counted tokens, backward,
clipping, fused AdamW whose states exist already (memory peaks from the second step on). `torch.nn` and PEFT run
unchanged; only what a device decides is decided here as the target device would (attention kernel, dropout, dtypes).
"""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from workbench.estimates import hooks
from workbench.estimates.attention import make_attention
from workbench.estimates.autocast import make_region
from workbench.estimates.gpus import Kernels
from workbench.estimates.recording import ACTIVATIONS, GRADIENTS, OPTIMIZER, WEIGHTS, Recorder, Recording

Prepare = Callable[[nn.Module], nn.Module]
"""Turns a base model into the model to train, as a tuning method does; may freeze, add and wrap."""


@dataclass(frozen=True, slots=True)
class StepSettings:
    """What decides memory and work of a step besides model and method.

    `seq_len` counts tokens of the longest row, to which the others are padded if `padded`. `answer_tokens` is how many
    of a row's tokens are learned at most: only for those are logits computed, where the model can; None computes them
    for all tokens. `dtype` is that of the weights as loaded, `autocast` the dtype of mixed precision or None.
    `accumulating` tells that several passes are summed before an update, so that gradients are there already.
    """

    batch_size: int
    seq_len: int
    answer_tokens: int | None = None
    checkpointing: bool = False
    dtype: str = "bfloat16"
    autocast: str | None = None
    padded: bool = False
    accumulating: bool = False
    kernels: Kernels = "cuda"


@dataclass(frozen=True, slots=True)
class Sizes:
    """Of the prepared model: parameters, and bytes of weights, gradients and optimizer. `tensors` are those trained."""

    parameters: int
    trainable: int
    weight_bytes: int
    gradient_bytes: int
    optimizer_bytes: int
    tensors: int


def record_step(config: Any, prepare: Prepare, settings: StepSettings) -> tuple[Recording, Sizes]:
    """Build the model of a transformers `config` on `meta`, let `prepare` make it trainable, and record one step."""
    with pretend_device(settings.kernels, _get_dtype(settings.autocast)):
        model = build_model(config, prepare, settings)
        recorder = Recorder(int(config.get_text_config().vocab_size))
        recorder.track((*model.parameters(), *model.buffers()), WEIGHTS)
        trained = [p for p in model.parameters() if p.requires_grad]
        # AdamW keeps two means for each weight and counts steps for each tensor.
        states = [torch.empty_like(p) for p in trained for _ in range(2)]
        states += [torch.empty((), device="meta") for _ in trained]
        recorder.track(states, OPTIMIZER)
        if settings.accumulating:
            for parameter in trained:
                parameter.grad = torch.empty_like(parameter)
            recorder.track((p.grad for p in trained if p.grad is not None), GRADIENTS)
        with _count_random_states(recorder, settings):
            _run_step(model, recorder, settings)
        return recorder.finish(trained), measure_sizes(model)


def measure_sizes(model: nn.Module) -> Sizes:
    """Sizes of a prepared model, tensors that share a storage counted once. Raises ValueError if nothing is trained."""
    trained = [p for p in model.parameters() if p.requires_grad]
    if not trained:
        raise ValueError("the method leaves nothing to train")
    storages = {t.untyped_storage()._cdata: t.nbytes for t in (*model.parameters(), *model.buffers())}
    gradients = sum(p.nbytes for p in trained)
    return Sizes(
        parameters=sum(p.numel() for p in model.parameters()),
        trainable=sum(p.numel() for p in trained),
        weight_bytes=sum(storages.values()),
        gradient_bytes=gradients,
        optimizer_bytes=2 * gradients + 4 * len(trained),
        tensors=len(trained),
    )


def build_model(config: Any, prepare: Prepare, settings: StepSettings, device: str = "meta") -> nn.Module:
    """The model ready to train, weights random or none, with checkpointing switched on as Trainer does it."""
    from transformers import AutoModelForCausalLM

    config.use_cache = False
    casting = hooks.cast_adapters_on_meta() if device == "meta" else contextlib.nullcontext()
    with torch.device(device), casting:
        model = AutoModelForCausalLM.from_config(config, dtype=getattr(torch, settings.dtype))
        model = prepare(model)
    model.train()
    if settings.checkpointing:
        options: dict[str, Any] = {"use_reentrant": False}
        narrow = _get_dtype(settings.autocast)
        if narrow is not None and device == "meta":
            # Recomputing happens outside the forward pass's region; real autocast is restored by checkpoint itself.
            options["context_fn"] = lambda: (contextlib.nullcontext(), make_region(narrow))
        trainable: Any = model
        trainable.gradient_checkpointing_enable(gradient_checkpointing_kwargs=options)
    return model


def make_batch(model: nn.Module, settings: StepSettings, device: str = "meta") -> dict[str, torch.Tensor]:
    """The tensors that Trainer hands to `model`, as the collator of `workbench.tuning` makes them; values are idle.

    The mask hides the last token of the first row if rows are padded.
    """

    def make(*shape: int) -> torch.Tensor:
        return torch.zeros(shape, dtype=torch.long, device=device)

    rows, length, answers = settings.batch_size, settings.seq_len, settings.answer_tokens
    batch = {
        "input_ids": make(rows, length),
        "attention_mask": make(rows, length) + 1,
        "num_items_in_batch": make() + 1,
    }
    if settings.padded:
        batch["attention_mask"][0, -1] = 0
    if answers is None or not _takes_sparse_logits(model):
        return batch | {"labels": make(rows, length)}
    labels = make(rows, answers)
    return batch | {"logits_to_keep": make(rows, answers), "labels": labels, "shift_labels": labels}


@contextlib.contextmanager
def pretend_device(kernels: Kernels, autocast: torch.dtype | None = None) -> Iterator[None]:
    """Make tensors on `meta` behave as on the device that has these attention kernels."""
    functional = torch.nn.functional
    dropout = functional.dropout

    def drop_on_cuda(input: torch.Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> torch.Tensor:
        # CUDA keeps a boolean mask, other devices one of the input's dtype.
        return (
            torch.native_dropout(input, p, training)[0] if training and p > 0 else dropout(input, p, training, inplace)
        )

    with contextlib.ExitStack() as stack:
        stack.enter_context(hooks.read_no_values())
        stack.enter_context(
            hooks.replace(functional, "scaled_dot_product_attention", make_attention(kernels, autocast))
        )
        if kernels != "cpu":
            stack.enter_context(hooks.replace(functional, "dropout", drop_on_cuda))
        yield


def _run_step(model: nn.Module, recorder: Recorder, settings: StepSettings) -> None:
    batch = make_batch(model, settings)
    recorder.track(batch.values(), ACTIVATIONS)
    inputs: dict[str, Any] = {**batch}
    if not settings.padded:
        inputs["attention_mask"] = None  # transformers drops a mask that hides nothing, and cannot see that here
    narrow = _get_dtype(settings.autocast)
    with recorder:
        with make_region(narrow):
            outputs = model(**inputs)
        loss = outputs.loss
        if narrow is not None:
            outputs.logits.float()  # accelerate hands float32 outputs to Trainer, which then drops them
        del outputs
        recorder.phase = "backward"
        loss.backward()
        del loss


def _takes_sparse_logits(model: nn.Module) -> bool:
    wrapped: Any = model
    inner = wrapped.get_base_model() if hasattr(model, "get_base_model") else wrapped
    return "logits_to_keep" in inspect.signature(inner.forward).parameters


def _get_dtype(name: str | None) -> torch.dtype | None:
    return getattr(torch, name) if name else None


@contextlib.contextmanager
def _count_random_states(recorder: Recorder, settings: StepSettings) -> Iterator[None]:
    """On a CPU each checkpoint keeps the state of the random generator (5 KB), and recomputing keeps one more."""
    if settings.kernels != "cpu" or not settings.checkpointing:
        yield
        return
    get_state = torch.get_rng_state

    def get_counted_state() -> torch.Tensor:
        state = get_state()
        recorder.track([state], ACTIVATIONS)
        return state

    @contextlib.contextmanager
    def fork_counted(**_: Any) -> Iterator[None]:  # torch's own does nothing on `meta`
        state = get_counted_state()
        yield
        del state

    with (
        hooks.replace(torch, "get_rng_state", get_counted_state),
        hooks.replace(torch.random, "fork_rng", fork_counted),
    ):
        yield
