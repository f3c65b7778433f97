"""Run `main.py`, and with the argument `tests` the tests of `tests.py` on it. The last line of the errors says why not.

Functions `test_…`, classes of `unittest` and plain assertions are run. The word on standard input is written when the
tests have come to their end: a program that exits before it passes none.
"""

from __future__ import annotations

import os
import sys
import types

TYPE_CHECKING = False  # as in `typing`, which would take longer to import than the rest
if TYPE_CHECKING:
    from typing import NoReturn


def read(name: str) -> bytes:
    """The content of a file; nothing where it is not there."""
    try:
        with open(name, "rb") as file:  # noqa: PTH123 (pathlib would take longer to import than the rest)
            return file.read()
    except OSError:
        return b""


def load(name: str, module: types.ModuleType) -> None:
    """Execute a file in the namespace of a module."""
    code = compile(read(f"{name}.py"), f"{name}.py", "exec", dont_inherit=True)
    exec(code, module.__dict__)  # noqa: S102 (that is the task)


def run_tests(module: types.ModuleType) -> None:
    """Execute the tests with all names of the program at hand, as if they stood below it."""
    tests = types.ModuleType("tests")
    tests.__dict__.update({name: value for name, value in module.__dict__.items() if not name.startswith("__")})
    sys.modules |= {"main": module, "solution": module, "tests": tests}
    before = dict(tests.__dict__)
    load("tests", tests)
    for name, value in list(tests.__dict__.items()):
        if name in before and before[name] is value:
            continue
        if name.startswith("test") and isinstance(value, types.FunctionType):
            result = value()
            if isinstance(result, types.CoroutineType):
                import asyncio

                asyncio.run(result)
        elif isinstance(value, type) and "unittest" in sys.modules:
            import unittest

            if issubclass(value, unittest.TestCase):
                unittest.defaultTestLoader.loadTestsFromTestCase(value).debug()


def describe(error: BaseException) -> str:
    """The exception in one line, after the last line of the program or its tests that it passed through."""
    import traceback

    where, statement = "", ""
    for frame in traceback.extract_tb(error.__traceback__):
        if frame.filename in {"main.py", "tests.py"}:
            where = f"line {frame.lineno}: " if frame.filename == "main.py" else f"tests, line {frame.lineno}: "
            statement = frame.line or ""
    if isinstance(error, SyntaxError):
        where = f"line {error.lineno}: " if error.filename == "main.py" else f"tests, line {error.lineno}: "
        return f"{where}{error.msg}"
    said = " ".join("".join(traceback.format_exception_only(error)).split())
    if said == "AssertionError" and statement:
        said = statement
    return where + said


def stop(message: str) -> NoReturn:
    """End with a message, past everything that the program may have put in the way."""
    os.write(2, f"\n{message}\n".encode("utf-8", "replace"))
    os._exit(1)


def main() -> None:
    """Do the work of the file."""
    tested = sys.argv[1:] == ["tests"]
    word = sys.stdin.readline() if tested else ""
    sys.argv = ["main.py"]
    sys.path.insert(0, "")
    module = types.ModuleType("main" if tested else "__main__")
    module.__file__ = "main.py"
    if b"random" in read("main.py") + read("tests.py"):
        import random

        random.seed(0)
    if not tested:
        sys.modules["__main__"] = module
    try:
        load("main", module)
        if tested:
            run_tests(module)
    except SystemExit as exit_:
        if tested:
            stop("it exits before its tests have ended")
        raise exit_ from None
    except BaseException as error:
        stop(describe(error))
    if tested:
        sys.stdout.flush()
        os.write(1, word.encode())
        os._exit(0)


if __name__ == "__main__":
    main()
