"""Weights from a folder onto a device, in the precision that the device computes best. Nothing is downloaded."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from workbench.errors import WorkbenchError
from workbench.files import clean_text
from workbench.models.converting import convert_gguf
from workbench.models.finding import FoundModel
from workbench.providers.provider import CallError
from workbench.providers.transformers.memory import is_out_of_memory

if TYPE_CHECKING:
    from workbench.providers.transformers import TransformersConfig

_DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A model on `device` with weights in `dtype`, and the folder it came from."""

    model: Any
    folder: Path
    device: torch.device
    dtype: torch.dtype

    def describe(self) -> Mapping[str, Any]:
        """For the manifest."""
        return {
            "device": str(self.device),
            "dtype": str(self.dtype).removeprefix("torch."),
            "parameters": int(self.model.num_parameters()),
        }


def load_model(auto_class: str, config: TransformersConfig, found: FoundModel) -> LoadedModel:
    """Load the weights by one of the auto classes of transformers, from safetensors alone.

    Raises CallError of the kind `fatal` where they cannot be loaded.
    """
    with explain_loading(found):
        import transformers

        folder = convert_gguf(found.path) if found.path.is_file() else found.path
        device = choose_device(config.device)
        dtype = choose_dtype(config.dtype, device)
        chosen = {} if config.attention is None else {"attn_implementation": config.attention}
        model = getattr(transformers, auto_class).from_pretrained(
            folder,
            dtype=dtype,
            use_safetensors=True,
            local_files_only=True,
            trust_remote_code=config.trust_remote_code,
            **chosen,
        )
        return LoadedModel(model.to(device).eval(), folder, device, dtype)


def load_companion(auto_class: str, config: TransformersConfig, found: FoundModel, folder: Path) -> Any:
    """The tokenizer or processor that stands beside the weights. Raises CallError of the kind `fatal`."""
    with explain_loading(found):
        import transformers

        return getattr(transformers, auto_class).from_pretrained(
            folder, local_files_only=True, trust_remote_code=config.trust_remote_code
        )


def choose_device(wanted: str) -> torch.device:
    """`auto` and `cuda` take the GPU with the most free memory; `auto` falls back on Apple's GPU, then on the CPU.

    Raises CallError of the kind `fatal` where the device that was asked for is not there.
    """
    if wanted == "cpu":
        return torch.device("cpu")
    if wanted in ("auto", "cuda") and torch.cuda.is_available():
        count = torch.cuda.device_count()
        return torch.device("cuda", max(range(count), key=lambda index: torch.cuda.mem_get_info(index)[0]))
    if wanted in ("auto", "mps") and torch.backends.mps.is_available():
        return torch.device("mps")
    if wanted == "auto":
        return torch.device("cpu")
    if wanted.startswith("cuda:") and int(wanted[5:]) < torch.cuda.device_count():
        return torch.device(wanted)
    raise CallError("fatal", f"torch sees no device “{wanted}” here.", solution="Set “device: auto”, or leave it out.")


def choose_dtype(wanted: str, device: torch.device) -> torch.dtype:
    """16 bits on GPUs that compute in them, float32 on CPUs.

    There a text is then the same alone and in any batch, on any CPU; those with arithmetic for 16 bits would be 1.2 to
    1.8 times as fast with it, and others a third as fast.
    """
    if wanted != "auto":
        return _DTYPES[wanted]
    if device.type == "cuda":
        with torch.cuda.device(device):
            native = torch.cuda.is_bf16_supported(including_emulation=False)
        return torch.bfloat16 if native else torch.float16
    if device.type == "mps":
        return torch.float16
    return torch.float32


@contextlib.contextmanager
def explain_loading(found: FoundModel) -> Iterator[None]:
    """Turn whatever loading raises into a CallError, and keep transformers from writing over the terminal."""
    from transformers.utils import logging

    shown_bars, verbosity = logging.is_progress_bar_enabled(), logging.get_verbosity()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    name = clean_text(found.name)
    try:
        yield
    except CallError:
        raise
    except WorkbenchError as error:
        raise CallError("fatal", error.cause, solution=error.solution) from error
    except Exception as error:
        # Files from elsewhere, and code that comes with a model, may make transformers raise anything.
        if is_out_of_memory(error):
            raise CallError(
                "fatal",
                f"Memory ran out while loading {name}.",
                solution="Choose a smaller model, “dtype: bfloat16”, or a device with more memory.",
            ) from error
        raise CallError(
            "fatal",
            f"The model {name} cannot be loaded: {shorten(error)}.",
            solution="Correct what it names, or check that the folder holds the whole model.",
        ) from error
    finally:
        logging.set_verbosity(verbosity)
        if shown_bars:
            logging.enable_progress_bar()


def shorten(error: BaseException) -> str:
    """The first line of an error's text, without what could disturb a terminal."""
    lines = [line.strip() for line in clean_text(str(error), keep_newlines=True).splitlines() if line.strip()]
    return lines[0].rstrip(".")[:300] if lines else type(error).__name__
