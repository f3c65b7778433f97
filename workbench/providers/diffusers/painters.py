"""Loaded pipelines, behind one way to ask them: pictures to prompts, or pictures of classes.

Noise is drawn on the CPU by one generator for each picture, seeded by its row, so that a picture does not depend on
the device's own generator or on its place in a batch.
"""

from __future__ import annotations

import contextlib
import inspect
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch

from workbench.models.finding import FoundModel
from workbench.providers.diffusers.finding import PipelineFacts
from workbench.providers.diffusers.pictures import choose_size
from workbench.providers.provider import CallError
from workbench.providers.requests import ImageRequest
from workbench.providers.transformers.loading import choose_device, choose_dtype, explain_loading

if TYPE_CHECKING:
    from PIL.Image import Image

    from workbench.providers.diffusers import DiffusersConfig

_LATENT_UNIT = 8
_GPU_BATCH = 4
_PIXEL_BATCH = 64
_NUMBER = re.compile(r"-?\d+")
_LONGEST_LIMIT = 100_000  # tokenizers without a limit state an enormous one


class Stopped(Exception):
    """Raised inside a pipeline when it was asked to stop."""


@dataclass(frozen=True, slots=True)
class Drawing:
    """A picture as the model drew it, and whether the pipeline's own check found it unsafe."""

    image: Image
    unsafe: bool = False
    notes: Mapping[str, Any] = field(default_factory=dict)


class Painter(ABC):
    """A pipeline on its device."""

    def __init__(self, pipeline: Any, config: DiffusersConfig, device: torch.device, dtype: torch.dtype) -> None:
        self.pipeline = pipeline
        self.config = config
        self.device = device
        self._dtype = dtype
        self._parameters = inspect.signature(type(pipeline).__call__).parameters

    @property
    def default_batch_size(self) -> int:
        """How many pictures at once: one on a CPU, where more save nothing."""
        return 1 if self.device.type == "cpu" else _GPU_BATCH

    @property
    def unit(self) -> int:
        """The sides of what it draws are multiples of this."""
        return 1

    def refuse(self, request: ImageRequest) -> str | None:
        """Why the request can never be answered, None if it may be."""
        return None

    @abstractmethod
    def draw(self, requests: Sequence[ImageRequest], should_stop: Callable[[], bool]) -> list[Drawing]:
        """A picture for each request; all ask for one size. Raises Stopped, and what the pipeline raises."""

    def describe(self) -> dict[str, Any]:
        """For the manifest."""
        return {"device": str(self.device), "dtype": str(self._dtype).removeprefix("torch.")}

    def list_settings(self) -> dict[str, Any]:
        """The config's settings as the pipeline's arguments. Raises CallError for one that it does not take."""
        asked = {
            "steps": ("num_inference_steps", self.config.steps),
            "guidance": ("guidance_scale", self.config.guidance),
            "negative_prompt": ("negative_prompt", self.config.negative_prompt or None),
        }
        given = {}
        for name, (parameter, value) in asked.items():
            if value is None:
                continue
            if parameter not in self._parameters:
                raise CallError(
                    "fatal",
                    f"The pipeline {type(self.pipeline).__name__} takes no {parameter}",
                    solution=f"Take “{name}” out of this model under “models”.",
                )
            given[parameter] = value
        return given

    def call(self, requests: Sequence[ImageRequest], should_stop: Callable[[], bool], **given: Any) -> Any:
        """What the pipeline returns, watched at each step."""
        settings = self.list_settings()
        if "negative_prompt" in settings:
            settings["negative_prompt"] = [settings["negative_prompt"]] * len(requests)
        with _watch(self.pipeline, should_stop):
            return self.pipeline(generator=seed_generators(requests), output_type="pil", **settings, **given)


class PromptPainter(Painter):
    """A pipeline that reads prompts."""

    @property
    def unit(self) -> int:
        """Pixels to a latent, and two latents to a patch of a transformer."""
        scale = getattr(self.pipeline, "vae_scale_factor", None)
        unit = max(_LATENT_UNIT, scale if isinstance(scale, int) else _LATENT_UNIT)
        return 2 * unit if "transformer" in self.pipeline.components else unit

    def draw(self, requests: Sequence[ImageRequest], should_stop: Callable[[], bool]) -> list[Drawing]:
        width, height = choose_size(requests[0].width, requests[0].height, self.unit, self.config.min_side)
        size = {name: value for name, value in (("width", width), ("height", height)) if name in self._parameters}
        result = self.call(requests, should_stop, prompt=[request.prompt for request in requests], **size)
        flags = getattr(result, "nsfw_content_detected", None) or getattr(result, "nsfw_detected", None)
        return [
            Drawing(image, bool(flag), self._note_cut(request.prompt))
            for image, flag, request in zip(result.images, flags or [False] * len(requests), requests, strict=True)
        ]

    def _note_cut(self, prompt: str) -> dict[str, Any]:
        """How many tokens at the end of a prompt no text encoder of the pipeline reads."""
        cut: int | None = None
        for name, tokenizer in self.pipeline.components.items():
            limit = getattr(tokenizer, "model_max_length", None)
            if "tokenizer" not in name or not isinstance(limit, int) or limit > _LONGEST_LIMIT:
                continue
            left = max(0, len(tokenizer(prompt, verbose=False).input_ids) - limit)
            cut = left if cut is None else min(cut, left)
        return {"prompt_tokens_cut": cut} if cut else {}


