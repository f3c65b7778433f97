"""The slow provider of `tests/providers/plugged`, and a helper process that knows it."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "providers" / "plugged"))
from slow_scene import endpoint, slow, slow_helper  # noqa: F401 - found only now
