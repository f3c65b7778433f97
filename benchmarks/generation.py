"""Rows per CPU-second of generation, beside DataDesigner and Faker making the same tables, each in one process.

    python benchmarks/generation.py [--rows 500000] [--without-peers] [--large 10000000] [--json]

`samplers` is a patient table of nine samplers; `with derived columns` adds an expression and a template; `written`
includes encoding the blocks as Parquet; `person` is name, e-mail, phone and address. The peers get fewer rows, since
their time per row is constant, and run in an environment of their own, which the first run makes. `--large` writes a
dataset of that many rows by all cores and prints the most memory that its processes held together.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

from peers.environment import run_peer

from workbench.generation.blocks import make_block
from workbench.generation.check import check_text
from workbench.generation.packing import encode_block
from workbench.generation.plan import BLOCK_ROWS, Plan

SAMPLERS = """
version: 1
name: patients
seed: 7
rows: {rows}
primary_key: patient_id
columns:
  - {{name: patient_id, type: id, pattern: "P{{n:07d}}"}}
  - {{name: department, type: category, values: {{er: 0.4, oncology: 0.25, cardiology: 0.35}}}}
  - name: diagnosis
    type: category
    given: department
    values: {{er: [sepsis, fracture, burn], oncology: [lymphoma, melanoma], cardiology: [arrhythmia, angina]}}
  - {{name: age, type: normal, mean: 54, stddev: 18, min: 0, max: 105, decimals: 0}}
  - {{name: smoker, type: bernoulli, p: 0.21}}
  - {{name: admitted, type: datetime, start: 2026-01-01, end: 2026-12-31}}
  - {{name: visits, type: poisson, mean: 2.4}}
  - {{name: cost, type: lognormal, mean: 7.2, stddev: 0.9, decimals: 2}}
  - {{name: temperature, type: uniform, low: 35.5, high: 41.0, decimals: 1}}
"""
DERIVED = """
  - {{name: cost_per_visit, type: expression, expression: "round(cost / max(visits, 1), 2)"}}
  - {{name: note, type: template, template: "{{{{ age }}}} year old with {{{{ diagnosis }}}}, {{{{ visits }}}} visits"}}
"""
PERSON = """
version: 1
name: people
rows: {rows}
columns:
  - {{name: name, type: faker, method: name, locale: LOCALE}}
  - {{name: email, type: faker, method: email, locale: LOCALE}}
  - {{name: phone, type: faker, method: phone_number, locale: LOCALE}}
  - {{name: address, type: faker, method: address, locale: LOCALE}}
"""
LOCALES = ("en_US", "de_DE")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=500_000)
    parser.add_argument("--without-peers", action="store_true", help="measure this project alone")
    parser.add_argument("--large", type=int, metavar="ROWS", help="also write a dataset of so many rows")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    ours = measure_ours(options.rows)
    peers = [] if options.without_peers else measure_peers()
    large = measure_large(options.large) if options.large else None
    if options.json:
        print(json.dumps({"unit": "rows per CPU-second", "ours": ours, "peers": peers, "large": large}))
        return
    print(f"{'rows per CPU-second':28}{'ours':>12}" + "".join(f"{peer['peer']:>34}" for peer in peers))
    for name, rate in ours.items():
        line = f"{name:28}{rate:12,.0f}"
        for peer in peers:
            theirs = peer["rates"].get(name)
            line += f"{'':34}" if theirs is None else f"{theirs:14,.0f}  ours is {rate / theirs:8,.1f} x"
        print(line)
    if large:
        print(f"{large['rows']:,} rows written in {large['seconds']:.1f} s, {large['mebibytes']:,} MiB at most")


def measure_ours(rows: int) -> dict[str, float]:
    """The rates of this project by the name of the table."""
    samplers, derived = (_plan(text.format(rows=rows)) for text in (SAMPLERS, SAMPLERS + DERIVED))
    rates = {
        "samplers": _measure(lambda: _make(samplers, write=False), rows),
        "samplers, written": _measure(lambda: _make(samplers, write=True), rows),
        "with derived columns": _measure(lambda: _make(derived, write=False), rows),
    }
    for locale in LOCALES:
        people = _plan(PERSON.format(rows=rows // 4).replace("LOCALE", locale))
        rates[f"person {locale}"] = _measure(lambda plan=people: _make(plan, write=False), rows // 4)  # type: ignore[misc]
    return rates


def measure_peers() -> list[dict[str, object]]:
    """What the peers' scripts print."""
    return [run_peer("datadesigner_patients.py", "20000"), run_peer("faker_patients.py", "5000", own=True)]


def measure_large(rows: int) -> dict[str, float]:
    """Write the patient table by all cores: seconds of the clock, and the most memory of all processes together."""
    from workbench.generation.run import run
    from workbench.progress import Quiet
    from workbench.workspace import Workspace

    class Context(Quiet):
        attempt = 1

        def __init__(self, root: Path) -> None:
            self.folder, self.workspace = root / "runs" / "large", Workspace(root)

    most = 0
    done = threading.Event()

    def watch() -> None:
        nonlocal most
        while not done.wait(0.1):
            most = max(most, _read_memory())

    watcher = threading.Thread(target=watch, daemon=True)
    with tempfile.TemporaryDirectory() as folder:
        watcher.start()
        begin = time.monotonic()
        run({"spec": SAMPLERS.format(rows=rows), "folder": folder, "rows": None, "out": None}, Context(Path(folder)))
        seconds = time.monotonic() - begin
        done.set()
    return {"rows": rows, "seconds": seconds, "mebibytes": most >> 20}


def _read_memory() -> int:
    """Resident bytes of this process and of those it has started. Linux."""
    parent, total = os.getpid(), 0
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rsplit(")", 1)[1].split()
            if int(folder.name) == parent or int(fields[1]) == parent:
                total += int((folder / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        except (OSError, IndexError):
            continue
    return total


def _plan(text: str) -> Plan:
    checked = check_text(text, Path.cwd())
    if checked.plan is None:
        raise SystemExit(str(checked.problems))
    return checked.plan


def _make(plan: Plan, *, write: bool) -> None:
    for name, table in plan.tables.items():
        for start in range(0, table.rows, BLOCK_ROWS):
            block = make_block(plan, name, start, min(start + BLOCK_ROWS, table.rows))
            if write:
                encode_block(table, block, {})


def _measure(work: Callable[[], None], rows: int) -> float:
    """Rows per second of this process's CPU time: the better of two passes, so that imports are not counted."""
    best = float("inf")
    for _ in range(2):
        begin = time.process_time()
        work()
        best = min(best, time.process_time() - begin)
    return rows / best


if __name__ == "__main__":
    main()
