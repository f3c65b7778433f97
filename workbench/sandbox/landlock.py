"""Landlock: a process gives up files, TCP and signals to others, without any privilege (Linux 5.13 and newer).

The rights of each version are those of the kernel's `include/uapi/linux/landlock.h`. What a version does not know
(truncating before 3, TCP before 4, signals before 6) `seccomp` shuts off.
"""

from __future__ import annotations

import os
import struct

from workbench.sandbox.kernel import call_kernel

TYPE_CHECKING = False  # as in `typing`, which the launcher does not pay for
if TYPE_CHECKING:
    from collections.abc import Sequence

_CREATE, _ADD_RULE, _RESTRICT = 444, 445, 446
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1, 1 << 1, 1 << 2, 1 << 3
_TRUNCATE, _IOCTL_DEVICE = 1 << 14, 1 << 15
_OF_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL_DEVICE
_READ = _EXECUTE | _READ_FILE | _READ_DIR


def find_version() -> int:
    """The version of Landlock of this kernel, 0 where there is none."""
    try:
        return call_kernel(_CREATE, None, 0, 1)
    except OSError:
        return 0


def restrict_files(version: int, readable: Sequence[str], writable: Sequence[str]) -> None:
    """Leave this process the paths given, each with all below it, and no other; `writable` paths can be read too.

    It needs `no_new_privs`. Paths that do not exist are passed over. Raises OSError where the kernel refuses.
    """
    known = (1 << (13 + min(version, 3) - 1)) - 1 if version < 5 else (1 << 16) - 1
    attributes = struct.pack("<QQQ", known, 3 if version >= 4 else 0, 3 if version >= 6 else 0)
    size = 24 if version >= 6 else 16 if version >= 4 else 8
    ruleset = call_kernel(_CREATE, attributes[:size], size, 0)
    for path, rights in [*((path, _READ) for path in readable), *((path, known) for path in writable)]:
        try:
            handle = os.open(path, os.O_PATH | os.O_CLOEXEC)
        except OSError:
            continue
        if not os.path.isdir(path):  # noqa: PTH112 (pathlib costs the launcher milliseconds)
            rights &= _OF_FILES
        call_kernel(_ADD_RULE, ruleset, 1, struct.pack("<Qi", rights & known, handle), 0)
        os.close(handle)
    call_kernel(_RESTRICT, ruleset, 0)
    os.close(ruleset)
