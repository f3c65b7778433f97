"""Blocks made by a pool of processes, one to a core. Each plans the spec for itself: a plan holds functions.

A process ends by itself when the one that started it is gone, however that ended, so that nothing is left running.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path

from workbench.calls.session import Session
from workbench.errors import StopRequested, WorkbenchError
from workbench.generation.packing import BlockJob, PackedBlock, pack_block
from workbench.generation.plan import Plan

_AHEAD = 2
"""Blocks in the making or waiting to be written, for each process: more would only fill memory."""

FEWEST_JOBS = 4
"""Fewer blocks than this are made in the process itself: starting others takes longer."""


@dataclass(frozen=True, slots=True)
class PlanSource:
    """What a plan is made from: the spec's text, the folder of its paths, the rows asked for instead of its own.

    `fingerprint` is what the plan must have, else a source has changed in the meantime. `fitted` is the folder of
    fitted synthesizers.
    """

    text: str
    folder: str
    rows: int | None
    fingerprint: str
    fitted: Path | None = None

    def build(self) -> Plan:
        """The plan. Raises UsageError for a spec with problems, WorkbenchError where a source has changed."""
        from workbench.generation.preparing import prepare_plan

        plan, fingerprint = prepare_plan(self.text, Path(self.folder), self.rows, Session(fitted=self.fitted))
        if fingerprint != self.fingerprint:
            raise WorkbenchError("A source of the spec changed while rows were made from it.", "Generate again.")
        return plan


def count_cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def pack_blocks(
    source: PlanSource,
    plan: Plan,
    jobs: Sequence[BlockJob],
    metadata: Mapping[str, str],
    workers: int,
    should_stop: Callable[[], bool],
) -> Iterator[PackedBlock]:
    """The blocks of `jobs` as they get ready, in any order if `workers` is more than 1.

    Raises StopRequested between two blocks when asked to stop, and WorkbenchError where a block cannot be made.
    """
    if workers <= 1 or len(jobs) < FEWEST_JOBS:
        for each in jobs:
            if should_stop():
                raise StopRequested
            yield pack_block(plan, each, metadata)
        return
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(min(workers, len(jobs)), context, _start_process, (source, dict(metadata)))
    waiting: set[Future[PackedBlock]] = set()
    following = iter(jobs)
    try:
        while True:
            while len(waiting) < workers * _AHEAD and (job := next(following, None)) is not None:
                waiting.add(pool.submit(_pack_in_process, job))
            if not waiting:
                return
            done, waiting = wait(waiting, timeout=0.2, return_when=FIRST_COMPLETED)
            for future in done:
                yield future.result()
            if should_stop():
                raise StopRequested
    except BrokenProcessPool as error:
        raise WorkbenchError(
            "A process that made rows was killed, perhaps for want of memory.", "Resume with fewer: --workers 1."
        ) from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


_source: PlanSource | None = None
_plan: Plan | None = None
_metadata: dict[str, str] = {}


def _start_process(source: PlanSource, metadata: dict[str, str]) -> None:
    """The beginning of a process of the pool. Ctrl+C in a terminal reaches all processes: the first one decides."""
    global _source, _metadata
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    _source, _metadata = source, metadata


def _end_with(parent: BaseProcess) -> None:
    parent.join()
    os._exit(1)


def _pack_in_process(job: BlockJob) -> PackedBlock:
    global _plan
    if _plan is None:
        assert _source is not None
        _plan = _source.build()
    return pack_block(_plan, job, _metadata)
