"""Which column's shares matter most where nobody says: the label is drawn first, rare levels included."""

from __future__ import annotations

from workbench.synthesizers.profile import ColumnProfile, TableProfile

MOST_LABEL_LEVELS = 50
"""The label is sought among columns with at most so many levels: of more, each is rare and none is meant."""


def choose_label(profile: TableProfile, wanted: str | None) -> str | None:
    """The label: `wanted` if it is there, else the category with the rarest level, else a number of few values so.

    None where no column has few values.
    """
    if wanted is not None and wanted in profile.columns:
        return wanted
    named = [c for c in profile.columns.values() if c.levels is not None and 2 <= len(c.levels) <= MOST_LABEL_LEVELS]
    for role in ("category", "number"):
        found = [column for column in named if column.role == role]
        if found:
            return min(found, key=_find_rarest).name
    return None


def _find_rarest(column: ColumnProfile) -> float:
    shares = column.shares
    return float(shares[shares > 0].min()) if shares.any() else 1.0
