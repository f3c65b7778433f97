"""Starting a program under the launcher, and taking in what it writes: the side of the workbench.

Any number of threads may do this at once: each run has its own process, pipes and folder, and nothing is shared.
"""

from __future__ import annotations

import contextlib
import marshal
import os
import platform
import selectors
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any

from workbench.errors import WorkbenchError
from workbench.files import clean_text
from workbench.sandbox.limits import Ended, Limits, Mode, Outcome
from workbench.sandbox.programs import SYSTEM_FOLDERS, find_interpreter, find_library_path, list_needs

FOLDER = "/box"
"""The program's folder as its output names it, wherever it lies."""
_ENVIRONMENT = {
    "PATH": "/usr/local/bin:/usr/bin:/bin",
    "LANG": "C.UTF-8",
    "TZ": "UTC",
    "PYTHONHASHSEED": "0",
    "PYTHONDONTWRITEBYTECODE": "1",
    "RAYON_NUM_THREADS": "1",  # Rust programs start a thread for each core otherwise, more than there may be
    "OPENSSL_CONF": "/dev/null",  # Node.js insists on reading a file that it may not see
}
_GRACE_SECONDS = 10.0  # for the launcher itself, beyond the wall time of its program
_CHUNK = 65536
_OUT_OF_MEMORY = (
    "MemoryError",
    "heap out of memory",
    "std::bad_alloc",
    "annot allocate memory",
    "out of memory",
    "allocation failed",
)


class LaunchError(Exception):
    """The program could not be started under the isolation asked for; the text is the launcher's reason."""


def launch(
    mode: Mode,
    files: Mapping[str, bytes],
    command: Sequence[str],
    limits: Limits,
    stdin: bytes,
    readable: Sequence[str],
) -> Outcome:
    """Run `command` (an absolute path first) in a folder of its own that holds `files`; see `run_program`.

    Raises LaunchError where the launcher could not set up what `mode` stands for.
    """
    started = time.perf_counter()
    with _make_folder(mode) as folder:
        job = {
            "mode": mode,
            "files": dict(files),
            "command": list(command),
            "limits": asdict(limits),
            "readable": _select_paths([*SYSTEM_FOLDERS, *list_needs(command[0]), *readable]),
            "environment": _ENVIRONMENT | find_library_path(),
            "folder": folder,
            "machine": platform.machine(),
        }
        report, stdout, stderr, overflown = _converse(job, stdin, limits)
    if "error" in report:
        raise LaunchError(clean_text(report["error"]))
    output, errors = _decode(stdout, folder), _decode(stderr, folder)
    exit_code, ended = _judge(report, limits, errors, overflown=overflown)
    seconds = time.perf_counter() - started
    return Outcome(exit_code, output, errors, seconds, report["cpu"], report["peak"], ended)


@cache
def _build_command() -> tuple[str, ...]:
    root = str(Path(__file__).parents[2])
    code = f"import sys; sys.path.append({root!r}); from workbench.sandbox.launcher import main; main()"
    return (find_interpreter(), "-I", "-S", "-c", code)


def _converse(job: dict[str, Any], stdin: bytes, limits: Limits) -> tuple[dict[str, Any], bytes, bytes, bool]:
    """Start the launcher, read all three of its streams, and wait until it and the program are gone."""
    with contextlib.ExitStack() as stack:
        source, entry = (stack.enter_context(_hold(data)) for data in (marshal.dumps(job), stdin))
        read_end, write_end = os.pipe()
        report = stack.enter_context(os.fdopen(read_end, "rb", buffering=0))
        try:
            process = subprocess.Popen(
                [*_build_command(), str(source), str(write_end), str(os.getpid())],
                stdin=entry, stdout=subprocess.PIPE, stderr=subprocess.PIPE, pass_fds=(source, write_end), cwd="/",
                env=find_library_path(), start_new_session=True, bufsize=0,
            )  # fmt: skip
        except OSError as error:
            raise LaunchError(f"{find_interpreter()}: {error.strerror}") from None
        finally:
            os.close(write_end)
        with process:
            try:
                said, stdout, stderr, overflown = _read_streams(process, report, limits)
            except BaseException:
                # With the launcher the kernel ends all that it started.
                os.killpg(process.pid, signal.SIGKILL)
                raise
    if not said:
        reason = clean_text(stderr.decode("utf-8", "replace").strip().rpartition("\n")[2])
        raise LaunchError(reason or "the launcher ended without a word")
    return marshal.loads(said), stdout, stderr, overflown  # noqa: S302 (the launcher alone can write there)


