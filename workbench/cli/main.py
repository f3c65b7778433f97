"""The command `workbench`: arguments, exit codes, and the two sentences of an error.

A word that is no command is a spec: `workbench SPEC` opens the app on it. The parser is built without importing what
the commands do, so that `--help` and shell completion answer at once (a test guards both).
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
import traceback
from collections.abc import Callable, Collection, Sequence
from typing import NoReturn

from workbench import __version__
from workbench.cli.output import end_progress, print_json, say
from workbench.errors import FAILED, INTERRUPTED, WRONG_USAGE, WorkbenchError
from workbench.workspace import find_workspace

GROUPS = (
    "app",
    "demo",
    "new",
    "specs",
    "fit",
    "datasets",
    "export",
    "quality",
    "estimate",
    "tune",
    "models",
    "runs",
    "doctor",
)


class Parser(argparse.ArgumentParser):
    """argparse with our two sentences on stderr and exit code 2."""

    def error(self, message: str) -> NoReturn:
        say(f"{message[:1].upper()}{message[1:]}. See `{self.prog} --help`.")
        raise SystemExit(WRONG_USAGE)


def build_parser() -> tuple[argparse.ArgumentParser, set[str]]:
    """The parser of all commands, and the commands' names."""
    shared = Parser(add_help=False)
    shared.add_argument("--workspace", metavar="DIR", help="folder of specs, datasets and runs (default: this folder)")
    shared.add_argument("--json", action="store_true", help="print one JSON object on stdout")
    shared.add_argument("--debug", action="store_true", help="show the traceback of an error")
    parser = Parser(
        prog="workbench",
        description="Make synthetic data, check it, tune a model on it, and see what it was worth.",
        epilog="`workbench [SPEC]` opens the app. Each command has --help.",
    )
    parser.add_argument("--version", action="version", version=f"workbench {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", parser_class=Parser, title="commands")
    adder = _SharedOptions(commands, shared)
    for group in GROUPS:
        importlib.import_module(f"workbench.cli.{group}").add_commands(adder)
    return parser, set(commands.choices)


class _SharedOptions:
    """The subparsers action, giving every command the options that all commands share."""

    def __init__(self, commands: argparse._SubParsersAction[Parser], shared: Parser) -> None:
        self._commands = commands
        self._shared = shared

    def add_parser(self, name: str, *, help: str, **options: object) -> argparse.ArgumentParser:
        """A command's parser; `help` is its line in the list and the first line of its own help."""
        options.setdefault("description", help[:1].upper() + help[1:] + ".")
        return self._commands.add_parser(name, help=help, parents=[self._shared], **options)  # type: ignore[arg-type]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    parser, commands = build_parser()
    args = parser.parse_args(put_command_first(words, commands))
    handler: Callable[[argparse.Namespace], int] = args.handler
    try:
        args.workspace = find_workspace(args.workspace)
        return handler(args)
    except WorkbenchError as error:
        end_progress()
        if args.debug:
            traceback.print_exc()
        if args.json:
            print_json({"error": {"cause": error.cause, "solution": error.solution}, "exit_code": error.code})
        say(f"{error.cause} {error.solution}")
        return error.code
    except KeyboardInterrupt as error:
        end_progress()
        if not error.args:  # one with arguments has been explained where it happened
            say("Interrupted. Runs in the background go on; `workbench runs` lists them.")
        return INTERRUPTED
    except BrokenPipeError:
        # The reader of a pipe went away, as `head` does: end quietly, and keep Python from complaining at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return INTERRUPTED
    except Exception as error:
        end_progress()
        if args.debug:
            traceback.print_exc()
        say(f"Unexpected {type(error).__name__}: {error}. This is a defect; run again with --debug to see where.")
        return FAILED


def put_command_first(words: Sequence[str], commands: Collection[str]) -> list[str]:
    """Let shared options stand before the command, and let a call without a command mean `app`."""
    for index, word in enumerate(words):
        if word in ("-h", "--help", "--version") and index == 0:
            return list(words)
        if index and words[index - 1] == "--workspace":
            continue
        if not word.startswith("-"):
            if word in commands:
                return [word, *words[:index], *words[index + 1 :]]
            break
    return ["app", *words]


def run() -> NoReturn:
    """Entry point of the process."""
    raise SystemExit(main())
