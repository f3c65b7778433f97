"""kill -9 before any file operation, a full disk, no permission: nothing half-written, the same bytes afterwards."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    base = tmp_path_factory.mktemp("scenes")
    script = Path(__file__).with_name("crash_scenes.py")
    done = subprocess.run([sys.executable, str(script), str(base), "20"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return {**json.loads(done.stdout), "errors": done.stderr}


def test_a_killed_run_started_again_gives_the_same_bytes(scenes: dict[str, Any]) -> None:
    assert len(scenes["kills"]) == 20
    for kill in scenes["kills"]:
        assert kill["statuses"] == [-9, 0], kill
        assert kill["equal"], kill


def test_a_full_disk_is_explained_and_leaves_nothing_half_written(scenes: dict[str, Any]) -> None:
    full = scenes["full"]
    assert full["status"] == 3
    assert not [name for name in full["left"] if name.endswith(".tmp") or name == "manifest.json"]
    assert full["resumed"] == 0
    assert full["equal"]


def test_missing_permission_is_explained_and_makes_nothing(scenes: dict[str, Any]) -> None:
    assert scenes["denied"] == {"status": 3, "made": False}
    assert "No permission" in scenes["errors"]
