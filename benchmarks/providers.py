"""Rows per second through an endpoint beside DataDesigner, calls a second of a limited server, and calls after a kill.

    python benchmarks/providers.py [--rows 2000] [--without-peers] [--local [--quick]] [--json]

The endpoint is the test's own server in another process: 200 ms for each answer, without a limit or with one of 50
calls a second. The peer keeps its default settings. `--local` also measures models in this process, and takes minutes.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(Path(__file__).parent)]

from peers.environment import run_peer  # noqa: E402

from tests.providers.fault_server import Rules, change_rules, read_stats, start_server  # noqa: E402
from workbench.generation.run import run  # noqa: E402
from workbench.progress import Quiet  # noqa: E402
from workbench.workspace import Workspace  # noqa: E402

LATENCY = 0.2
LIMIT = 50
KILLED_ROWS = 3_000
SPEC = """name: notes
rows: {rows}
models:
  writer: {{provider: openai, model: test, base_url: "{url}"}}
columns:
  - {{name: id, type: uuid}}
  - {{name: note, type: llm_text, model: writer, prompt: "Note {{{{ id }}}}."}}
"""


class Context(Quiet):
    """A run without a run folder."""

    attempt = 1

    def __init__(self, root: Path) -> None:
        self.folder, self.workspace = root / "runs" / "bench", Workspace(root)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=2_000)
    parser.add_argument("--without-peers", action="store_true", help="measure this project alone")
    parser.add_argument("--local", action="store_true", help="also measure models in this process")
    parser.add_argument("--quick", action="store_true", help="fewer rows for local models")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    figures = {
        "endpoint": measure_endpoint(options.rows, not options.without_peers),
        "limited": measure_limited(),
        "killed": measure_kills(),
    }
    if options.json:
        print(json.dumps(figures))
    else:
        show(figures)
    if options.local:
        subprocess.run(
            [
                sys.executable,
                str(Path(__file__).with_name("providers_local.py")),
                *(["--quick"] if options.quick else []),
            ],
            check=True,
        )


def measure_endpoint(rows: int, with_peer: bool) -> dict[str, Any]:
    """Rows per second with a server of 200 ms latency and no limit, ours and the peer's."""
    with start_server(Rules(latency=LATENCY)) as url:
        ours = _generate(url, rows)
        peer = run_peer("datadesigner_texts.py", url, str(max(rows // 10, 100))) if with_peer else None
    return {"rows": rows, "rate": ours, "peer": peer}


def measure_limited() -> dict[str, Any]:
    """Rows per second with a server that allows 50 calls a second and says when to come back, in whole seconds."""
    rows = LIMIT * 60
    with start_server(Rules(latency=LATENCY, rate=LIMIT, burst=LIMIT, retry_after="whole")) as url:
        rate = _generate(url, rows)
        stats = read_stats(url)
    # What the first burst gave on top of the rate is not counted.
    sustained = (rows - LIMIT) / (rows / rate)
    return {"rows": rows, "allowed": LIMIT, "sustained": sustained, "lost": rows - stats["answered"]}


def measure_kills() -> dict[str, Any]:
    """Calls made twice after three kills at random moments, beside the most that were in flight."""
    with start_server(Rules(latency=0.1)) as url, tempfile.TemporaryDirectory() as folder:
        spec = Path(folder) / "spec.yaml"
        spec.write_text(SPEC.format(url=url, rows=KILLED_ROWS), "utf-8")
        command = [sys.executable, "-m", "tests.generation.killed_run", folder, str(spec)]
        for _ in range(3):
            process = subprocess.Popen(command, cwd=ROOT)
            goal = read_stats(url)["answered"] + random.uniform(100, KILLED_ROWS / 4)
            while read_stats(url)["answered"] < goal and process.poll() is None:
                time.sleep(0.005)
            process.kill()
            process.wait()
        most = read_stats(url)["most_at_once"]
        change_rules(url, latency=0.0)
        subprocess.run(command, cwd=ROOT, check=True)
        stats = read_stats(url)
    return {"rows": KILLED_ROWS, "kills": 3, "repeated": stats["requests"] - KILLED_ROWS, "most_in_flight": most}


def show(figures: dict[str, Any]) -> None:
    """Print the figures, each beside its peer or its aim."""
    endpoint, limited, killed = figures["endpoint"], figures["limited"], figures["killed"]
    print(f"endpoint of 200 ms: {endpoint['rate']:.0f} rows/s")
    if endpoint["peer"]:
        peer = endpoint["peer"]
        print(f"  {peer['peer']}: {peer['rate']:.1f} rows/s, ours is {endpoint['rate'] / peer['rate']:.1f} x")
    print(
        f"endpoint that allows {limited['allowed']} calls/s: {limited['sustained']:.1f} sustained, "
        f"{limited['sustained'] / limited['allowed']:.1%}, {limited['lost']} rows lost"
    )
    print(
        f"{killed['kills']} kills of a run of {killed['rows']:,} calls: {killed['repeated']} calls made again, "
        f"{killed['most_in_flight']} in flight at most"
    )


def _generate(url: str, rows: int) -> float:
    """Rows per second of the clock for a whole run, planning and writing included."""
    with tempfile.TemporaryDirectory() as folder:
        begin = time.monotonic()
        result = run({"spec": SPEC.format(url=url, rows=rows), "folder": folder}, Context(Path(folder)))
        seconds = time.monotonic() - begin
        assert result["rows"] == {"notes": rows}
        assert result["failed"] == {}
    return rows / seconds


if __name__ == "__main__":
    main()
