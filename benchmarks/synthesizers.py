"""Synthesizers on real tables, beside SDV, ctgan and be-great: quality, use, rare classes, time and memory.

    python benchmarks/synthesizers.py [--quick] [--tables NAME ...] [--types TYPE ...] [--json FILE]
    python benchmarks/synthesizers.py --large [--types TYPE ...]

Each synthesizer learns the same 80 % of a table and makes as many rows, each in a process of its own with one thread.
GANs and autoencoders of both sides have the same epochs and sizes of batches. Times are CPU seconds, which do not
depend on what else the machine does; a fit that takes too many is skipped and says so.

`quality` is SDMetrics' score against the rows that were learned from. `tstr` is what gradient boosting learns from the
made rows, tested on real rows that no synthesizer saw: area under the ROC curve (mean over classes), or R2 for a
number; `real` has learned from the real rows. `rare` is how far the share of the rarest class is off, relative to the
real share. The peers live in an environment of their own, which the first run makes; their figures are kept there, and
--fresh-peers measures them again.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from statistics import median

# Threads that wait for one another make times worthless on a machine that does other things too.
os.environ.setdefault("OMP_NUM_THREADS", "1")

from peers.environment import SYNTHESIZERS_HOME, find_python
from synthesis.running import (
    OURS,
    PEERS,
    Limits,
    Record,
    measure_epochs,
    measure_memory,
    measure_real,
    run_ours,
    run_peers,
)
from synthesis.tables import TABLES, split_table

FULL = (5_000, Limits(epochs=300, great_epochs=5, cpu_seconds=400))
QUICK = (2_000, Limits(epochs=100, great_epochs=5, cpu_seconds=240))
EPOCHS_TABLE = next(table for table in TABLES if table.name == "health_insurance")
EPOCHS_ROWS = 10_000
LARGE_ROWS, LARGE_LEVELS = 300_000, 50_000

SAME = {
    "gaussian_copula": "sdv_gaussian_copula",
    "ctgan": "sdv_ctgan",
    "tvae": "sdv_tvae",
    "language_model": "be_great",
}
"""Our type -> the peer that does the same."""

SCORES = {
    "quality": "SDMetrics quality, more is better",
    "tstr": "Trained on synthetic, tested on real: ROC AUC or R2, more is better",
    "rare_precision": "The same, average precision for the rare class, more is better",
}
COSTS = {
    "rare_error": "Share of the rarest class: relative error, less is better",
    "copies": "Share of rows that are copies of real ones, less is better",
    "fit_cpu_seconds": "CPU seconds to fit, less is better",
    "sample_cpu_seconds": "CPU seconds to sample as many rows, less is better",
}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--quick", action="store_true", help="fewer rows and epochs: minutes instead of most of an hour"
    )
    parser.add_argument("--rows", type=int, help="most rows to learn from")
    parser.add_argument("--epochs", type=int, help="epochs of GANs and autoencoders, of both sides")
    parser.add_argument("--tables", nargs="+", choices=[table.name for table in TABLES], metavar="NAME")
    parser.add_argument("--types", nargs="*", default=list(OURS), choices=OURS, metavar="TYPE")
    parser.add_argument("--peers", nargs="*", default=list(PEERS), choices=PEERS, metavar="NAME")
    parser.add_argument("--without-peers", action="store_true", help="measure this project alone")
    parser.add_argument("--fresh-peers", action="store_true", help="measure the peers again")
    parser.add_argument("--large", action="store_true", help="memory on a large table, and nothing else")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write everything that was measured")
    options = parser.parse_args()
    peers = [] if options.without_peers else options.peers
    if options.large:
        large = {type: measure_memory(type, LARGE_ROWS, LARGE_LEVELS) for type in options.types}
        _print_large(large)
        _write(options.json, {"large": large})
        return
    find_python(SYNTHESIZERS_HOME)
    rows, limits = QUICK if options.quick else FULL
    rows = options.rows or rows
    if options.epochs:
        limits = Limits(options.epochs, limits.great_epochs, limits.cpu_seconds)
    results: dict[str, dict[str, Record]] = {}
    splits = {table.name: split_table(table, rows, SYNTHESIZERS_HOME / "work") for table in TABLES}
    for name in options.tables or splits:
        split = splits[name]
        print(f"{name}: {split.rows:,} rows …", flush=True)
        results[name] = {"real": measure_real(split)}
        results[name] |= run_peers(split, peers, limits, fresh=options.fresh_peers)
        results[name] |= run_ours(split, options.types, limits)
    epochs = None
    if "ctgan" in options.types:
        split = split_table(EPOCHS_TABLE, EPOCHS_ROWS, SYNTHESIZERS_HOME / "work")
        epochs = measure_epochs(split, 10, 40, peers=bool(peers), fresh=options.fresh_peers)
    print(f"\n{date.today()}, {_describe_machine()}, {limits.epochs} epochs, at most {rows:,} rows")
    _print_scores(results, options.types)
    if epochs is not None:
        _print_epochs(epochs)
    _print_notes(results)
    _write(options.json, {"limits": [rows, limits.epochs, limits.cpu_seconds], "tables": results, "epochs": epochs})


def _print_scores(results: dict[str, dict[str, Record]], types: Sequence[str]) -> None:
    methods = [*types, *(peer for peer in PEERS if any(peer in found for found in results.values()))]
    for measure, title in {**SCORES, **COSTS}.items():
        tables = {
            name: {method: record[measure] for method, record in found.items() if measure in record}
            for name, found in results.items()
            if any(measure in record for record in found.values())
        }
        if not tables:
            continue
        shown = (["real"] if measure in ("tstr", "rare_precision", "copies") else []) + methods
        print(f"\n{title}")
        print(
            f"{'':18}"
            + "".join(f"{_shorten(method):>11}" for method in shown)
            + ("  best of ours / of peers" if measure in SCORES else "")
        )
        for name, values in tables.items():
            line = "".join(f"{_write_number(values.get(method)):>11}" for method in shown)
            print(f"{name:18}{line}  {_compare(values, types) if measure in SCORES else ''}")
        line = "".join(f"{_write_number(_find_median(tables, method)):>11}" for method in shown)
        print(f"{'median':18}{line}")
        if measure.endswith("cpu_seconds"):
            _print_ratios(tables, types)


def _compare(values: dict[str, float], types: Sequence[str]) -> str:
    """The best of ours by the best of the peers."""
    ours = [values[type] for type in types if type in values]
    peers = [values[peer] for peer in PEERS if peer in values]
    if not ours or not peers:
        return ""
    return f"{max(ours) / max(peers):.3f} x" if max(peers) > 0 else f"{max(ours):.3f} to {max(peers):.3f}"


def _print_ratios(tables: dict[str, dict[str, float]], types: Sequence[str]) -> None:
    for type in types:
        peer = SAME.get(type)
        ratios = [values[peer] / values[type] for values in tables.values() if peer in values and type in values]
        if ratios:
            print(f"  {type} is {median(ratios):,.1f} times as fast as {peer}, {min(ratios):,.1f} at least")


def _print_epochs(epochs: dict[str, Record]) -> None:
    print("\nCTGAN on health_insurance, CPU seconds an epoch")
    for name, record in epochs.items():
        print(f"{name:18}" + (record.get("skipped") or f"{record['cpu_seconds']:.3f} for {record['rows']:,} rows"))
    if all("cpu_seconds" in epochs.get(name, {}) for name in ("ours", "ctgan")):
        print(f"ours is {epochs['ctgan']['cpu_seconds'] / epochs['ours']['cpu_seconds']:.1f} times as fast")


def _print_large(large: dict[str, Record]) -> None:
    print(f"{date.today()}, {_describe_machine()}: {LARGE_ROWS:,} rows, a category of {LARGE_LEVELS:,} values")
    for type, record in large.items():
        if "skipped" in record:
            print(f"{type:18} skipped: {record['skipped']}")
            continue
        print(
            f"{type:18}{record['peak_mebibytes']:>8,} MiB at most {record['cpu_seconds']:>8,.0f} CPU seconds "
            f"{record['levels_made']:>7,} values made, {record['levels_real']:,} in as many real rows"
        )


def _print_notes(results: dict[str, dict[str, Record]]) -> None:
    for name, found in results.items():
        for method, record in found.items():
            if "skipped" in record:
                print(f"{name}: {method} skipped: {record['skipped']}")
    notes = {record["note"] for found in results.values() for record in found.values() if record.get("note")}
    for note in sorted(notes):
        print(f"be_great: {note}")


def _find_median(tables: dict[str, dict[str, float]], method: str) -> float | None:
    values = [found[method] for found in tables.values() if method in found]
    return median(values) if values else None


def _write_number(value: float | None) -> str:
    return "-" if value is None else f"{value:,.3f}" if abs(value) < 100 else f"{value:,.0f}"


def _shorten(method: str) -> str:
    return method.replace("gaussian_copula", "copula").replace("language_model", "lang. mod.")


def _describe_machine() -> str:
    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.is_file():
        names = [
            line.split(":", 1)[1].strip() for line in info.read_text().splitlines() if line.startswith("model name")
        ]
        model = names[0] if names else model
    return f"{model}, {os.cpu_count()} cores, one used"


def _write(path: Path | None, found: dict[str, object]) -> None:
    if path is not None:
        path.write_text(json.dumps({"date": str(date.today()), "machine": _describe_machine(), **found}, indent=1))


if __name__ == "__main__":
    main()
