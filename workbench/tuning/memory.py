"""Running out of memory or disk as two sentences, and the most memory a run has used."""

from __future__ import annotations

import contextlib
import errno
import resource
from collections.abc import Iterator
from pathlib import Path

import torch

from workbench.errors import WorkbenchError
from workbench.files import explain_os_error

_CPU_OUT_OF_MEMORY = ("can't allocate memory", "not enough memory")
_DISK_FULL = ("No space left on device", "failed writing file")


@contextlib.contextmanager
def explain_memory(what: str) -> Iterator[None]:
    """Turn exhausted memory or disk inside the block into a `WorkbenchError`; `what` says what was being done."""
    try:
        yield
    except (torch.OutOfMemoryError, MemoryError) as error:
        raise _explain_memory(what) from error
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EROFS):
            raise explain_os_error(error, Path(error.filename or "the run's folder")) from error
        raise
    except Exception as error:  # torch and safetensors report both in exceptions of several classes
        if any(mark in str(error) for mark in _CPU_OUT_OF_MEMORY):
            raise _explain_memory(what) from error
        if any(mark in str(error) for mark in _DISK_FULL):
            raise WorkbenchError(
                f"No disk space left while {what}.", "Free space and resume the run: its last whole checkpoint is kept."
            ) from error
        raise


def measure_peak_memory() -> int:
    """Bytes: the most that tensors took on the GPU, or without one the most that the process had in memory."""
    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _explain_memory(what: str) -> WorkbenchError:
    return WorkbenchError(
        f"Memory ran out while {what}.",
        "Halve batch_size and double gradient_accumulation (the result stays the same), set checkpointing=true, lower "
        "max_length, or choose the method lora.",
    )
