"""`python -m tests.generation.killed_run ROOT SPEC`: the run of a spec in a workspace, for tests that kill it."""

import sys
from pathlib import Path

from tests.generation.conftest import Recorder
from workbench.generation.run import run

if __name__ == "__main__":
    run({"spec": Path(sys.argv[2]).read_text("utf-8"), "folder": "/"}, Recorder(Path(sys.argv[1])))
