"""What a spec asked of a table in exact numbers, beside what the table has."""

from __future__ import annotations

from collections.abc import Iterator

from workbench.datasets.manifest import TableRecord


def compare_promises(table: TableRecord) -> Iterator[tuple[str, bool]]:
    """What was asked of scenarios, balance and parity beside what came out, and whether it is the same."""
    for scenario in table.scenarios:
        line = f"scenario {scenario.name}: {scenario.achieved:,} rows, {scenario.asked:,} asked"
        yield line, scenario.achieved == scenario.asked
    for balance in table.balance:
        missed = [cell for cell in balance.cells if cell.achieved != cell.asked]
        line = (
            f"balance of {', '.join(balance.columns)}: {len(balance.cells) - len(missed)} of {len(balance.cells)} exact"
        )
        line += "".join(
            f"; {', '.join(map(str, cell.values))}: {cell.achieved:,}, {cell.asked:,} asked" for cell in missed[:5]
        )
        yield line, not missed
    for parity in table.parity:
        line = f"parity of {parity.outcome} across {parity.across}: rates differ by {parity.achieved_gap:g}"
        yield f"{line}, {parity.max_gap:g} asked", parity.achieved_gap <= parity.max_gap
