"""Watching a running program from outside: the memory and processor time of all its processes, the size of its folder.

Limits of the kernel hold for one process each; a program that starts many must not get as many times as much.
"""

# The launcher starts for every run, and importing pathlib would cost it milliseconds.
# ruff: noqa: PTH208
from __future__ import annotations

import errno
import os

_TICK = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")
_MAX_PROCESSES = 4096


def measure_tree(proc: int, root: int, *, with_root: bool) -> tuple[int, float]:
    """Memory in bytes and processor time in seconds of a process and all that descend from it.

    `proc` is an open /proc of the machine. Memory of the root counts only `with_root`. Pages that processes share
    count for each of them. What has ended meanwhile counts as nothing.
    """
    memory, seconds = 0, 0.0
    waiting, seen = [root], 0
    while waiting and seen < _MAX_PROCESSES:
        process = waiting.pop()
        seen += 1
        try:
            if with_root or process != root:
                memory += int(_read(proc, f"{process}/statm").split()[1]) * _PAGE
            # The name of the program comes second, in brackets, and may hold anything.
            fields = _read(proc, f"{process}/stat").rpartition(b")")[2].split()
            seconds += sum(map(int, fields[11:15])) / _TICK
            tasks = os.open(f"{process}/task", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=proc)
            try:
                for task in os.listdir(tasks):
                    waiting += map(int, _read(tasks, f"{task}/children").split())
            finally:
                os.close(tasks)
        except (OSError, IndexError):
            continue
    return memory, seconds


def measure_folder(folder: str, max_entries: int) -> tuple[int, int]:
    """Bytes and number of the files below `folder`, links not followed; counting stops at `max_entries`."""
    size = count = 0
    waiting = [folder]
    while waiting:
        try:
            with os.scandir(waiting.pop()) as entries:
                for entry in entries:
                    count += 1
                    if count > max_entries:
                        return size, count
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
                    else:
                        size += entry.stat(follow_symlinks=False).st_blocks * 512
        except OSError as error:
            if error.errno == errno.ENAMETOOLONG:
                return size, max_entries + 1  # nested so deep that what lies there could not be counted
    return size, count


def _read(folder: int, name: str) -> bytes:
    handle = os.open(name, os.O_RDONLY | os.O_CLOEXEC, dir_fd=folder)
    try:
        return os.read(handle, 65536)
    finally:
        os.close(handle)
