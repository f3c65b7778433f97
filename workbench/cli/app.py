"""`workbench [SPEC]`: the app. The one place where the core reaches for the screens, and only when asked to open."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from workbench.cli.commands import Commands
from workbench.errors import UsageError
from workbench.workspace import Workspace


def add_commands(commands: Commands) -> None:
    """Add `app`."""
    parser = commands.add_parser("app", help="open the app, on SPEC if given (also `workbench SPEC`)")
    parser.add_argument("spec", nargs="?", metavar="SPEC", help="YAML file to open; it may not exist yet")
    parser.set_defaults(handler=open_app)


def open_app(args: argparse.Namespace) -> int:
    """Open the app; in a pipe, say what to use instead."""
    spec = Path(args.spec).expanduser() if args.spec else None
    if spec is not None and spec.suffix not in (".yaml", ".yml") and not spec.is_file():
        raise _explain_word(args.spec)
    if not has_terminal():
        raise UsageError(
            "The app needs a terminal, and this is a pipe.",
            "Use a command instead, for instance `workbench preview SPEC`; `workbench --help` lists them.",
        )
    return open_screens(args.workspace, spec)


def has_terminal() -> bool:
    """Whether the app can draw: it reads stdin, and Textual writes the screen to stderr."""
    return sys.stdin.isatty() and sys.stdout.isatty() and sys.stderr.isatty()


def open_screens(workspace: Workspace, spec: Path | None, start: str = "spec") -> int:
    """Run the app until it is left. Runs that it started go on."""
    from screens.app import run_app

    return run_app(workspace, spec, start)


def _explain_word(word: str) -> UsageError:
    from workbench.cli.main import build_parser
    from workbench.spec.problems import suggest

    _, commands = build_parser()
    hint = suggest(word, commands)
    return UsageError(
        f"“{word}” is neither a command nor a spec file.",
        hint if hint.startswith("Did you mean") else "`workbench --help` lists the commands; a spec ends in .yaml.",
    )
