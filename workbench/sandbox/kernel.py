"""Calls to the Linux kernel that Python has no function for.

It stands on `_ctypes`, what `ctypes` is made of, as the launcher would pay 2 ms of each run for the rest of it. Numbers
of system calls differ by processor; those newer than Linux 5.1 are the same on all of them.
"""

from __future__ import annotations

import _ctypes
import os

PR_SET_PDEATHSIG = 1
PR_SET_SECCOMP = 22
PR_CAPBSET_DROP = 24
PR_SET_NO_NEW_PRIVS = 38
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_CLEAR_ALL = 4
SIGKILL = 9

_LAST_CAPABILITY = 63
_CAPABILITY_VERSION_3 = 0x20080522
_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41, "riscv64": 41, "loongarch64": 41}

_HANDLE = _ctypes.dlopen(None, os.RTLD_NOW)  # type: ignore[arg-type]  # None stands for what is loaded already


class _Int(_ctypes._SimpleCData):  # type: ignore[type-arg]
    _type_ = "i"


class _Long(_ctypes._SimpleCData):  # type: ignore[type-arg]
    _type_ = "l"


class _Byte(_ctypes._SimpleCData):  # type: ignore[type-arg]
    _type_ = "c"


class _Function(_ctypes.CFuncPtr):
    _flags_ = _ctypes.FUNCFLAG_CDECL | _ctypes.FUNCFLAG_USE_ERRNO
    _restype_ = _Int


def call(name: str, *arguments: int | bytes | None) -> int:
    """Call a function of the C library. Raises OSError where it answers -1."""
    function = _Function(_ctypes.dlsym(_HANDLE, name))
    result: int = function(*(_Long(each) if isinstance(each, int) else each for each in arguments))
    if result == -1:
        number = _ctypes.get_errno()
        raise OSError(number, os.strerror(number), name)
    return result


def call_kernel(number: int, *arguments: int | bytes | None) -> int:
    """Make a system call by its number. Raises OSError where it fails."""
    return call("syscall", number, *arguments)


def control(option: int, *arguments: int) -> int:
    """`prctl(2)`. All five arguments are passed, as some options insist on zeros."""
    return call("prctl", option, *(*arguments, 0, 0, 0, 0)[:4])


def pivot_root(machine: str) -> None:
    """Make the current folder the root and let go of the former one. Raises OSError, also on an unknown machine."""
    number = _PIVOT_ROOT.get(machine)
    if number is None:
        raise OSError(f"pivot_root is not known on {machine}")
    call_kernel(number, b".", b".")
    call("umount2", b".", 2)  # MNT_DETACH


def drop_capabilities() -> None:
    """Give up every capability for good, with those that a program could bring."""
    for capability in range(_LAST_CAPABILITY + 1):
        try:
            control(PR_CAPBSET_DROP, capability)
        except OSError:
            break  # the kernel knows no more of them, or they are not ours to drop; no_new_privs holds either way
    control(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL)
    header = _CAPABILITY_VERSION_3.to_bytes(4, "little") + bytes(4)
    call("capset", header, bytes(24))
    control(PR_SET_NO_NEW_PRIVS, 1)


def copy_out(data: bytes) -> _ctypes.Array[_Byte]:
    """A copy of `data` whose address, `find_address`, holds while the copy is kept."""

    class Copy(_ctypes.Array):  # type: ignore[type-arg]
        _type_ = _Byte
        _length_ = len(data)

    return Copy.from_buffer_copy(data)


def find_address(copy: _ctypes.Array[_Byte]) -> int:
    """Where a copy lies in memory."""
    return _ctypes.addressof(copy)
