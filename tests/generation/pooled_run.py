"""A run with a pool of processes, for `test_pool`: prints a line for each block, so that a test can kill it in between.

python pooled_run.py FOLDER
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

import workbench.generation.plan as plan
import workbench.generation.run as generation
from workbench.progress import Quiet
from workbench.workspace import Workspace

plan.BLOCK_ROWS = 300  # type: ignore[misc]
SPEC = """name: shop
seed: 3
tables:
  a:
    rows: 3000
    primary_key: id
    columns:
      - {name: id, type: id}
      - {name: amount, type: lognormal, mean: 3, stddev: 1, decimals: 2}
      - {name: who, type: faker, method: pystr}
    constraints: [{type: expression, expression: "amount > 8"}]
  b:
    foreign_keys: [{column: a_id, table: a, per_parent: {type: poisson, mean: 2}}]
    columns:
      - {name: n, type: uniform_int, low: 1, high: 9000}
      - {name: amount, type: foreign_key, table: a, column: amount}
      - {name: memo, type: template, template: "{{ n }}: {{ amount }}"}
  c:
    rows: 1500
    columns: [{name: n, type: uniform_int, low: 1, high: 1200}]
    constraints: [{type: unique, columns: [n]}]
"""


class Context(Quiet):
    """Tells every block on stdout."""

    attempt = 1

    def __init__(self, root: Path) -> None:
        self.folder, self.workspace = root / "runs" / "r1", Workspace(root)

    def metrics(self, values: Mapping[str, float], step: int) -> None:
        sys.stdout.write(f"{step}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    workers = int(sys.argv[2])
    generation.run(
        {"spec": SPEC, "folder": "/", "rows": None, "out": None, "workers": workers}, Context(Path(sys.argv[1]))
    )
