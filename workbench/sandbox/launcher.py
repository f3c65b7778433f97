"""The small process between the workbench and a program that nobody has read. It runs with no other imports of ours.

The workbench starts it by `python -I -S`, as code that changes a process before `exec` is not safe in a process with
threads. The launcher gives up what the program must not have, starts it, and watches it:

    workbench -> launcher (watches) -> first process of the namespaces -> program          mode namespaces
    workbench -> launcher (watches) -> program                                             mode landlock

When the first process of a namespace ends, the kernel ends all others in it. In the mode landlock the program can
start no others. Each process dies with the one before it, so nothing outlives a workbench that is killed.

It reads its job from a file descriptor and writes a report to another, both as `marshal`: the two sides are the same
version of Python. Nothing that the program does can write there.
"""

# It starts for every run, and importing pathlib would cost it milliseconds.
# ruff: noqa: PTH103, PTH120
from __future__ import annotations

import _signal  # type: ignore[import-not-found]
import marshal
import os
import resource
import sys
import time

from workbench.sandbox import kernel, landlock, namespaces, seccomp, watching

TYPE_CHECKING = False  # as in `typing`, which the launcher does not pay for
if TYPE_CHECKING:
    from typing import Any, NoReturn

_FIRST_WAIT, _LONGEST_WAIT = 0.01, 0.05  # seconds between two looks at a running program
_FOLDER_ENTRIES = 4096
_STACK = 8 * 2**20


def main() -> NoReturn:
    """Do the job of the descriptor that is the first argument, report to that of the second, and exit."""
    source, target, parent = map(int, sys.argv[1:4])
    os.set_inheritable(source, False)
    os.set_inheritable(target, False)
    kernel.control(kernel.PR_SET_PDEATHSIG, kernel.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)
    _signal.pthread_sigmask(_signal.SIG_BLOCK, {_signal.SIGCHLD, _signal.SIGTERM})
    with os.fdopen(source, "rb") as file:
        job = marshal.load(file)  # noqa: S302 (the workbench wrote it)
    try:
        report = launch(job)
    except OSError as error:
        report = {"error": _explain(error)}
    with os.fdopen(target, "wb") as file:
        marshal.dump(report, file)
    os._exit(0)


