"""The scheduler of transformers for GPUs, where rows come and go at each token and their memory is paged.

It draws no numbers per row itself, so a processor of ours does: it is told which row and which token each score
belongs to, and leaves only the token finite that the row's own chance has drawn. Uniform numbers pass through it as
float32, which is the one difference from `flight`. What it cannot do, or fails at, is left to `decoding`.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor
from transformers import GenerationConfig, LogitsProcessorList
from transformers.generation.configuration_utils import ContinuousBatchingConfig
from transformers.generation.continuous_batching.cb_logits_processors import (
    ContinuousBatchingLogitsProcessor,
    ContinuousBatchingLogitsProcessorList,
)
from transformers.utils import is_flash_attn_2_available, is_flash_attn_3_available

from workbench.providers.transformers.flight import Decoder
from workbench.providers.transformers.memory import CPU_BATCH, GPU_BATCH
from workbench.providers.transformers.rows import Row
from workbench.providers.transformers.sampling import Sampling, choose_tokens

if TYPE_CHECKING:
    from workbench.providers.transformers import TransformersConfig

_PATIENCE = 0.1
"""Seconds between two looks at whether to stop."""
_GPU_SHARE = 0.8
_PAGE = 256


def suits_continuous_batching(config: TransformersConfig, device: torch.device, rows: Sequence[Row]) -> bool:
    """Whether these rows are for that scheduler, by the rules that the config's docstring gives."""
    if config.continuous_batching is False or config.repetition_penalty is not None:
        return False
    if any(row.stops or row.constraint is not None for row in rows):
        return False
    if config.continuous_batching is True:
        return True
    return device.type == "cuda" and _has_flash()


def decode_continuously(
    decoder: Decoder, rows: Sequence[Row], batch_size: int | None, should_stop: Callable[[], bool]
) -> Iterator[Row]:
    """Each row as soon as it has ended. Rows that the scheduler fails at are not given back and keep `finish` None.

    Raises whatever the scheduler raises when it cannot start.
    """
    by_name = {str(row.position): row for row in rows}
    manager = _make_manager(decoder, rows, batch_size)
    with _quiet():
        manager.warmup()
        manager.start()
        done = False
        try:
            for name, row in by_name.items():
                manager.add_request(
                    row.prompt,
                    request_id=name,
                    max_new_tokens=row.room,
                    eos_token_id=sorted(decoder.ends) or -1,
                    uniforms=row.uniforms,
                    prompt_length=len(row.prompt),
                )
            waiting = len(by_name)
            while waiting and not should_stop():
                result = manager.get_result(timeout=_PATIENCE)
                if result is None:
                    if not manager.is_running():
                        break
                    continue
                waiting -= 1
                row = by_name[result.request_id]
                if result.error is None and _replay(row, result.generated_tokens, decoder):
                    yield row
            done = not waiting
        finally:
            manager.stop(block=True, hard_stop=not done)
            manager.destroy()


class SeededDraw(ContinuousBatchingLogitsProcessor):  # type: ignore[misc]
    """Leaves one token of each row finite. Its argument is the row's uniform number: a float32 in an int32's bits."""

    supported_kwargs: dict[str, type] = {"uniforms": np.ndarray, "prompt_length": int}  # noqa: RUF012 - as in the base
    ignored_kwargs: tuple[str, ...] = ()

    def __init__(self, sampling: Sampling) -> None:
        self._sampling = sampling

    def fill_defaults(self, int32_tensor: Tensor) -> None:
        int32_tensor.copy_(torch.full_like(int32_tensor, 0.5, dtype=torch.float32).view(torch.int32))

    def prepare_tensor_args(self, requests_with_new_token: list[Any]) -> Tensor:
        chances = [_find_uniform(request.state) for request in requests_with_new_token]
        return torch.tensor(chances, dtype=torch.float32).view(torch.int32)

    def __call__(self, scores: Tensor, tensor_arg: Tensor) -> Tensor:
        uniforms = tensor_arg[: scores.shape[0]].view(torch.float32)
        tokens = choose_tokens(scores, uniforms, self._sampling, exact=True)
        return torch.full_like(scores, float("-inf")).scatter(1, tokens[:, None], 0.0)


def _find_uniform(state: Any) -> float:
    """The chance of the token after those that the request has in memory; any for requests that warm up."""
    uniforms = state.logit_processor_kwargs.get("uniforms")
    if uniforms is None:
        return 0.5
    place = state.position_offset - state.logit_processor_kwargs["prompt_length"]
    return float(uniforms[min(place, len(uniforms) - 1)])


def _replay(row: Row, tokens: Sequence[int], decoder: Decoder) -> bool:
    """End the row where a flight would have ended it. False where it has no end."""
    for token in tokens:
        row.add(token, decoder.ends, decoder.tokenizer)
        if row.finish is not None:
            return True
    row.tokens.clear()
    return False


def _make_manager(decoder: Decoder, rows: Sequence[Row], batch_size: int | None) -> Any:
    on_gpu = decoder.device.type == "cuda"
    most = batch_size or (GPU_BATCH if on_gpu else CPU_BATCH)
    settings: dict[str, Any] = {
        "max_requests_per_batch": most,
        "page_size": _PAGE,
        "auto_switch_to_flash": _has_flash(),
    }
    if on_gpu:
        settings["max_memory_percent"] = _GPU_SHARE
    else:
        # Left alone it would take more than half of the machine's memory, whatever there is to do.
        lengths = sorted((len(row.prompt) + row.room for row in rows), reverse=True)[:most]
        settings["num_blocks"] = sum(-(-length // _PAGE) for length in lengths) + 1
        settings["max_batch_tokens"] = max(_PAGE, most)
    ends = sorted(decoder.ends)
    manager = decoder.model.init_continuous_batching(
        generation_config=GenerationConfig(do_sample=False, eos_token_id=ends or -1, pad_token_id=decoder.padding),
        continuous_batching_config=ContinuousBatchingConfig(**settings),
    )
    processors = ContinuousBatchingLogitsProcessorList(LogitsProcessorList([SeededDraw(decoder.sampling)]))
    processors.tensors_required = 1
    manager.logit_processor = processors
    return manager


def _has_flash() -> bool:
    return bool(is_flash_attn_2_available() or is_flash_attn_3_available())


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """The scheduler prints tracebacks of what it recovers from."""
    logger = logging.getLogger("ContinuousBatchingLogger")
    level = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        logger.setLevel(level)
