"""A model and its tokenizer from a folder or the hub, on the device and in the precision that the method needs."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from safetensors import SafetensorError

from workbench.errors import UsageError, WorkbenchError
from workbench.files import clean_text
from workbench.tuning.methods import Method, MethodSettings
from workbench.tuning.models import ModelReference, check_weights


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """`arithmetic` is the precision it computes in. `padding` may be any token id: it is never attended or counted."""

    model: Any
    tokenizer: Any
    parameters: int
    padding: int
    arithmetic: torch.dtype


def load_model(reference: ModelReference, method: Method, settings: MethodSettings) -> LoadedModel:
    """Load weights and tokenizer. Trained weights are float32, since small updates vanish in 16 bits; frozen ones not.

    Raises `UsageError` for a folder without weights or tokenizer, or an architecture that is no causal language model.
    """
    check_weights(reference)
    device = choose_device()
    arithmetic = _choose_arithmetic(settings.dtype, device)
    with _explain_loading(reference):
        from transformers import AutoModelForCausalLM, AutoTokenizer
        from transformers.utils import logging

        logging.set_verbosity_error()
        logging.disable_progress_bar()
        tokenizer = AutoTokenizer.from_pretrained(reference.location)
        held = arithmetic if method.frozen_base else torch.float32
        model = AutoModelForCausalLM.from_pretrained(reference.location, dtype=held, use_safetensors=True)
    model.config.use_cache = False
    padding = next(
        (each for each in (tokenizer.pad_token_id, tokenizer.eos_token_id) if each is not None),
        0,
    )
    return LoadedModel(model.to(device), tokenizer, model.num_parameters(), padding, arithmetic)


def choose_device() -> torch.device:
    """The GPU if torch sees one, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def _choose_arithmetic(wanted: str, device: torch.device) -> torch.dtype:
    if wanted != "auto":
        return {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}[wanted]
    if device.type == "cpu":
        return torch.float32
    return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float16


@contextlib.contextmanager
def _explain_loading(reference: ModelReference) -> Iterator[None]:
    try:
        yield
    except torch.OutOfMemoryError as error:
        raise WorkbenchError(
            f"Memory ran out while loading {reference.name}.", "Choose a smaller model, or a device with more memory."
        ) from error
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        lines = [line for line in clean_text(str(error), keep_newlines=True).splitlines() if line.strip()]
        reason = lines[0].strip().rstrip(".") if lines else type(error).__name__
        hint = "Check that the folder holds a whole causal language model."
        if reference.folder is None:
            offline = os.environ.get("HF_HUB_OFFLINE") in {"1", "true", "TRUE", "ON", "YES"}
            hint = (
                "HF_HUB_OFFLINE is set: unset it, or give a local folder."
                if offline
                else "Check the id and the network, and log in with `hf auth login` if the model asks for it."
            )
        raise UsageError(f"The model {reference.name} cannot be loaded: {reason}.", hint) from error
