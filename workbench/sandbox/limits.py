"""What a program in the sandbox may use, and what became of it: plain values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from workbench.errors import WorkbenchError

Ended = Literal["exit", "timeout", "cpu", "memory", "signal", "output"]
Mode = Literal["namespaces", "landlock"]
MIB = 2**20


@dataclass(frozen=True, slots=True)
class Limits:
    """What one run may use. The processor time is meant to decide; the clock is there for programs that wait."""

    cpu_seconds: int = 5
    """Processor time of each process, and of all of them together."""
    wall_seconds: float = 30.0
    memory_bytes: int = 512 * MIB
    """Memory of each process, and of all of them together."""
    reserved_bytes: int = 512 * MIB
    """Address space on top of that, for runtimes that set some aside without using it."""
    file_bytes: int = 16 * MIB
    folder_bytes: int = 64 * MIB
    """All files of the run together."""
    processes: int = 32
    """Processes and threads at a time."""
    open_files: int = 128
    output_bytes: int = 64 * 1024
    """Of standard output, and of standard error; a program that writes more is ended."""

    def __post_init__(self) -> None:
        if min(self.cpu_seconds, self.memory_bytes, self.processes, self.open_files, self.output_bytes) < 1:
            raise WorkbenchError("A limit of the sandbox is below 1.", "Give every limit a positive number.")


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a program ended. `exit_code` is None where a signal or a limit ended it.

    `stdout` and `stderr` are decoded as UTF-8 and free of control characters but line ends and tabs. `cpu_seconds`
    includes the few milliseconds of the launcher; `peak_bytes` is the largest memory of one of its processes.
    """

    exit_code: int | None
    stdout: str
    stderr: str
    seconds: float
    cpu_seconds: float
    peak_bytes: int
    ended: Ended
