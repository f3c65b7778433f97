"""Running Python code in the sandbox, in each of the two ways that programs are kept apart."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from workbench.sandbox.isolation import try_mode
from workbench.sandbox.launching import launch
from workbench.sandbox.limits import Limits, Mode, Outcome
from workbench.sandbox.programs import find_interpreter

Run = Callable[..., Outcome]


@pytest.fixture(params=["namespaces", "landlock"])
def mode(request: pytest.FixtureRequest) -> Mode:
    """Each way to keep programs apart that works here."""
    reason = try_mode(request.param)
    if reason:
        pytest.skip(f"{request.param}: {reason}")
    chosen: Mode = request.param
    return chosen


@pytest.fixture
def run(mode: Mode) -> Run:
    """run(code, *arguments, **limits) runs Python code."""

    def run_code(code: str, *arguments: str, stdin: str = "", **limits: float) -> Outcome:
        command = [find_interpreter(), "-S", "-s", "-P", "main.py", *arguments]
        return launch(mode, {"main.py": code.encode()}, command, Limits(**limits), stdin.encode(), ())  # type: ignore[arg-type]

    return run_code
