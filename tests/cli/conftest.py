"""The slow provider of `tests/providers/plugged`, for commands that ask models."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "providers" / "plugged"))
from slow_scene import slow  # noqa: F401 - found only now
