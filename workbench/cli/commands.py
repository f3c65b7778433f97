"""What a group of commands is given to register itself with, and the exit of those that wait for a run."""

from __future__ import annotations

import argparse
from typing import Any, Protocol


class Commands(Protocol):
    """Adds a command that has the options all commands share: --workspace, --json, --debug."""

    def add_parser(self, name: str, *, help: str, **options: Any) -> argparse.ArgumentParser:
        """The new command's parser; `help` is its line in the list of commands."""
