"""The quality checks: do they catch what is planted, let real rows pass, agree with other libraries, and how fast.

    python benchmarks/quality.py [--parts detection holdouts agreement timings] [--full] [--out FILE] [--json FILE]

Writes docs/quality-figures.md, unless only some parts are asked for: then it prints the page. `detection` is the
self-test of all defects; `holdouts` splits real tables at random and counts false alarms; `agreement` compares figures
with SDMetrics, fairlearn, scikit-learn, statsmodels and anonymeter; `timings` asks every check of 50,000 rows, and of
1,000,000. The peers live in an environment of their own, which the first run makes. With --full there are more splits,
and times are the median of three.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
from datetime import date
from pathlib import Path
from typing import Any

# Small tables in many threads make threads wait for one another; the timings set a number of their own.
os.environ.setdefault("OMP_NUM_THREADS", "1")

from peers.environment import QUALITY_HOME, find_python
from quality_parts.agreement import measure_agreement
from quality_parts.detection import pass_holdouts, plant_defects
from quality_parts.page import write_page
from quality_parts.timings import measure_timings

PAGE = Path(__file__).parent.parent / "docs" / "quality-figures.md"
PARTS = ("detection", "holdouts", "agreement", "timings")
SPLITS, MANY_SPLITS = 20, 40


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS), metavar="PART")
    parser.add_argument("--full", action="store_true", help="more splits, and times as the median of three")
    parser.add_argument("--splits", type=int, help=f"random splits of each real table, {SPLITS} if left out")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--without-peers", action="store_true", help="leave out what needs other libraries")
    parser.add_argument("--without-many", action="store_true", help="leave out the million rows")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the page here")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write everything that was measured")
    options = parser.parse_args()
    parts = [part for part in options.parts if not (part == "agreement" and options.without_peers)]
    found: dict[str, Any] = {"date": str(date.today()), "machine": describe_machine(), "command": _tell_command()}
    if not options.without_peers:
        find_python(QUALITY_HOME)
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        measure = {
            "detection": lambda: plant_defects(options.seed),
            "holdouts": lambda: pass_holdouts(
                options.splits or (MANY_SPLITS if options.full else SPLITS), options.seed
            ),
            "agreement": lambda: measure_agreement(work),
            "timings": lambda: measure_timings(
                work, 3 if options.full else 1, many=not options.without_many, peers=not options.without_peers
            ),
        }
        for part in parts:
            print(f"{part} …", file=sys.stderr, flush=True)
            found[part] = measure[part]()
    page = write_page(found)
    print(page)
    out = options.out or (PAGE if set(parts) == set(PARTS) else None)
    if out is not None:
        out.write_text(page, encoding="utf-8")
    if options.json is not None:
        options.json.write_text(json.dumps(found, indent=1))


def describe_machine() -> str:
    """The processor and how many cores there are."""
    model, info = platform.processor() or platform.machine(), Path("/proc/cpuinfo")
    if info.is_file():
        lines = info.read_text().splitlines()
        model = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), model)
    return f"{model}, {os.cpu_count()} cores"


def _tell_command() -> str:
    return " ".join(["python benchmarks/quality.py", *(argument for argument in sys.argv[1:] if argument == "--full")])


if __name__ == "__main__":
    main()
