"""`doctor` says what this machine has and what is missing; `completion` prints the shell's completion script."""

from __future__ import annotations

import argparse
import locale
import os
import platform
import shutil
import subprocess
import sys
from dataclasses import asdict, dataclass
from typing import Literal

from workbench import __version__
from workbench.cli.commands import Commands
from workbench.cli.output import Column, format_bytes, print_json, print_table
from workbench.errors import DONE, FAILED
from workbench.workspace import Workspace

PACKAGES = ("textual", "rich", "torch", "transformers", "peft", "accelerate", "pandas", "numpy", "pyarrow", "faker")
OPTIONAL = {"bitsandbytes": "4-bit bases (QLoRA)", "tensorboard": "viewing metrics in TensorBoard"}


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report. `advice` is empty where nothing needs doing."""

    name: str
    value: str
    verdict: Literal["ok", "note", "bad"] = "ok"
    advice: str = ""


def add_commands(commands: Commands) -> None:
    """Add `doctor` and `completion`."""
    doctor = commands.add_parser("doctor", help="explain this machine: versions, GPU, terminal, workspace, plug-ins")
    doctor.set_defaults(handler=report)
    completion = commands.add_parser("completion", help="print a completion script for your shell")
    completion.add_argument("shell", choices=("bash", "zsh", "tcsh"))
    completion.set_defaults(handler=print_completion)


def report(args: argparse.Namespace) -> int:
    """Print all findings; exit 1 where one of them keeps the workbench from working."""
    findings = [
        *check_versions(),
        check_gpu(),
        *check_terminal(),
        *check_workspace(args.workspace),
        *check_providers(),
        check_sandbox(),
        *check_plugins(),
    ]
    if args.json:
        print_json({"findings": [asdict(finding) for finding in findings]})
    else:
        marks = {"ok": "✓", "note": "!", "bad": "✗"}
        rows = [(marks[each.verdict], each.name, each.value, each.advice) for each in findings]
        print_table(["", Column("what", fixed=True), "found", "advice"], rows)
    return FAILED if any(finding.verdict == "bad" for finding in findings) else DONE


def check_versions() -> list[Finding]:
    """The workbench, Python, and the packages it stands on."""
    from importlib.metadata import PackageNotFoundError, version  # 40 ms that --help need not pay

    findings = [Finding("workbench", __version__), Finding("python", platform.python_version())]
    for name in PACKAGES:
        try:
            findings.append(Finding(name, version(name)))
        except PackageNotFoundError:
            findings.append(Finding(name, "missing", "bad", "Install the workbench again: pip install ."))
    for name, purpose in OPTIONAL.items():
        try:
            findings.append(Finding(name, version(name)))
        except PackageNotFoundError:
            findings.append(Finding(name, "not installed", "note", f"Only needed for {purpose}."))
    return findings


def check_gpu() -> Finding:
    """What the driver says, without importing torch."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return Finding("gpu", "no NVIDIA driver", "note", "Runs use the CPU; estimates work for any GPU by name.")
    query = [program, "--query-gpu=name,memory.total,memory.used", "--format=csv,noheader"]
    try:
        answer = subprocess.run(query, capture_output=True, text=True, timeout=10, check=True).stdout.strip()
    except (OSError, subprocess.SubprocessError) as error:
        return Finding("gpu", f"nvidia-smi failed: {error}", "bad", "Check the driver with your administrator.")
    return Finding("gpu", answer.replace("\n", "; ") or "none visible")


def check_terminal() -> list[Finding]:
    """Size, colours, encoding and clipboard, as the app will find them."""
    size = shutil.get_terminal_size()
    small = size.columns < 60 or size.lines < 15
    where = "" if sys.stdout.isatty() else ", a pipe"
    findings = [
        Finding(
            "terminal",
            f"{os.environ.get('TERM', 'no TERM')}, {size.columns}x{size.lines}{where}",
            "note" if small else "ok",
            "The app needs 60x15; 80x24 shows everything." if small else "",
        )
    ]
    encoding = locale.getpreferredencoding(False)
    utf8 = encoding.lower().replace("-", "") == "utf8"
    findings.append(
        Finding("encoding", encoding, "ok" if utf8 else "bad", "" if utf8 else "Set LANG=C.UTF-8: charts need UTF-8.")
    )
    if os.environ.get("TMUX"):
        findings.append(Finding("tmux", "inside", "note", "Add `set -g set-clipboard on` to copy from the app."))
    if os.environ.get("SSH_CONNECTION"):
        findings.append(Finding("ssh", "remote", "note", "`ssh -C` cuts the bytes of a screen update to a tenth."))
    return findings


def check_workspace(workspace: Workspace) -> list[Finding]:
    """Whether runs and datasets can be written, and how much room there is."""
    folder = workspace.root
    while not folder.exists():
        folder = folder.parent
    writable = os.access(folder, os.W_OK)
    free = shutil.disk_usage(folder).free
    return [
        Finding(
            "workspace",
            str(workspace.root),
            "ok" if writable else "bad",
            "" if writable else "You may not write here: choose another --workspace.",
        ),
        Finding(
            "disk",
            f"{format_bytes(free)} free",
            "ok" if free > 5 * 2**30 else "note",
            "" if free > 5 * 2**30 else "Checkpoints of larger models need several GiB.",
        ),
    ]


def check_providers() -> list[Finding]:
    """Which providers of models can be used here, and what the others lack."""
    from workbench.providers.registry import PROVIDERS

    findings = []
    for name, provider in PROVIDERS.items():
        ready = provider.check()
        makes = ", ".join(sorted(provider.makes))
        told = f"{makes}; {ready.reason}" if ready.usable and ready.reason else makes
        findings.append(
            Finding(f"provider {name}", told if ready.usable else "not usable here", "ok" if ready.usable else "note",
                    "" if ready.usable else ready.reason)
        )  # fmt: skip
    return findings


def check_sandbox() -> Finding:
    """Whether code that a model wrote can be run here without harm."""
    from workbench.sandbox.isolation import find_isolation

    isolation = find_isolation()
    if isolation.mode is None:
        reasons = "; ".join(isolation.reasons)
        return Finding("sandbox", isolation.describe(), "note", f"Code of models is not run here: {reasons}.")
    return Finding("sandbox", isolation.describe(), "ok", " ".join(isolation.missing))


def check_plugins() -> list[Finding]:
    """Entry points of third parties that could not be loaded."""
    from workbench.columns.registry import COLUMNS
    from workbench.providers.registry import PROVIDERS
    from workbench.tuning.methods import METHODS

    findings = [
        Finding("columns", f"{len(COLUMNS.names())} types"),
        Finding("methods", ", ".join(METHODS.names())),
    ]
    for registry in (COLUMNS, PROVIDERS, METHODS):
        for name, reason in registry.failures.items():
            findings.append(Finding(f"plug-in {name}", reason, "bad", "Update or remove the package that provides it."))
    return findings


def print_completion(args: argparse.Namespace) -> int:
    """Print a script that completes commands, options and paths."""
    import shtab

    from workbench.cli.main import build_parser

    parser, _ = build_parser()
    sys.stdout.write(shtab.complete(parser, args.shell) + "\n")
    return DONE