def launch(job: dict[str, Any]) -> dict[str, Any]:
    """Run the job. The report has `error`, or `status` (of wait(2), None if unknown), `killed`, `cpu` and `peak`.

    Raises OSError where the kernel refuses something that the job's mode stands on.
    """
    proc = os.open("/proc", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    _offer_to_the_memory_killer()
    read_end, write_end = os.pipe()
    apart = job["mode"] == "namespaces"
    if apart:
        namespaces.enter_namespaces()
    child = os.fork()
    if child == 0:
        _stay(job, write_end, proc, apart=apart)
    os.close(write_end)
    status, killed, usage = _supervise(job, child, proc, apart=apart)
    with os.fdopen(read_end, "rb") as file:
        said = file.read(4096)
    if said[:1] == b"E":
        return {"error": said[1:].decode("utf-8", "replace")}
    inner: int | None = status
    if apart:
        inner = int.from_bytes(said[1:5], "little") if said[:1] == b"S" else None
    cpu, peak = usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024
    return {"status": inner, "killed": killed, "cpu": cpu, "peak": peak}


def _stay(job: dict[str, Any], report: int, proc: int, *, apart: bool) -> NoReturn:
    """Be the child: the program itself, or the first process of the namespaces, which starts it and waits for it."""
    try:
        kernel.control(kernel.PR_SET_PDEATHSIG, kernel.SIGKILL)
        if not apart:
            _become_program(job, job["folder"], proc, apart=False)
        _signal.signal(_signal.SIGINT, _signal.SIG_DFL)  # the program must not be able to interrupt this process
        limits = job["limits"]
        namespaces.build_root(
            os.path.dirname(__file__), job["readable"], limits["folder_bytes"], _FOLDER_ENTRIES, job["machine"]
        )
        program = os.fork()
        if program == 0:
            os.setsid()
            _become_program(job, namespaces.FOLDER, proc, apart=True)
        for stream in (0, 1, 2):
            os.close(stream)
        while True:
            process, status = os.wait()
            if process == program:
                os.write(report, b"S" + status.to_bytes(4, "little"))
                os._exit(0)
    except BaseException as error:
        os.write(report, b"E" + _explain(error).encode()[:4000])
        os._exit(1)


def _become_program(job: dict[str, Any], folder: str, proc: int, *, apart: bool) -> NoReturn:
    """Give up everything and become the program of the job."""
    counted_apart = namespaces.become_nobody() if apart else False
    os.chdir(folder)
    os.umask(0o022)
    _write_files(job["files"])
    _set_limits(job["limits"])
    if apart:
        # The first process and, for a user other than the superuser, the launcher count as well.
        others = 2 if counted_apart else namespaces.count_tasks(proc, os.getuid())
        _set_limit(resource.RLIMIT_NPROC, job["limits"]["processes"] + others)
    kernel.drop_capabilities()
    version = landlock.find_version()
    if version or not apart:
        landlock.restrict_files(version, [*job["readable"], "/dev/urandom", "/dev/random"], [folder, *_SINKS])
    if seccomp.is_supported(job["machine"]):
        seccomp.install_filter(job["machine"], alone=not apart)
    for number in (_signal.SIGPIPE, _signal.SIGXFSZ, _signal.SIGINT):
        _signal.signal(number, _signal.SIG_DFL)
    _signal.pthread_sigmask(_signal.SIG_UNBLOCK, {_signal.SIGCHLD, _signal.SIGTERM})
    environment = {**job["environment"], "HOME": folder, "TMPDIR": folder}
    os.execve(job["command"][0], job["command"], environment)  # noqa: S606 (no shell is meant)


_SINKS = ("/dev/null", "/dev/zero", "/dev/full")


def _write_files(files: dict[str, bytes]) -> None:
    for name, content in files.items():
        if os.path.dirname(name):
            os.makedirs(os.path.dirname(name), 0o700, exist_ok=True)
        handle = os.open(name, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(content)


def _set_limits(limits: dict[str, Any]) -> None:
    cpu = limits["cpu_seconds"]
    # At the soft limit the kernel sends SIGXCPU, which says why; at the hard one it kills.
    _set_limit(resource.RLIMIT_CPU, cpu, cpu + 1)
    _set_limit(resource.RLIMIT_DATA, limits["memory_bytes"])
    _set_limit(resource.RLIMIT_AS, limits["memory_bytes"] + limits["reserved_bytes"])
    _set_limit(resource.RLIMIT_FSIZE, limits["file_bytes"])
    _set_limit(resource.RLIMIT_NOFILE, limits["open_files"])
    _set_limit(resource.RLIMIT_STACK, _STACK)  # how deep a recursion goes must not depend on the user's shell
    _set_limit(resource.RLIMIT_CORE, 0)
    _set_limit(resource.RLIMIT_MEMLOCK, 0)


def _set_limit(which: int, soft: int, hard: int | None = None) -> None:
    """Set a limit, but none above what this process may set."""
    hard = soft if hard is None else hard
    highest = resource.getrlimit(which)[1]
    if highest != resource.RLIM_INFINITY:
        soft, hard = min(soft, highest), min(hard, highest)
    resource.setrlimit(which, (soft, hard))


def _supervise(
    job: dict[str, Any], child: int, proc: int, *, apart: bool
) -> tuple[int, str | None, resource.struct_rusage]:
    """Wait for the child; end it where it takes too long or too much. Gives its status, the limit, and its usage."""
    limits = job["limits"]
    deadline = time.monotonic() + limits["wall_seconds"]
    wait, killed = _FIRST_WAIT, None
    while True:
        process, status, usage = os.wait4(child, os.WNOHANG)
        if process:
            return status, killed, usage
        signal = _signal.sigtimedwait({_signal.SIGCHLD, _signal.SIGTERM}, wait)
        if signal is not None and signal.si_signo == _signal.SIGCHLD:
            continue
        wait = min(wait * 1.5, _LONGEST_WAIT)
        if killed is None:
            killed = "output" if signal is not None else _find_excess(job, child, proc, deadline, apart=apart)
            if killed is not None:
                os.kill(child, kernel.SIGKILL)


def _find_excess(job: dict[str, Any], child: int, proc: int, deadline: float, *, apart: bool) -> str | None:
    limits = job["limits"]
    if time.monotonic() > deadline:
        return "timeout"
    memory, seconds = watching.measure_tree(proc, child, with_root=not apart)
    if memory > limits["memory_bytes"]:
        return "memory"
    if seconds > limits["cpu_seconds"] + 1:
        return "cpu"
    if not apart:
        size, entries = watching.measure_folder(job["folder"], _FOLDER_ENTRIES)
        if size > limits["folder_bytes"] or entries > _FOLDER_ENTRIES:
            return "output"
    return None


def _offer_to_the_memory_killer() -> None:
    """When the machine runs out of memory, this run is to end before anything of the user's."""
    try:
        handle = os.open("/proc/self/oom_score_adj", os.O_WRONLY | os.O_CLOEXEC)
        os.write(handle, b"1000")
        os.close(handle)
    except OSError:
        pass


def _explain(error: BaseException) -> str:
    if isinstance(error, OSError):
        name = error.filename
        where = name.decode("utf-8", "replace") if isinstance(name, bytes) else name
        return f"{where}: {error.strerror}" if where else str(error.strerror or error)
    return f"{type(error).__name__}: {error}"
