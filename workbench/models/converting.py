"""A GGUF file as a folder of safetensors and tokenizer, made once and kept in the user's cache folder.

Transformers reads GGUF files, but parses their vocabulary in Python each time: 20 seconds to a minute for small
models, against one to three for the converted folder.
"""

from __future__ import annotations

import contextlib
import io
import re
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from workbench.errors import WorkbenchError
from workbench.files import clean_text
from workbench.models.cache import find_cache, hash_file, make_once
from workbench.models.gguf_header import read_gguf_header

_PART = re.compile(r"-\d{5}-of-\d{5}\.gguf$", re.IGNORECASE)
_FLOAT_TYPES = {0: "float32", 1: "float16"}
"""`general.file_type` of files that are not quantized; all others become bfloat16, which is finer than their steps."""


def find_converted(path: Path) -> Path | None:
    """The folder made from a GGUF file, None if that was not done yet. Raises OSError where the file cannot be read."""
    folder = find_cache() / "converted" / hash_file(path)
    return folder if folder.is_dir() else None


def convert_gguf(path: Path, tell: Callable[[str], None] = lambda _: None) -> Path:
    """A folder with the weights of a GGUF file as safetensors, its config and its tokenizer; made if it is not there.

    The folder is named by the file's SHA-256 and appears whole or not at all; of two processes that ask at once, one
    waits for the other. Takes 20 seconds for 135 million parameters, which `tell` is told, then no time. Raises
    `WorkbenchError` where the file is damaged, its architecture is not known to transformers, or the disk is full.
    """
    shown = clean_text(str(path))
    if _PART.search(path.name):
        raise WorkbenchError(f"{shown} is one part of a model in several files.", "Merge its parts into one file.")
    try:
        header = read_gguf_header(path)
        digest = hash_file(path)
    except (OSError, ValueError) as error:
        raise WorkbenchError(f"{shown} cannot be read: {error}.", "Copy or get it again.") from error
    kind = header.get("general.file_type")
    dtype = _FLOAT_TYPES.get(kind, "bfloat16") if isinstance(kind, int) else "bfloat16"
    target = find_cache() / "converted" / digest
    if not target.is_dir():
        tell(f"Converting {shown} to safetensors. This is done once and may take a minute.")
    with tempfile.TemporaryDirectory(prefix="workbench-") as source:
        return make_once(target, lambda folder: _convert(path, dtype, Path(source), folder))


def _convert(path: Path, dtype: str, source: Path, folder: Path) -> None:
    """Convert by way of `source`, an empty folder: what else lies beside the file could be taken for part of it."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig
    from transformers.utils import logging

    was_shown = logging.is_progress_bar_enabled()
    verbosity = logging.get_verbosity()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    options: dict[str, Any] = {"gguf_file": "model.gguf", "local_files_only": True, "trust_remote_code": False}
    try:
        (source / "model.gguf").symlink_to(path.absolute())
        tokenizer = AutoTokenizer.from_pretrained(source, **options)
        with contextlib.redirect_stderr(io.StringIO()):  # its progress bar has no switch
            model = AutoModelForCausalLM.from_pretrained(
                source,
                **options,
                dtype=getattr(torch, dtype),
                # Without this the weights stay packed in 5.x, and a packed model cannot be saved.
                quantization_config=GgufConfig(dequantize=True),
            )
        # The model is dense now: its config must not say otherwise to whoever loads the folder.
        if getattr(model.config, "quantization_config", None) is not None:
            del model.config.quantization_config
        tokenizer.save_pretrained(folder)
        model.save_pretrained(folder)
    except Exception as error:  # whatever a file from elsewhere makes of transformers, the user gets a sentence
        if isinstance(error, OSError) and error.errno is not None:
            raise
        lines = [line.strip() for line in clean_text(str(error), keep_newlines=True).splitlines() if line.strip()]
        reason = lines[0].rstrip(".")[:300] if lines else type(error).__name__
        raise WorkbenchError(
            f"{clean_text(path.name)} cannot be converted: {reason}.",
            "Use a model of an architecture that transformers reads from GGUF, or its safetensors.",
        ) from error
    finally:
        logging.set_verbosity(verbosity)
        if was_shown:
            logging.enable_progress_bar()
