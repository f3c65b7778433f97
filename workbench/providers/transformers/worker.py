"""What all kinds of loaded models have in common for the provider, and the choice of the kind."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from workbench.models.finding import FoundModel
from workbench.providers.provider import CallError
from workbench.providers.requests import Answer
from workbench.providers.transformers.kinds import ModelKind

if TYPE_CHECKING:
    from workbench.providers.transformers import TransformersConfig


class Worker(Protocol):
    """A loaded model."""

    def answer(
        self, requests: Sequence[Any], should_stop: Callable[[], bool]
    ) -> Iterator[tuple[int, Answer | CallError]]:
        """See `LocalProvider.answer`; all requests are of the model's kind."""

    def describe(self) -> Mapping[str, Any]:
        """What was loaded: dtype, device and number of parameters."""


def open_worker(config: TransformersConfig, found: FoundModel, kind: ModelKind) -> Worker:
    """Load a model. Raises CallError of the kind `fatal` where it cannot be loaded."""
    if "text" in kind.makes:
        from workbench.providers.transformers.text import TextWriter

        # Models that also see are loaded whole, though only their texts are used.
        sees = kind.architecture.endswith("ForConditionalGeneration")
        return TextWriter(config, found, "AutoModelForImageTextToText" if sees else "AutoModelForCausalLM")
    if "embedding" in kind.makes:
        from workbench.providers.transformers.embeddings import Embedder

        return Embedder(config, found)
    if "speech" in kind.makes:
        from workbench.providers.transformers.speech import Speaker

        return Speaker(config, found)
    from workbench.providers.transformers.agreement import Comparer

    return Comparer(config, found)
