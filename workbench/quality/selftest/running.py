"""Planting each defect by itself, asking every check, and saying which tripped: the checks' own test.

Before the defects of a scene its clean data is asked the same, and must trip nothing. A defect is caught where every
check that it must trip warns or fails; a check that trips without a reason is named as unrelated. All checks are asked
each time, since a check that warns of everything would catch everything.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from workbench.errors import UsageError
from workbench.quality.asking import ask
from workbench.quality.catalogue import CHECKS
from workbench.quality.check import Finding, Verdict, find_worst
from workbench.quality.evidence import Evidence
from workbench.quality.selftest.catalogue import DEFECTS, SCENES, Defect, Scene
from workbench.spec.problems import suggest

CLEAN = "nothing"
"""Stands for the defect where none is planted."""
ROWS = 2_000
"""Rows of tables, of each of dataset, training rows and holdout: 0.5 % of them are 10 copied rows."""
_WORKERS = 2


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the checks said of one defect, or of clean data, where `defect` is CLEAN.

    `expected` must trip, `tripped` did with their verdicts, `unrelated` did without a reason. `not_assessed` are
    checks that could not judge this data.
    """

    defect: str
    description: str
    scene: str
    expected: tuple[str, ...]
    tripped: tuple[tuple[str, Verdict], ...]
    unrelated: tuple[str, ...]
    not_assessed: tuple[str, ...]
    seconds: float

    @property
    def missed(self) -> tuple[str, ...]:
        """Checks that should have tripped and did not."""
        tripped = {name for name, _ in self.tripped}
        return tuple(name for name in self.expected if name not in tripped)

    @property
    def caught(self) -> bool:
        """All that had to trip did; of clean data, that nothing did."""
        return not self.missed and (self.defect != CLEAN or not self.tripped)

    @property
    def passed(self) -> bool:
        """Caught, and by no unrelated check."""
        return self.caught and not self.unrelated

    def as_json(self) -> dict[str, Any]:
        """The outcome as plain values, with what is derived from them."""
        values = asdict(self)
        values["tripped"] = [{"check": name, "verdict": verdict} for name, verdict in self.tripped]
        values["seconds"] = round(self.seconds, 3)
        return values | {"missed": list(self.missed), "caught": self.caught, "passed": self.passed}


@dataclass(frozen=True, slots=True)
class SelfTest:
    """The outcomes in the order of scenes, clean data first."""

    outcomes: tuple[Outcome, ...]
    seed: int
    rows: int
    seconds: float

    @property
    def passed(self) -> bool:
        """Every defect is caught, and nothing else trips."""
        return all(outcome.passed for outcome in self.outcomes)

    def as_json(self) -> dict[str, Any]:
        """One object, as `--json` prints it."""
        return {
            "passed": self.passed,
            "seed": self.seed,
            "rows": self.rows,
            "seconds": round(self.seconds, 3),
            "outcomes": [outcome.as_json() for outcome in self.outcomes],
        }


def _ignore(outcome: Outcome) -> None:
    pass


def run_self_test(
    seed: int = 0,
    defects: Sequence[str] | None = None,
    rows: int = ROWS,
    on_defect: Callable[[Outcome], None] = _ignore,
    *,
    workers: int = _WORKERS,
) -> SelfTest:
    """Plant `defects`, all that there are if left out, and ask all checks of each.

    Tables have `rows` rows. `on_defect` gets each outcome when it is known. With more than one of `workers` the
    defects are shared out among processes, as many as the machine has cores at most. Raises UsageError for a defect
    that there is none of.
    """
    begin = time.monotonic()
    jobs = list(_plan(defects))
    workers = min(workers, os.cpu_count() or 1, len(jobs))
    outcomes = []
    with tempfile.TemporaryDirectory() as folder:
        for outcome in _run_jobs([(seed, rows, scene, defect, folder) for scene, defect in jobs], workers):
            outcomes.append(outcome)
            on_defect(outcome)
    return SelfTest(tuple(outcomes), seed, rows, time.monotonic() - begin)


def try_defect(evidence: Evidence, scene: str, defect: Defect | None) -> Outcome:
    """Plant `defect` into clean evidence, or nothing, and ask all checks, in one thread."""
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    begin = time.monotonic()
    if defect is not None:
        evidence = defect.plant(evidence, evidence.draw(f"plant {defect.name}"))
    # The tables are so small that threads wait for one another most of the time.
    with threadpool_limits(1):
        verdicts = judge(evidence)
    tripped = tuple((name, verdict) for name, verdict in verdicts.items() if verdict in ("warn", "fail"))
    return Outcome(
        defect.name if defect else CLEAN,
        defect.description if defect else SCENES.get(scene).description,  # type: ignore[union-attr]
        scene,
        tuple(sorted(defect.expected)) if defect else (),
        tripped,
        tuple(name for name, _ in tripped if defect is None or not defect.allows(name)),
        tuple(name for name, verdict in verdicts.items() if verdict == "not assessed"),
        time.monotonic() - begin,
    )


def judge(evidence: Evidence) -> dict[str, Verdict]:
    """The verdict of every check that has something to say, the worst where one says several things."""
    verdicts: dict[str, Verdict] = {}
    for finding in find_all(evidence):
        verdicts[finding.name] = find_worst([finding.verdict, verdicts.get(finding.name, finding.verdict)])
    return verdicts


def find_all(evidence: Evidence) -> list[Finding]:
    """What every check finds."""
    return [finding for _, check in sorted(CHECKS.items()) for finding in ask(check, evidence)]


def _plan(defects: Sequence[str] | None) -> Iterator[tuple[str, str | None]]:
    """Scenes with each of their defects, None for clean data first. Scenes without a chosen defect are left out."""
    names = DEFECTS.names()
    for name in defects or ():
        if name not in names:
            raise UsageError(f"There is no defect “{name}”.", suggest(name, names))
    chosen = [defect for name, defect in DEFECTS.items() if defects is None or name in defects]
    for scene in sorted(SCENES.names(), key=lambda name: SCENES.get(name).most_rows is not None):  # type: ignore[union-attr]
        own = [defect.name for defect in chosen if defect.scene == scene]
        if own:
            yield scene, None
            yield from ((scene, name) for name in own)


_Job = tuple[int, int, str, str | None, str]


def _run_jobs(jobs: list[_Job], workers: int) -> Iterator[Outcome]:
    if workers <= 1:
        yield from map(_run_job, jobs)
        return
    # A fork of a process whose OpenMP has threads hangs, so that each worker starts afresh.
    with ProcessPoolExecutor(workers, get_context("spawn")) as pool:
        yield from pool.map(_run_job, jobs)


_CLEAN: dict[tuple[int, int, str, str], Evidence] = {}
"""Clean data that this process has made already."""


def _run_job(job: _Job) -> Outcome:
    seed, rows, scene_name, defect_name, folder = job
    key = (seed, rows, scene_name, folder)
    if key not in _CLEAN:
        _CLEAN[key] = make_clean(SCENES.get(scene_name), seed, rows, Path(folder))  # type: ignore[arg-type]
    return try_defect(_CLEAN[key], scene_name, DEFECTS.get(defect_name) if defect_name else None)


def make_clean(scene: Scene, seed: int, rows: int, folder: Path) -> Evidence:
    """The clean evidence of a scene, whose files lie in a folder of its own and of this process in `folder`."""
    own = Path(tempfile.mkdtemp(prefix=f"{scene.name}-", dir=folder))
    return scene.make(seed, min(rows, scene.most_rows or rows), own)
