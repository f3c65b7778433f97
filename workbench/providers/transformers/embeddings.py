"""Vectors of texts by an encoder."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch

from workbench.models.finding import FoundModel
from workbench.providers.provider import CallError
from workbench.providers.requests import Answer, EmbeddingRequest, Usage
from workbench.providers.transformers.loading import explain_loading, load_companion, load_model
from workbench.providers.transformers.memory import CPU_BATCH, GPU_BATCH, BatchLimit, work_in_batches
from workbench.providers.transformers.pooling import read_pooling

if TYPE_CHECKING:
    from workbench.providers.transformers import TransformersConfig

_LONGEST = 1 << 20
"""Tokenizers without a limit state an absurd one."""


class Embedder:
    """A loaded encoder. Texts are batched by their length, so that little is padding."""

    def __init__(self, config: TransformersConfig, found: FoundModel) -> None:
        self._loaded = load_model("AutoModel", config, found)
        self._tokenizer = load_companion("AutoTokenizer", config, found, self._loaded.folder)
        with explain_loading(found):
            self._pooling = read_pooling(self._loaded.folder)
        own = min(self._tokenizer.model_max_length, _LONGEST)
        self._most = min(own, self._pooling.most or own)
        self._limit = BatchLimit(config.batch_size or (CPU_BATCH if self._loaded.device.type == "cpu" else GPU_BATCH))

    def answer(
        self, requests: Sequence[EmbeddingRequest], should_stop: Callable[[], bool]
    ) -> Iterator[tuple[int, Answer | CallError]]:
        """See `LocalProvider.answer`. A text that is cut at the most tokens of the model has the note `cut`."""
        encoded: list[tuple[int, dict[str, list[int]], bool]] = []
        for position, request in enumerate(requests):
            if should_stop():
                return
            encoded.append((position, *self._encode(request.text)))
        encoded.sort(key=lambda entry: len(entry[1]["input_ids"]), reverse=True)
        for (position, inputs, is_cut), vector in work_in_batches(encoded, self._limit, self._embed, should_stop):
            if vector is None:
                yield position, CallError("request", "The text does not fit into memory, even alone.")
            else:
                usage = Usage(input_tokens=len(inputs["input_ids"]))
                yield position, Answer(vector=vector, usage=usage, notes={"cut": True} if is_cut else {})

    def describe(self) -> Mapping[str, Any]:
        """See `Worker.describe`."""
        return self._loaded.describe()

    def _encode(self, text: str) -> tuple[dict[str, list[int]], bool]:
        whole = self._tokenizer(self._pooling.prefix + text, verbose=False)
        if len(whole["input_ids"]) <= self._most:
            return dict(whole), False
        return dict(self._tokenizer(self._pooling.prefix + text, truncation=True, max_length=self._most)), True

    @torch.inference_mode()
    def _embed(self, batch: Sequence[tuple[int, dict[str, list[int]], bool]]) -> list[tuple[float, ...]]:
        inputs = self._tokenizer.pad([entry[1] for entry in batch], return_tensors="pt").to(self._loaded.device)
        states = self._loaded.model(**inputs).last_hidden_state
        vectors = self._pooling.pool(states, inputs["attention_mask"])
        return [tuple(vector) for vector in vectors.tolist()]
