"""The embedding model that checks of meaning use: one that is on this machine, never one that must be fetched."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from workbench.likeness.vectors import scale_vector
from workbench.quality.evidence import Embed

if TYPE_CHECKING:
    from workbench.providers.transformers import TransformersProvider

MOST_TEXTS = 2_000
"""Texts that one call takes: checks draw fewer, since a processor reads some hundred short texts a second."""
_KEPT = 8_000
"""Vectors that are kept, since several checks look at the same texts: 12 MB of 384 numbers each."""


def find_embedder() -> Embed | None:
    """An embedding model of an installed package, None where there is none or the libraries to run it are missing.

    Nothing is loaded before the first call. That one gives for some texts their vectors of length 1, float32 of shape
    (texts, numbers); a text that has no vector gets zeros. It raises ValueError for more than MOST_TEXTS texts, and
    WorkbenchError where the model cannot be loaded.
    """
    from workbench.models.packaged import find_installed, list_packaged
    from workbench.providers.transformers import TransformersConfig, check_libraries, open_provider

    if not check_libraries().usable:
        return None
    for model in list_packaged():
        if model.kind == "embedder" and find_installed(model) is not None:
            config = TransformersConfig(provider="transformers", model=model.name)
            try:
                return _Embedder(open_provider(config))
            except ValueError:  # its files are damaged, or of a kind that this version cannot run
                continue
    return None


class _Embedder:
    """Asks a provider for the vectors of texts that it was not asked about yet."""

    def __init__(self, provider: TransformersProvider) -> None:
        self._provider = provider
        self._kept: OrderedDict[bytes, NDArray[np.float32]] = OrderedDict()
        self._lock = threading.Lock()

    def __call__(self, texts: Sequence[str]) -> NDArray[np.float32]:
        if len(texts) > MOST_TEXTS:
            raise ValueError(f"{len(texts)} texts are more than {MOST_TEXTS}")
        keys = [hashlib.sha256(text.encode("utf-8", "replace")).digest() for text in texts]
        with self._lock:
            missing = {key: text for key, text in zip(keys, texts, strict=True) if key not in self._kept}
            vectors = {key: self._kept[key] for key in keys if key in self._kept}
            vectors.update(zip(missing, self._ask(list(missing.values())), strict=True))
            self._kept.update(vectors)
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        return np.stack([vectors[key] for key in keys]) if keys else np.zeros((0, 1), np.float32)

    def _ask(self, texts: Sequence[str]) -> list[NDArray[np.float32]]:
        from workbench.errors import WorkbenchError
        from workbench.providers.provider import CallError
        from workbench.providers.requests import EmbeddingRequest

        found: dict[int, NDArray[np.float32]] = {}
        for position, answer in self._provider.answer([EmbeddingRequest(text) for text in texts], lambda: False):
            if isinstance(answer, CallError):
                if answer.kind == "fatal":
                    raise WorkbenchError(f"The embedding model cannot be used: {answer.message}", answer.solution)
                continue
            if answer.vector is not None:
                found[position] = scale_vector(answer.vector)
        size = len(next(iter(found.values()))) if found else 1
        return [found.get(position, np.zeros(size, np.float32)) for position in range(len(texts))]
