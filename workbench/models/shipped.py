"""The small language model that the workbench ships: found here without importing the room that pretrained it."""

from __future__ import annotations

from pathlib import Path

SHIPPED_NAME = "workbench-base"
SHIPPED_ALIAS = "shipped"
SHIPPED_FOLDER = Path(__file__).parents[1] / "tuning" / "base_model"
