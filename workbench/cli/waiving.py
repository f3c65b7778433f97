"""`--waive CHECK --reason "why"`, for the commands that a failed dataset is refused by."""

from __future__ import annotations

import argparse
import getpass
from pathlib import Path

from workbench.cli.output import say
from workbench.errors import UsageError


def add_waivers(parser: argparse.ArgumentParser) -> None:
    """Add `--waive`, `--reason` and `--by`."""
    parser.add_argument(
        "--waive", action="append", default=[], metavar="CHECK", help="go on although this check failed (see --reason)"
    )
    parser.add_argument("--reason", metavar="WHY", help="why; written into the manifest and the cards")
    parser.add_argument("--by", metavar="NAME", help="who waives it (default: the user of this machine)")


def pass_gate(args: argparse.Namespace, folder: Path) -> None:
    """Let the dataset in `folder` pass with what is waived, or raise GateError (exit code 3)."""
    from workbench.datasets.gates import check_gate, list_waivers, waive_checks

    if args.reason and not args.waive:
        raise UsageError("--reason says why something is waived.", "Name the check with --waive.")
    if args.waive:
        waive_checks(folder, args.waive, args.reason or "", args.by or _find_user())
    verdict = check_gate(folder)
    for waiver in list_waivers(folder, verdict):
        say(waiver.describe())


def _find_user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a user without a name, in a container
        return "unknown"
