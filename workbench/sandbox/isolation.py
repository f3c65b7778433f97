"""What this machine offers to keep a program apart, found out by trying it and not by looking at versions."""

from __future__ import annotations

import os
import platform
import sys
import tempfile
from dataclasses import dataclass
from functools import lru_cache
from threading import Lock

from workbench.sandbox import landlock, seccomp
from workbench.sandbox.launching import LaunchError, launch
from workbench.sandbox.limits import Limits, Mode
from workbench.sandbox.programs import find_interpreter

_PROBE = """
import sys
found = []
try:
    open(sys.argv[1]).close()
    found.append("files")
except OSError:
    pass
try:
    import _socket
    _socket.socket(_socket.AF_INET, _socket.SOCK_STREAM).connect(("127.0.0.1", int(sys.argv[2])))
    found.append("network")
except OSError:
    pass
try:
    import posix
    posix.kill(int(sys.argv[3]), 0)
    found.append("processes")
except OSError:
    pass
print("open:", *found)
"""
_lock = Lock()


@dataclass(frozen=True, slots=True)
class Isolation:
    """How programs are kept apart here: `mode` is None where they cannot be, and `reasons` say why.

    `missing` says in sentences what the mode found does without. `landlock` is its version, 0 for none.
    """

    mode: Mode | None
    landlock: int
    seccomp: bool
    missing: tuple[str, ...]
    reasons: tuple[str, ...]

    def describe(self) -> str:
        """In a few words, for `workbench doctor`."""
        if self.mode is None:
            return "cannot be set up"
        parts = ["namespaces"] if self.mode == "namespaces" else []
        parts += [f"Landlock {self.landlock}"] if self.landlock else []
        parts += ["seccomp"] if self.seccomp else []
        return ", ".join(parts)


def find_isolation() -> Isolation:
    """The best isolation of this machine, tried once for the process: a program looks for a way out and finds none."""
    with _lock:
        return _find_isolation()


def try_mode(mode: Mode) -> str:
    """Run a program that tries a file, the network and the workbench's process. Empty, or why the mode is of no use."""
    import socket

    with tempfile.NamedTemporaryFile(prefix="workbench-probe-") as file, socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        python = find_interpreter()
        command = [python, "-I", "-S", "-c", _PROBE, file.name, str(server.getsockname()[1]), str(os.getpid())]
        try:
            outcome = launch(mode, {}, command, Limits(), b"", ())
        except LaunchError as error:
            return str(error)
    if outcome.exit_code != 0:
        return outcome.stderr.strip().rpartition("\n")[2] or f"a trial ended by “{outcome.ended}”"
    left = outcome.stdout.strip().removeprefix("open:").strip()
    return f"a trial program reached: {left}" if left else ""


@lru_cache(maxsize=1)
def _find_isolation() -> Isolation:
    if sys.platform != "linux":
        return Isolation(None, 0, False, (), (f"programs can be kept apart on Linux only, and this is {sys.platform}",))
    version, filters = landlock.find_version(), seccomp.is_supported(platform.machine())
    missing = [] if filters else [f"system calls cannot be filtered on {platform.machine()}"]
    reason = try_mode("namespaces")
    if not reason:
        if not version:
            missing.append("this kernel has no Landlock; namespaces alone guard the files")
        return Isolation("namespaces", version, filters, tuple(missing), ())
    reasons = [f"namespaces: {reason}"]
    if not version:
        reasons.append("Landlock: this kernel has none, or the container forbids it")
    elif not filters:
        reasons.append(f"Landlock: the network cannot be shut off on {platform.machine()}")
    elif reason := try_mode("landlock"):
        reasons.append(f"Landlock: {reason}")
    else:
        missing.append(f"there are no namespaces ({reasons[0].partition(': ')[2]}), so programs cannot start others")
        return Isolation("landlock", version, filters, tuple(missing), ())
    return Isolation(None, version, filters, (), tuple(reasons))
