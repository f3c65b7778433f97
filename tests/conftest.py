"""Shared by all tests: no hub, no telemetry, one thread, and a workspace of their own."""

import os
from pathlib import Path

import pytest

# Set before any test imports torch or transformers, and inherited by the processes that tests start.
os.environ |= {
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "OMP_WAIT_POLICY": "passive",
}
os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.fixture(autouse=True)
def keep_settings_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests see neither the user's workspace nor tmux."""
    for name in ("WORKBENCH_WORKSPACE", "TMUX", "SSH_CONNECTION"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def sample_specs() -> Path:
    """The folder of sample specs."""
    return Path(__file__).parents[1] / "sample_specs"