class ClassPainter(Painter):
    """A pipeline that knows classes by number instead of prompts."""

    @property
    def classes(self) -> int | None:
        """How many there are, None where it is not said."""
        for name, setting in (("transformer", "num_embeds_ada_norm"), ("unet", "num_class_embeds")):
            network = getattr(self.pipeline, name, None)
            if network is not None:
                count = network.config.get(setting)
                return count if isinstance(count, int) else None
        return None

    def refuse(self, request: ImageRequest) -> str | None:
        count = self.classes
        found = _NUMBER.search(request.prompt)
        if found is None:
            return "The prompt names no class: it needs a whole number"
        if int(found[0]) < 0 or (count is not None and int(found[0]) >= count):
            return f"The prompt names the class {found[0][:20]}; the model knows 0 to {(count or 1) - 1}"
        return None

    def draw(self, requests: Sequence[ImageRequest], should_stop: Callable[[], bool]) -> list[Drawing]:
        given: dict[str, Any] = {"class_labels": read_classes(requests)}
        if "batch_size" in self._parameters:
            given["batch_size"] = len(requests)
        return [Drawing(image) for image in self.call(requests, should_stop, **given).images]


class PixelPainter(ClassPainter):
    """One network that makes pixels from noise, of a class where it was trained with classes.

    The library's own pipelines for such networks hand no class on, so the loop over the steps is here.
    """

    @property
    def default_batch_size(self) -> int:
        """These networks are small."""
        return _PIXEL_BATCH

    def refuse(self, request: ImageRequest) -> str | None:
        return None if self.classes is None else super().refuse(request)

    @torch.inference_mode()
    def draw(self, requests: Sequence[ImageRequest], should_stop: Callable[[], bool]) -> list[Drawing]:
        unet, scheduler, generators = self.pipeline.unet, self.pipeline.scheduler, seed_generators(requests)
        labels = None if self.classes is None else torch.tensor(read_classes(requests), device=self.device)
        steps = self.list_settings().get("num_inference_steps", self._parameters["num_inference_steps"].default)
        scheduler.set_timesteps(steps)
        side = unet.config.sample_size
        shape = (1, unet.config.in_channels, *((side, side) if isinstance(side, int) else side))
        noise = torch.cat([torch.randn(shape, generator=generator) for generator in generators])
        image = noise.to(self.device, unet.dtype) * scheduler.init_noise_sigma
        for step in scheduler.timesteps:
            if should_stop():
                raise Stopped
            predicted = unet(scheduler.scale_model_input(image, step), step, class_labels=labels).sample
            image = scheduler.step(predicted, step, image, generator=generators).prev_sample
        pixels = (image / 2 + 0.5).clamp(0, 1).float().cpu().permute(0, 2, 3, 1).numpy()
        return [Drawing(picture) for picture in self.pipeline.numpy_to_pil(pixels)]


def open_painter(config: DiffusersConfig, found: FoundModel, facts: PipelineFacts) -> Painter:
    """Load a pipeline, from safetensors and from this machine alone. Raises CallError of the kind `fatal`."""
    device = choose_device(config.device)
    # 16 bits show in pixels that a network makes itself; and CPUs would differ by whether they compute in 16 bits.
    exact = facts.is_pixel_model or device.type == "cpu"
    dtype = torch.float32 if exact and config.dtype == "auto" else choose_dtype(config.dtype, device)
    with explain_loading(found), _quieten():
        pipeline = _load(config, found, facts, dtype).to(device)
        pipeline.set_progress_bar_config(disable=True)
    parameters = inspect.signature(type(pipeline).__call__).parameters
    if facts.is_pixel_model:
        return PixelPainter(pipeline, config, device, dtype)
    if "prompt" in parameters:
        return PromptPainter(pipeline, config, device, dtype)
    if "class_labels" in parameters:
        return ClassPainter(pipeline, config, device, dtype)
    raise CallError(
        "fatal",
        f"The pipeline {facts.class_name} takes neither a prompt nor a class",
        solution="Name a pipeline for text-to-image under “models”.",
    )


def seed_generators(requests: Sequence[ImageRequest]) -> list[torch.Generator]:
    """A generator on the CPU for each row, so that all devices agree on the noise."""
    return [torch.Generator("cpu").manual_seed(request.seed) for request in requests]


def read_classes(requests: Sequence[ImageRequest]) -> list[int]:
    """The first whole number in each prompt, which `ClassPainter.refuse` has found to be there."""
    return [int(found[0]) for request in requests if (found := _NUMBER.search(request.prompt)) is not None]


def _load(config: DiffusersConfig, found: FoundModel, facts: PipelineFacts, dtype: torch.dtype) -> Any:
    from diffusers import AutoPipelineForText2Image, DiffusionPipeline
    from diffusers.pipelines.auto_pipeline import AUTO_TEXT2IMAGE_PIPELINES_MAPPING

    known = {each.__name__ for each in AUTO_TEXT2IMAGE_PIPELINES_MAPPING.values()}
    loader = AutoPipelineForText2Image if facts.class_name in known else DiffusionPipeline
    return loader.from_pretrained(
        found.path,
        dtype=dtype,
        use_safetensors=True,
        local_files_only=True,
        trust_remote_code=config.trust_remote_code,
    )


@contextlib.contextmanager
def _watch(pipeline: Any, should_stop: Callable[[], bool]) -> Iterator[None]:
    """Ask before each run of a network of the pipeline, hence at each step, whether to stop.

    Not all pipelines have a callback for their steps; all run networks.
    """

    def look(*_: Any) -> None:
        if should_stop():
            raise Stopped

    networks = [each for each in pipeline.components.values() if isinstance(each, torch.nn.Module)]
    hooks = [network.register_forward_pre_hook(look) for network in networks]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


@contextlib.contextmanager
def _quieten() -> Iterator[None]:
    """Keep diffusers from writing over the terminal. Its warnings stay off: they are about what is noted or refused."""
    from diffusers.utils import logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.enable_progress_bar()
