"""Errors a user sees: two sentences, what is wrong and what to do, with the exit code of the command.

Everything the core refuses on purpose raises a `WorkbenchError`; the command line and the screens print its two
sentences. Any other exception is a defect: its traceback goes to the log, and `--debug` shows it.
"""

from __future__ import annotations

DONE = 0
FAILED = 1
WRONG_USAGE = 2
STOPPED_BY_GATE = 3
CHECKPOINTED = 75  # EX_TEMPFAIL of sysexits.h: stopped on request, start the same command again to go on
INTERRUPTED = 130


class WorkbenchError(Exception):
    """Something the user can put right. `cause` says what is wrong and where, `solution` what to do next."""

    code = FAILED

    def __init__(self, cause: str, solution: str) -> None:
        super().__init__(f"{cause} {solution}")
        self.cause = cause
        self.solution = solution


class UsageError(WorkbenchError):
    """A wrong argument or an invalid spec."""

    code = WRONG_USAGE


class GateError(WorkbenchError):
    """A quality gate or a budget refused to go on."""

    code = STOPPED_BY_GATE


class StopRequested(Exception):
    """Raised inside a run when it was asked to stop and its work up to here is committed."""
