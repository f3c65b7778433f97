"""Personal values: are real ones given back, and are there any that the spec did not invent?

With real rows, what counts are values of training rows that no holdout row has. Without them nobody can say whose a
value is; but one that a model or a synthesizer wrote may have been learned by heart, so it is told where it stands.
Values are never told: a report that quotes what leaked is a leak.
"""

from __future__ import annotations

from collections import Counter

import numpy as np
from numpy.typing import NDArray

from workbench.files import clean_text
from workbench.quality.check import MAX_EXAMPLES, OURS, Finding, register_check
from workbench.quality.evidence import Evidence
from workbench.quality.personal import (
    Identifiers,
    find_identifiers,
    find_invented_columns,
    is_reserved,
    name_personal,
    take_texts,
)
from workbench.quality.privacy.excess import LEVEL
from workbench.quality.privacy.replay import Replay, find_replays

_REPLAY = "Are values of real people given back?"
_PERSONAL = "Are there personal values that the spec did not invent?"
_MOST_ROWS = 100_000
_LONGEST_NAME = 40
_NAMED = 5


@register_check("privacy.replay", _REPLAY, group="privacy", needs_real=True)
def check_replay(evidence: Evidence) -> list[Finding]:
    """Different identifiers, personal values and keys of training rows that stand in the rows, against the holdout."""
    real = evidence.real
    assert real is not None
    rows = min(len(evidence.frame), _MOST_ROWS)
    sides = [
        take_texts(frame, _MOST_ROWS, evidence, side)
        for frame, side in ((evidence.frame, "made"), (real.train, "train"), (real.holdout, "holdout"))
    ]
    invented = find_invented_columns(evidence)
    replays = find_replays(sides[0], sides[1], sides[2], invented, evidence.draw("replay"))
    if not replays:
        return []
    leaks = [each for each in replays if each.is_leak(len(replays))]
    met, held = (sum(each.excess.matched[side] for each in replays) for side in (0, 1))
    sizes = [max(sum(each.excess.sizes[side] for each in replays), 1) for side in (0, 1)]
    places = np.unique(np.concatenate([*(each.rows for each in leaks), np.empty(0, np.int64)])).astype(np.int64)
    index = next(iter(sides[0].values())).index.to_numpy(np.int64) if sides[0] else places
    return [
        Finding(
            "privacy.replay",
            _REPLAY,
            "fail" if leaks else "pass",
            rows,
            value=met / sizes[0],
            reference=held / sizes[1] if len(real.holdout) else None,
            detail=_describe(leaks, replays, bool(len(real.holdout))),
            examples=[int(row) for row in index[places]][:MAX_EXAMPLES],
            source=f"none of an identifier, exact test at {LEVEL} of others (ours); Giomi et al. 2023 for the control",
            seed=evidence.seed,
            figures={each.what: float(each.excess.matched[0]) for each in replays},
            fix="Drop these rows, and invent these columns with faker instead of learning them." if leaks else "",
        )
    ]


@register_check("privacy.personal", _PERSONAL, group="privacy", live=True)
def check_personal(evidence: Evidence) -> list[Finding]:
    """Share of rows with a personal value in a column that a model or a synthesizer made.

    Values that the row's table holds in an invented column too, as where a letter repeats the invented address, are
    by design; so are those kept free for examples.
    """
    columns = take_texts(evidence.frame, _MOST_ROWS, evidence, "made")
    invented = find_invented_columns(evidence) | evidence.keys
    learned = {name: column for name, column in columns.items() if name not in invented}
    if not learned:
        return []
    rows = len(next(iter(learned.values())))
    found = {name: find_identifiers(column) for name, column in learned.items()}
    named = {
        name: what
        for name, column in learned.items()
        if not found[name].values and (what := name_personal(name, column)) is not None
    }
    by_design: dict[str, set[str]] = {}
    if any(each.values for each in found.values()):
        for name, column in columns.items():
            if name in invented:
                for kind, values in find_identifiers(column).values.items():
                    by_design.setdefault(kind, set()).update(values)
    counts: dict[str, dict[str, float | None]] = {}
    hit = np.zeros(rows, np.bool_)
    for name, each in found.items():
        for kind in each.values:
            places = each.find_rows(kind, _keep(each, kind, by_design.get(kind, set())))
            if len(places):
                counts.setdefault(name, {})[kind] = float(len(places))
                hit[places] = True
    for name, what in named.items():
        present = np.flatnonzero(learned[name].notna().to_numpy(np.bool_))
        counts.setdefault(name, {})[what] = float(len(present))
        hit[present] = True
    index = next(iter(learned.values())).index.to_numpy(np.int64)
    return [
        Finding(
            "privacy.personal",
            _PERSONAL,
            "warn" if counts else "pass",
            rows,
            value=float(hit.mean()) if rows else 0.0,
            threshold=0.0,
            detail=_name_columns(counts) if counts else "no sign of personal values outside of invented columns",
            examples=[int(row) for row in index[hit]][:MAX_EXAMPLES],
            columns={clean_text(name): kinds for name, kinds in counts.items()},
            source=OURS,
            fix="Make these columns with faker, or have the model write without them." if counts else "",
        )
    ]


def _keep(found: Identifiers, kind: str, by_design: set[str]) -> NDArray[np.object_]:
    kept = [value for value in found.values[kind] if value not in by_design and not is_reserved(kind, value)]
    return np.array(kept, dtype=object)


def _name_columns(counts: dict[str, dict[str, float | None]]) -> str:
    parts = [
        f"{clean_text(name)[:_LONGEST_NAME]}: {number or 0:,.0f} with a{'n' if kind[0] in 'eIi' else ''} {kind}"
        for name, kinds in counts.items()
        for kind, number in kinds.items()
    ]
    more = f", and {len(parts) - _NAMED} more" if len(parts) > _NAMED else ""
    return f"rows by column that may be learned by heart: {'; '.join(parts[:_NAMED])}{more}"


def _describe(leaks: list[Replay], replays: list[Replay], held_out: bool) -> str:
    if not leaks:
        kinds = ", ".join(dict.fromkeys(each.what for each in replays[:_NAMED]))
        return f"no sign of values of real people given back: looked for {kinds}"
    numbers: Counter[str] = Counter()
    for each in leaks:
        numbers[each.what] += each.excess.matched[0]
    told = ", ".join(f"{number:,} of {what}" for what, number in numbers.most_common(_NAMED))
    held = sum(each.excess.matched[1] for each in leaks)
    return f"values of training rows given back: {told}" + (f", against {held:,} of rows held out" if held_out else "")
