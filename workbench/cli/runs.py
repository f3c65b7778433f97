"""Commands on runs: `runs [list|show|logs|stop|resume]`, and the same verbs at the top level for short.

A run is named by its id, by the only id that begins or ends so, or by `last`. Watching never touches a run: Ctrl+C
ends the watcher alone.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, get_args

from workbench.cli.commands import Commands
from workbench.cli.output import Column, format_seconds, print_json, print_line, print_table, say
from workbench.errors import DONE, INTERRUPTED, UsageError

if TYPE_CHECKING:
    from workbench.runs.folder import RunFolder, RunState

POLL_SECONDS = 0.2
REVIVE_SECONDS = 2.0
NAMING = "id of a run, its only beginning or ending, or `last`"


def add_commands(commands: Commands) -> None:
    """Add `runs` with its verbs, and `show`, `logs`, `stop` and `resume`."""
    runs = commands.add_parser("runs", help="list the runs of the workspace, or show, follow, stop and resume one")
    _add_list_options(runs)
    runs.set_defaults(handler=show_list)
    verbs = runs.add_subparsers(metavar="VERB", title="verbs")
    shared = argparse.ArgumentParser(add_help=False, argument_default=argparse.SUPPRESS)
    shared.add_argument("--workspace", metavar="DIR", help="folder of specs, datasets and runs (default: this folder)")
    shared.add_argument("--json", action="store_true", help="print one JSON object on stdout")
    shared.add_argument("--debug", action="store_true", help="show the traceback of an error")
    listing = verbs.add_parser("list", help="list the runs, newest first", parents=[shared])
    _add_list_options(listing)
    listing.set_defaults(handler=show_list)
    for name, (help_line, add_options, handler) in _VERBS.items():
        for parser in (
            verbs.add_parser(name, help=help_line, parents=[shared]),
            commands.add_parser(name, help=f"{help_line} (`runs {name}`)"),
        ):
            parser.add_argument("run", metavar="RUN", help=NAMING)
            add_options(parser)
            parser.set_defaults(handler=handler)


def show_list(args: argparse.Namespace) -> int:
    """Print the newest runs, newest first."""
    from workbench.runs.folder import State, list_runs
    from workbench.spec.problems import suggest

    if args.state not in (None, *get_args(State)):
        raise UsageError(f"Runs are never “{args.state}”.", suggest(args.state, get_args(State)))
    states = [state for state in list_runs(args.workspace) if args.state in (None, state.state)]
    shown = states[: args.number] if args.number > 0 else states
    if args.json:
        print_json({"runs": [describe_state(state) for state in shown], "total": len(states)})
        return DONE
    if not states:
        say("No runs yet. `workbench generate SPEC` or `workbench tune DATASET` starts one.")
        return DONE
    rows = [
        [state.id, state.state, _describe_progress(state), format_seconds(_measure_seconds(state)), state.title]
        for state in shown
    ]
    columns: list[Column | str] = [Column("run", fixed=True), Column("state", fixed=True), "at"]
    print_table([*columns, Column("time", "right", fixed=True), "title"], rows)
    if len(shown) < len(states):
        say(f"{len(states) - len(shown)} older runs are not shown: -n 0 shows all.")
    return DONE


def show_run(args: argparse.Namespace) -> int:
    """Print all there is to know of one run in short."""
    run = _find(args)
    state = run.read_state()
    if args.json:
        print_json(describe_state(state) | {"folder": str(run.path), "heartbeat": run.read_heartbeat()})
        return DONE
    lines = {
        "run": state.id,
        "title": state.title,
        "kind": state.kind,
        "state": state.state,
        "attempt": str(state.attempt or ""),
        "at": _describe_progress(state),
        "after": ", ".join(state.after),
        "created": _format_time(state.created),
        "started": _format_time(state.started),
        "ended": _format_time(state.ended),
        "metrics": "  ".join(f"{name} {value:.4g}" for name, value in state.metrics.items()),
        "folder": str(run.path),
    }
    for name, text in lines.items():
        if text:
            print_line(f"{name:8} {text}")
    for name, value in (state.result or {}).items():
        print_line(f"result   {name}: {value}")
    if state.error:
        print_line(f"error    {state.error.get('cause', '')}")
        print_line(f"         {state.error.get('solution', '')}")
    heartbeat = run.read_heartbeat()
    if state.state == "running" and heartbeat and time.time() - heartbeat > 30:
        say(f"No sign of life for {format_seconds(time.time() - heartbeat)}: its process may be suspended.")
    return DONE


def show_logs(args: argparse.Namespace) -> int:
    """Print the log; with --follow go on until the run ends and exit as it did."""
    from workbench.runs.logs import LogTail

    run = _find(args)
    if args.json and args.follow:
        raise UsageError("--json prints one object, which following a log never completes.", "Leave one of them out.")
    tail = LogTail(run.log_path)
    lines: list[str] = []
    while batch := tail.read_new():
        lines += batch
    if not args.follow:
        lines += tail.read_rest()
    lines = lines[-args.lines :] if args.lines > 0 else lines
    if args.json:
        print_json({"run": run.id, "lines": lines})
        return DONE
    if not args.follow:
        _print_lines(lines)
        if not lines:
            say(f"Run {run.id} has written no log yet; it is {run.read_state().state}.")
        return DONE
    try:
        _print_lines(lines)
        return follow_log(run, tail.read_new, tail.read_rest)
    except KeyboardInterrupt:
        say(f"The run goes on: `workbench logs -f {run.id}` follows it again, `workbench stop {run.id}` stops it.")
        return INTERRUPTED


def follow_log(run: RunFolder, read_new: Callable[[], list[str]], read_rest: Callable[[], list[str]]) -> int:
    """Print new lines until the run has ended. Returns the exit code of the run."""
    from workbench.runs.launch import ensure_worker

    revived = time.monotonic()
    while True:
        # The state first: when it says that the run has ended, the log is complete.
        state = run.read_state()
        if time.monotonic() - revived >= REVIVE_SECONDS:
            revived = time.monotonic()
            if not run.read_stored_state().has_ended:
                ensure_worker(run.workspace)
                state = run.read_state()
        while lines := read_new():
            _print_lines(lines)
        if state.has_ended:
            _print_lines(read_rest())
            if state.error:
                say(f"{state.error.get('cause', '')} {state.error.get('solution', '')}")
            say(f"Run {state.id} is {state.state}.")
            return state.exit_code
        time.sleep(POLL_SECONDS)


def ask_to_stop(args: argparse.Namespace) -> int:
    """Ask a run to commit its work and stop."""
    from workbench.runs.submit import stop_run

    if not math.isfinite(args.grace) or args.grace < 0:
        raise UsageError("The grace is a number of seconds from 0.", "Leave --grace out for a minute.")
    state = stop_run(args.workspace, args.run, grace=args.grace)
    if args.json:
        print_json({"run": state.id, "state": state.state})
    elif state.state == "stopped":
        say(f"Run {state.id} is stopped. `workbench resume {state.id}` lets it go on.")
    else:
        say(f"Run {state.id} was asked to stop and has {format_seconds(args.grace)} to commit its work.")
    return DONE


def resume(args: argparse.Namespace) -> int:
    """Queue a stopped, failed or lost run again."""
    from workbench.runs.submit import resume_run

    state = resume_run(args.workspace, args.run)
    if args.json:
        print_json({"run": state.id, "state": state.state})
    else:
        print_line(state.id)
        say(f"Queued as attempt {state.attempt + 1}. `workbench logs -f {state.id}` follows it.")
    return DONE


def describe_state(state: RunState) -> dict[str, Any]:
    """A state as `--json` prints it. Times are seconds since 1970; a metric that is not finite is null."""
    from workbench.runs.json_values import make_json_ready

    return {
        "run": state.id,
        "kind": state.kind,
        "title": state.title,
        "state": state.state,
        "attempt": state.attempt,
        "stage": state.stage,
        "step": state.step,
        "steps": state.steps,
        "metrics": make_json_ready(state.metrics),
        "result": state.result,
        "error": state.error,
        "created": state.created,
        "started": state.started,
        "ended": state.ended,
        "after": list(state.after),
        "priority": state.priority,
    }


def _add_list_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-n", "--number", type=int, default=20, metavar="N", help="runs to show, 0 for all (20)")
    parser.add_argument("--state", metavar="STATE", help="only runs in this state")


def _add_log_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-f", "--follow", action="store_true", help="go on until the run ends, and exit as it did")
    parser.add_argument("-n", "--lines", type=int, default=0, metavar="N", help="only the last N (of the last 4 MiB)")


def _add_stop_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--grace", type=float, default=60.0, metavar="SECONDS", help="time to commit before it is killed (60)"
    )


def _find(args: argparse.Namespace) -> RunFolder:
    from workbench.runs.folder import find_run

    return find_run(args.workspace, args.run)


def _print_lines(lines: list[str]) -> None:
    if lines:
        sys.stdout.write("\n".join(lines) + "\n")  # cleaned by `LogTail`
        sys.stdout.flush()


def _describe_progress(state: RunState) -> str:
    steps = f"{state.step:,}/{state.steps:,}" if state.steps else ""
    return f"{state.stage} {steps}".strip()


def _measure_seconds(state: RunState) -> float | None:
    if state.started is None:
        return None
    return max((state.ended or time.time()) - state.started, 0.0)


def _format_time(moment: float | None) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(moment)) if moment else ""


_VERBS: dict[str, tuple[str, Callable[[argparse.ArgumentParser], None], Callable[[argparse.Namespace], int]]] = {
    "show": ("show one run: state, progress, metrics, result, error", lambda _: None, show_run),
    "logs": ("print the log of a run, or follow it", _add_log_options, show_logs),
    "stop": ("ask a run to commit its work and stop", _add_stop_options, ask_to_stop),
    "resume": ("let a stopped, failed or lost run go on from its last checkpoint", lambda _: None, resume),
}
