"""Namespaces: a file system, a network and processes of the program's own, of which it alone is part.

The superuser makes them as they are and lets the program run as nobody; anyone else makes a user namespace first,
which gives the right to the others and no right outside. The file system is a small one in memory: system folders
and the interpreter, read-only, and the program's folder, whose size is bounded. There is no /proc and no /sys.
"""

# The launcher starts for every run, and importing pathlib would cost it milliseconds.
# ruff: noqa: PTH102, PTH103, PTH110, PTH112, PTH114, PTH115, PTH120, PTH123, PTH208, PTH211
from __future__ import annotations

import os

from workbench.sandbox.kernel import call, pivot_root

TYPE_CHECKING = False  # as in `typing`, which the launcher does not pay for
if TYPE_CHECKING:
    from collections.abc import Sequence

NOBODY = 65534
FOLDER = "/box"
"""The program's folder inside."""

_NEW_USER = 0x10000000
_NEW_OTHERS = 0x00020000 | 0x02000000 | 0x04000000 | 0x08000000 | 0x20000000 | 0x40000000
"""Mounts, control groups, host name, shared memory, processes, network: CLONE_NEW… of `sched.h`."""
_READ_ONLY, _NO_SUID, _REMOUNT, _BIND, _RECURSIVE, _PRIVATE = 1, 2, 32, 4096, 16384, 1 << 18
_KEPT = {"nosuid": 2, "nodev": 4, "noexec": 8, "noatime": 1024, "nodiratime": 2048, "relatime": 1 << 21}
_DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")


def enter_namespaces() -> None:
    """Leave the namespaces of the machine; the next process that this one starts is the first of its own.

    Raises OSError where the kernel, or whoever runs this container, does not allow it.
    """
    user, group = os.geteuid(), os.getegid()
    if user == 0:
        call("unshare", _NEW_OTHERS)
    else:
        call("unshare", _NEW_USER | _NEW_OTHERS)
        _write("/proc/self/setgroups", "deny")
        _write("/proc/self/uid_map", f"{user} {user} 1")
        _write("/proc/self/gid_map", f"{group} {group} 1")
    call("sethostname", b"sandbox", 7)


def become_nobody() -> bool:
    """Give up the superuser, where this is one. True where the processes of the program are counted apart."""
    if os.getuid() == 0:
        os.setgroups([])
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)
        try:
            call("unshare", _NEW_USER)
        except OSError:
            return False
    release = os.uname().release.split(".")
    return (int(release[0]), int(release[1].split("-")[0])) >= (5, 14)


def build_root(base: str, readable: Sequence[str], size: int, files: int, machine: str) -> None:
    """Put a new root in place of the old one, with `readable` paths at their places and an empty `FOLDER`.

    `base` is any folder that no readable path lies in; `size` in bytes and the number of `files` bound `FOLDER`.
    Raises OSError.
    """
    call("mount", None, b"/", None, _RECURSIVE | _PRIVATE, None)
    call("mount", b"tmpfs", base.encode(), b"tmpfs", _NO_SUID, b"size=1m,mode=755")
    for path in (*readable, *_DEVICES):
        _show(path, base)
    folder = base + FOLDER
    os.mkdir(folder, 0o755)
    for point, options in _list_mounts(base):
        flags = _REMOUNT | _BIND | _READ_ONLY | _NO_SUID | sum(_KEPT.get(option, 0) for option in options)
        if point != base.encode():
            call("mount", None, point, None, flags, None)
    owner = f"uid={NOBODY},gid={NOBODY}" if os.geteuid() == 0 else f"uid={os.geteuid()},gid={os.getegid()}"
    bounds = f"size={size},nr_inodes={files},mode=700,{owner}"
    call("mount", b"tmpfs", folder.encode(), b"tmpfs", _NO_SUID | 4, bounds.encode())
    call("mount", None, base.encode(), None, _REMOUNT | _BIND | _READ_ONLY | _NO_SUID, None)
    os.chdir(base)
    pivot_root(machine)
    os.chdir("/")


def count_tasks(proc: int, user: int) -> int:
    """How many processes and threads of `user` an open /proc shows, for kernels that count them all together."""
    count = 0
    for name in os.listdir(proc):
        try:
            if name.isdigit() and os.stat(name, dir_fd=proc).st_uid == user:
                tasks = os.open(f"{name}/task", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=proc)
                count += len(os.listdir(tasks))
                os.close(tasks)
        except OSError:
            continue  # it has ended
    return count


def _show(path: str, base: str) -> None:
    """Make `path` visible under `base`: a link as the same link, anything else by binding it."""
    target = base + path
    os.makedirs(os.path.dirname(target), 0o755, exist_ok=True)
    if os.path.islink(path):
        os.symlink(os.readlink(path), target)
        return
    if os.path.isdir(path):
        os.makedirs(target, 0o755, exist_ok=True)
    elif os.path.exists(path):
        os.close(os.open(target, os.O_CREAT | os.O_WRONLY, 0o644))
    else:
        return
    call("mount", path.encode(), target.encode(), None, _BIND | _RECURSIVE, None)


def _list_mounts(base: str) -> list[tuple[bytes, list[str]]]:
    """The mounts at and below `base` with their options, as proc(5) lists them."""
    found: list[tuple[bytes, list[str]]] = []
    with open("/proc/self/mountinfo", "rb") as file:
        for line in file:
            fields = line.split(b" ")
            point = fields[4]
            for escape, plain in ((b"\\040", b" "), (b"\\011", b"\t"), (b"\\012", b"\n"), (b"\\134", b"\\")):
                point = point.replace(escape, plain)
            if point == base.encode() or point.startswith(base.encode() + b"/"):
                found.append((point, fields[5].decode().split(",")))
    return found


def _write(path: str, text: str) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(handle, text.encode())
    finally:
        os.close(handle)
