"""Running a program that nobody has read: bounded, alone in a folder of its own, without network, files or secrets."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from workbench.errors import WorkbenchError
from workbench.sandbox.isolation import find_isolation
from workbench.sandbox.launching import LaunchError, check_files, launch
from workbench.sandbox.limits import Limits, Outcome
from workbench.sandbox.programs import find_program


def run_program(
    files: Mapping[str, str],
    command: Sequence[str],
    limits: Limits | None = None,
    stdin: str = "",
    *,
    readable: Sequence[str] = (),
) -> Outcome:
    """Run `command` in an empty folder that holds `files` (relative path to content) and wait for its end.

    The program is a path or a name on the PATH. It reads the folders of the system, what its own installation needs
    and the absolute paths `readable`; it writes in its folder alone, which is gone afterwards, as is every process
    that it started. Its environment holds nothing of this process's. May be called from several threads at once.

    Raises WorkbenchError where this machine cannot shut off the network, files and other processes, where the program
    does not exist, and for a name of a file that leads out of the folder.
    """
    isolation = find_isolation()
    if isolation.mode is None:
        raise WorkbenchError(
            f"Programs cannot be kept from the network and from your files here: {'; '.join(isolation.reasons)}.",
            "Run the workbench where the kernel allows user namespaces or has Landlock, or run no generated code.",
        )
    content = check_files(files)
    program = os.path.realpath(command[0]) if command[0].startswith("/") else find_program(command[0])
    if program is None or not os.access(program, os.X_OK):
        raise WorkbenchError(f"There is no program “{command[0]}” here.", "Install it, or put it on the PATH.")
    try:
        return launch(
            isolation.mode, content, [program, *command[1:]], limits or Limits(), stdin.encode(), tuple(readable)
        )
    except LaunchError as error:
        raise WorkbenchError(
            f"The sandbox could not be set up: {error}.", "Run `workbench doctor` to see what this machine offers."
        ) from None
