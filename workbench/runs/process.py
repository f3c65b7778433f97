"""Which process is meant: a pid alone may belong to another one by now, so start time and boot are kept with it.

Used for one purpose only, to signal a process that somebody else started. Whether a run is alive is never asked here:
that is what its lock says.
"""

from __future__ import annotations

import os
import signal
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class ProcessIdentity:
    """`start_ticks` is field 22 of /proc/<pid>/stat (clock ticks since boot); 0 where there is no /proc."""

    pid: int
    start_ticks: int
    boot_id: str
    host: str

    @classmethod
    def from_json(cls, data: Any) -> ProcessIdentity:
        """The identity that was written as JSON. Raises ValueError if it is not one."""
        try:
            return cls(int(data["pid"]), int(data["start_ticks"]), str(data["boot_id"]), str(data["host"]))
        except (KeyError, TypeError) as error:
            raise ValueError("not the identity of a process") from error


def identify_self() -> ProcessIdentity:
    """The identity of this process."""
    pid = os.getpid()
    return ProcessIdentity(pid, read_start_ticks(pid) or 0, read_boot_id(), socket.gethostname())


def read_start_ticks(pid: int) -> int | None:
    """When the process of that number started, or None if there is none (or no /proc)."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return None
    # The second field is the program's name in parentheses and may hold spaces and parentheses itself.
    return int(stat[stat.rfind(b")") + 2 :].split()[19])


def read_boot_id() -> str:
    """A name for the time since this machine was started, empty where the system gives none."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    except OSError:
        return ""


def kill_group(identity: ProcessIdentity) -> bool:
    """SIGKILL the process group that `identity` leads or led. Returns whether a signal was sent.

    If the leader is gone its number cannot be given to a new process while members of its group live, so the group
    is still the one meant; if its number belongs to a process with another start time, nothing is done.
    """
    here = (read_boot_id(), socket.gethostname())
    if not identity.start_ticks or (identity.boot_id, identity.host) != here or identity.pid == os.getpgrp():
        return False
    ticks = read_start_ticks(identity.pid)
    if ticks is not None and ticks != identity.start_ticks:
        return False
    try:
        os.killpg(identity.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def describe_exit(status: int) -> str:
    """An exit status as `subprocess` counts it (negative for a signal) in words."""
    if status >= 0:
        return f"ended with exit code {status}"
    try:
        name = signal.Signals(-status).name
    except ValueError:
        name = f"signal {-status}"
    if name == "SIGKILL":
        return "was killed by SIGKILL, which is also what happens when memory runs out"
    return f"was killed by {name}"
