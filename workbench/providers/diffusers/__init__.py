"""`provider: diffusers`: pictures by a diffusion pipeline in this process, by the library diffusers.

This module is imported with every command and stays light: it finds the pipeline and reads its `model_index.json`.
What loads and runs it lies in `painters`, which is imported with the first request.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field

from workbench.providers.diffusers.finding import PipelineFacts, find_pipeline
from workbench.providers.provider import CallError, LocalProvider, ProviderConfig, Readiness, register
from workbench.providers.requests import Answer, ImageRequest, Request

if TYPE_CHECKING:
    from workbench.models.finding import FoundModel
    from workbench.providers.diffusers.painters import Painter
    from workbench.providers.transformers.memory import BatchLimit

_LIBRARIES = ("diffusers", "torch", "transformers", "accelerate")
_INSTALL = "Install the extra “image”, for instance with: pip install 'synthetic-workbench[image]'"


class DiffusersConfig(ProviderConfig):
    """Pictures by a diffusion pipeline in this process.

    A pipeline that knows classes instead of prompts (a `DiTPipeline`, or a `DDPMPipeline` or `DDIMPipeline` whose
    `UNet2DModel` has `num_class_embeds`) draws the class that the first whole number in the prompt names.
    """

    ASIDE: ClassVar[frozenset[str]] = ProviderConfig.ASIDE | {"batch_size", "device"}

    model: str = Field(min_length=1, description="A pipeline's folder, or its hub id in the cache")
    steps: Annotated[int, Field(ge=1, le=1000)] | None = Field(
        None, description="Denoising steps; the pipeline's own number if left out"
    )
    guidance: Annotated[float, Field(ge=0, le=100)] | None = Field(
        None, description="How closely the prompt is followed; the pipeline's own scale if left out"
    )
    negative_prompt: str = Field("", description="What pictures are not to show")
    min_side: Annotated[int, Field(ge=0, le=4096)] = Field(
        0, description="Shorter side in pixels that the model draws at least; smaller pictures are scaled down from it"
    )
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = Field(
        "auto", description="Precision; auto is 16 bits on a GPU that computes in them, else float32"
    )
    device: Annotated[str, Field(pattern=r"^(auto|cpu|mps|cuda(:\d+)?)$")] = Field(
        "auto", description="auto, cpu, mps, cuda or cuda:N; auto takes the GPU with the most free memory"
    )
    batch_size: Annotated[int, Field(ge=1, le=4096)] | None = Field(
        None,
        description="Most pictures at once, fewer where memory runs out; chosen by device if left out. Pictures drawn "
        "one by one are the same to the last bit whatever stands beside them",
    )
    trust_remote_code: bool = Field(False, description="Run code that comes with the model. Off unless you trust it")


class DiffusersProvider(LocalProvider):
    """A pipeline that was found. It is loaded with the first request."""

    def __init__(self, config: DiffusersConfig, found: FoundModel, facts: PipelineFacts) -> None:
        self._config = config
        self._found = found
        self._facts = facts
        self._painter: Painter | None = None
        self._limit: BatchLimit | None = None

    def answer(
        self, requests: Sequence[Request], should_stop: Callable[[], bool]
    ) -> Iterator[tuple[int, Answer | CallError]]:
        wanted: list[ImageRequest] = []
        for request in requests:
            assert isinstance(request, ImageRequest)
            wanted.append(request)
        if wanted and not should_stop():
            from workbench.providers.diffusers.batches import draw_all

            painter, limit = self._open_painter()
            yield from draw_all(painter, limit, wanted, should_stop)

    def find_revision(self) -> str:
        return self._found.revision

    def describe(self) -> Mapping[str, Any]:
        """`dtype` and `device` are there once the pipeline is loaded."""
        facts: dict[str, Any] = {
            "pipeline": self._facts.class_name,
            "origin": self._found.origin,
            "licence": self._config.licence or self._found.licence,
            "trust_remote_code": self._config.trust_remote_code,
            "versions": {name: text for name in _LIBRARIES if (text := _find_version(name))},
        }
        return facts | (self._painter.describe() if self._painter is not None else {})

    def release(self) -> None:
        self._painter = None
        if "torch" in sys.modules:
            from workbench.providers.transformers.memory import clear_memory

            clear_memory()

    def _open_painter(self) -> tuple[Painter, BatchLimit]:
        """The loaded pipeline, and how many pictures it was found to draw at once."""
        from workbench.providers.diffusers.painters import open_painter
        from workbench.providers.transformers.memory import BatchLimit

        if self._painter is None:
            self._painter = open_painter(self._config, self._found, self._facts)
        if self._limit is None:
            self._limit = BatchLimit(self._config.batch_size or self._painter.default_batch_size)
        return self._painter, self._limit


def open_provider(config: DiffusersConfig) -> DiffusersProvider:
    """Find the pipeline. Raises ValueError where it is not here, cannot be used, or diffusers is not installed."""
    readiness = check_libraries()
    if not readiness.usable:
        raise ValueError(readiness.reason)
    found, facts = find_pipeline(config.model, config.revision, trusted=config.trust_remote_code)
    return DiffusersProvider(config, found, facts)


def check_libraries() -> Readiness:
    """Whether diffusers and what it needs are installed, found without importing them."""
    missing = [name for name in _LIBRARIES if not _find_version(name)]
    if missing:
        return Readiness(False, f"Missing: {' and '.join(missing)}. {_INSTALL}")
    return Readiness(True, ", ".join(f"{name} {_find_version(name)}" for name in _LIBRARIES))


def _find_version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


register("diffusers", {"image"}, DiffusersConfig, open_provider, check=check_libraries)
