"""The first rows of a spec made and checked at once: what generation and quality, which do not know each other, share.

Real data is read once and kept for as long as its file and the spec's words about it stay as they are.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from workbench.datasets.sources import RealData
from workbench.errors import WorkbenchError
from workbench.generation.check import check_text
from workbench.generation.live_preview import open_stored
from workbench.generation.preview import preview_frames
from workbench.quality.check import find_worst
from workbench.quality.inputs import list_real_files, read_real
from workbench.quality.live import check_frames
from workbench.spec.model import Spec
from workbench.workspace import Workspace

ROWS = 500


def check_first_rows(text: str, folder: Path, workspace: Workspace | None, rows: int = ROWS) -> dict[str, Any]:
    """The live checks on the first `rows` rows of each table of a spec; no model is asked.

    Returns {"verdict", "checks": [as in a quality report], "rows": {table: n}, "notes": [text], "seconds"}; without
    checks where the spec has errors. `notes` say what could not be looked at.
    """
    begin = time.perf_counter()
    notes: list[str] = []
    with open_stored(workspace) as session:
        checked = check_text(text, folder, session)
        if checked.plan is None:
            return {"verdict": "not assessed", "checks": [], "rows": {}, "notes": [], "seconds": 0.0}
        spec = checked.plan.spec
        frames = {}
        for table in checked.plan.tables:
            try:
                frames[table] = preview_frames(checked.plan, table, rows)
            except WorkbenchError as error:
                notes.append(f"{table}: {error.cause}")
        waiting: dict[str, set[str]] = {}
        for place in session.waiting:
            waiting.setdefault(place.table, set()).add(place.column)
    real: dict[str, RealData] = {}
    try:
        real = _read_real(spec, folder)
    except WorkbenchError as error:
        notes.append(f"real data: {error.cause}")
    notes += [f"{table}: {', '.join(sorted(names))} waits for a model" for table, names in sorted(waiting.items())]
    findings = check_frames(spec, frames, real, waiting)
    return {
        "verdict": find_worst(finding.verdict for finding in findings),
        "checks": [finding.as_json() for finding in findings],
        "rows": {table: len(frame) for table, frame in frames.items()},
        "notes": notes,
        "seconds": round(time.perf_counter() - begin, 3),
    }


_KEPT: dict[tuple[Any, ...], dict[str, RealData]] = {}
"""The real data of the spec that was looked at last, by all that decides it."""


def _read_real(spec: Spec, folder: Path) -> dict[str, RealData]:
    sources = [(name, source.model_dump_json()) for name, source in spec.sources.items()]
    tables = [(name, *(column.name for column in table.columns)) for name, table in spec.tables.items()]
    key = (*sources, *tables, folder, spec.seed, *_find_stamps(spec, folder))
    if key not in _KEPT:
        found = read_real(spec, folder, "the preview")
        _KEPT.clear()
        _KEPT[key] = found
    return _KEPT[key]


def _find_stamps(spec: Spec, folder: Path) -> Iterator[tuple[int, int]]:
    """Size and time of change of each file of real data."""
    for file in list_real_files(spec, folder, None, None):
        try:
            found = file.stat()
        except OSError:
            continue  # reading it says what is wrong
        yield found.st_size, found.st_mtime_ns
