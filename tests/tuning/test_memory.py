"""Running out of memory or disk is two sentences, with what to do."""

from pathlib import Path

import pytest
import torch

from workbench.errors import WorkbenchError
from workbench.tuning.memory import explain_memory, measure_peak_memory


def test_memory_that_cannot_be_had_is_explained_with_what_to_change() -> None:
    with pytest.raises(WorkbenchError) as caught, explain_memory("training with batches of 16 rows"):
        torch.empty(2**46, dtype=torch.uint8)
    assert caught.value.cause == "Memory ran out while training with batches of 16 rows."
    assert "batch_size" in caught.value.solution


def test_a_full_disk_is_explained() -> None:
    with pytest.raises(WorkbenchError, match="No disk space left"), explain_memory("saving"):
        Path("/dev/full").write_text("anything")


def test_other_errors_pass_unchanged_and_the_peak_is_what_the_process_used() -> None:
    with pytest.raises(ZeroDivisionError), explain_memory("dividing"):
        raise ZeroDivisionError
    assert measure_peak_memory() > 50_000_000