def _read_streams(process: subprocess.Popen[bytes], report: Any, limits: Limits) -> tuple[bytes, bytes, bytes, bool]:
    """Read until all streams end. A program that writes too much is ended by a word to the launcher."""
    deadline = time.monotonic() + limits.wall_seconds + _GRACE_SECONDS
    assert process.stdout is not None
    assert process.stderr is not None
    taken: dict[Any, bytearray] = {stream: bytearray() for stream in (report, process.stdout, process.stderr)}
    overflown = False
    with selectors.DefaultSelector() as selector:
        for stream in taken:
            selector.register(stream, selectors.EVENT_READ)
        while selector.get_map():
            ready = selector.select(max(0.0, deadline - time.monotonic()))
            if not ready:
                raise LaunchError("the launcher did not end in time")
            for key, _ in ready:
                data = os.read(key.fd, _CHUNK)
                if not data:
                    selector.unregister(key.fileobj)
                held = taken[key.fileobj]
                room = limits.output_bytes - len(held) if key.fileobj is not report else len(data)
                held += data[:room]
                if len(data) > room and not overflown:
                    overflown = True
                    process.send_signal(signal.SIGTERM)
    said, stdout, stderr = (bytes(held) for held in taken.values())
    return said, stdout, stderr, overflown


def _judge(report: dict[str, Any], limits: Limits, stderr: str, *, overflown: bool) -> tuple[int | None, Ended]:
    """The exit code, where there is one, and how the program ended."""
    status, killed = report["status"], report["killed"]
    if overflown or killed == "output":
        return None, "output"
    if killed is not None:
        return None, killed
    if status is None:
        return None, "signal"
    code = os.waitstatus_to_exitcode(status)
    if code == -signal.SIGXCPU or (code == -signal.SIGKILL and report["cpu"] >= limits.cpu_seconds):
        return None, "cpu"
    if code != 0 and any(word in stderr[-4000:] for word in _OUT_OF_MEMORY):
        return (code if code > 0 else None), "memory"
    return (code, "exit") if code >= 0 else (None, "signal")


def _select_paths(paths: Sequence[str]) -> list[str]:
    """The paths that exist, without those that lie in another one."""
    chosen: list[str] = []
    for path in paths:
        if os.path.lexists(path) and not any(path == each or path.startswith(f"{each}/") for each in chosen):
            chosen.append(path)
    return chosen


def _decode(data: bytes, folder: str) -> str:
    text = data.decode("utf-8", "replace")
    return clean_text(text.replace(folder, FOLDER) if folder else text, keep_newlines=True)


@contextlib.contextmanager
def _hold(data: bytes) -> Iterator[int]:
    """A descriptor to read `data` from; nothing has to be written while the program runs."""
    handle = os.memfd_create("workbench", os.MFD_CLOEXEC)
    try:
        view = memoryview(data)
        while view:
            view = view[os.write(handle, view) :]
        os.lseek(handle, 0, os.SEEK_SET)
        # A second description that cannot be written to: the program gets its input by it.
        reader = os.open(f"/proc/self/fd/{handle}", os.O_RDONLY | os.O_CLOEXEC)
    finally:
        os.close(handle)
    try:
        yield reader
    finally:
        os.close(reader)


@contextlib.contextmanager
def _make_folder(mode: Mode) -> Iterator[str]:
    """A folder for a program that cannot have a file system of its own; removed with all that it left there."""
    if mode == "namespaces":
        yield ""
        return
    folder = os.path.realpath(tempfile.mkdtemp(prefix="workbench-box-"))
    try:
        yield folder
    finally:
        with contextlib.suppress(RecursionError):
            shutil.rmtree(folder, ignore_errors=True)
        if os.path.lexists(folder):  # nested deeper than Python removes
            subprocess.run(["/bin/rm", "-rf", "--", folder], check=False, stderr=subprocess.DEVNULL)


def check_files(files: Mapping[str, str]) -> dict[str, bytes]:
    """The files as bytes. Raises WorkbenchError for a name that would not stay in the folder."""
    for name in files:
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts or not path.parts or "\0" in name:
            raise WorkbenchError(
                f"“{clean_text(name)}” is no file of the sandbox's folder.", "Give a relative path without “..”."
            )
    return {name: content.encode("utf-8", "surrogatepass") for name, content in files.items()}
