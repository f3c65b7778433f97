"""Programs of this machine that the sandbox runs, and what of the file system each needs to start."""

from __future__ import annotations

import os
import shutil
import sys
import sysconfig
from pathlib import Path

SYSTEM_FOLDERS = (
    "/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/nix/store", "/gnu/store",
    "/etc/ld.so.cache", "/etc/alternatives",
)  # fmt: skip
"""What every program may read. There are no data of users in them."""


def find_interpreter() -> str:
    """The Python that the virtual environment, if this is one, was made from."""
    return os.path.realpath(getattr(sys, "_base_executable", None) or sys.executable)


def find_program(name: str) -> str | None:
    """Where a program lies: beside the interpreter, as pip installs it, or on the PATH. None where there is none."""
    own = str(Path(sys.executable).parent)
    found = shutil.which(name, path=own) or shutil.which(name)
    return None if found is None else os.path.realpath(found)


def list_needs(program: str) -> tuple[str, ...]:
    """The program itself and the folders of libraries that belong to it; nothing where the system's folders do."""
    path = Path(program)
    if any(path.is_relative_to(folder) for folder in SYSTEM_FOLDERS):
        return ()
    libraries = (path.parent.parent / name for name in ("lib", "lib64"))
    return (program, *(str(folder) for folder in libraries if folder.is_dir()))


def find_library_path() -> dict[str, str]:
    """The variable that leads the interpreter to its own library, if that lies outside of the system's folders."""
    folder = str(sysconfig.get_config_var("LIBDIR") or "")
    if not sysconfig.get_config_var("Py_ENABLE_SHARED") or not folder or folder.startswith("/usr/lib"):
        return {}
    return {"LD_LIBRARY_PATH": folder}
