"""The figures as a page of Markdown."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

RISKS = {"singling_out": "singling out", "linkability": "linkability", "inference": "inference"}


def write_page(found: dict[str, Any]) -> str:
    """The page; parts that were not measured are left out."""
    lines = [
        "# Figures of the quality checks",
        "",
        f"Made by `{found['command']}` on {found['date']}: {found['machine']}.",
        "What the checks are and where their thresholds come from is in [quality.md](quality.md).",
        "",
    ]
    for key, write in _PARTS.items():
        if key in found:
            lines += [*write(found[key]), ""]
    return "\n".join(lines).rstrip() + "\n"


def _write_detection(found: dict[str, Any]) -> Iterator[str]:
    outcomes = found["outcomes"]
    planted = [each for each in outcomes if each["defect"] != "nothing"]
    clean = [each for each in outcomes if each["defect"] == "nothing"]
    yield "## What is planted is caught"
    yield ""
    yield (
        f"Each defect is planted by itself into data that has none, and every check is asked. "
        f"{sum(each['caught'] for each in planted)} of {len(planted)} defects trip the checks that they must; "
        f"{sum(bool(each['unrelated']) for each in planted)} trip one that has nothing to do with them; "
        f"{sum(each['passed'] for each in clean)} of {len(clean)} clean datasets trip none. Tables have "
        f"{found['rows']:,} rows and as many real ones on each side. `workbench quality --self-test` does the same in "
        f"{found['seconds']:.0f} s here."
    )
    yield ""
    yield "Data and defects were made together with the checks, and their sizes chosen with them in view: the table"
    yield "shows that each check still sees what it is for, and not how small a defect may be to be seen."
    yield ""
    rows = []
    for each in outcomes:
        must = set(each["expected"])
        tripped = [
            f"**{item['check']}** ({item['verdict']})" if item["check"] in must else item["check"]
            for item in sorted(each["tripped"], key=lambda item: (item["check"] not in must, item["check"]))
        ]
        tripped += [f"missed: {name}" for name in each["missed"]]
        result = "as it should" if each["passed"] else "**not as it should**"
        rows.append([each["scene"], each["defect"], each["description"], ", ".join(tripped) or "none", result])
    yield from _tabulate(["data", "planted", "what it is", "checks that trip (in bold: must)", "result"], rows)


def _write_holdouts(found: list[dict[str, Any]]) -> Iterator[str]:
    yield "## Real rows pass"
    yield ""
    yield "A real table is split at random into three parts that stand for dataset, training rows and holdout. A check"
    yield "that warns or fails then is a false alarm."
    yield ""
    rows = [
        [
            each["table"], f"{each['rows']:,} x {each['columns']}", f"{each['passed']} of {each['splits']}",
            str(each["judged"]),
            ", ".join(f"{name} ({count})" for name, count in sorted(each["alarms"].items())) or "none",
        ]
        for each in found
    ]  # fmt: skip
    yield from _tabulate(
        ["table", "rows x columns", "splits that pass all checks", "checks that judge", "alarms"], rows
    )


def _write_agreement(found: dict[str, Any]) -> Iterator[str]:
    yield "## Figures agree with other libraries"
    yield ""
    yield "Where the definition is the same, the figure is: to four digits, on every column, pair or table. The planted"
    yield "sets are a holdout, a normal distribution per class, independent columns, uniform noise, rows moved by 2 %"
    yield "and a copy of `load_breast_cancer`. Of people with gaps only the share missing is compared: ours lets a"
    yield "column be no more alike than its gaps are. Where a check weighs rows or groups otherwise, the figure of the"
    yield "same definition is computed from its parts."
    yield ""
    rows = [
        [
            each["measure"], f"{each['peer']}: {each['note']}", each["tables"], str(each["figures"]),
            f"{abs(each['ours'] - each['theirs']):.1e}", "yes" if each["agrees"] else "**no**",
        ]
        for each in found["measures"]
    ]  # fmt: skip
    headers = ["figure", "beside", "tables", "compared", "largest difference", "to four digits"]
    yield from _tabulate(headers, rows)
    yield ""
    rows = [
        [each["tables"], each["made"], *(f"{value:.4f}" for pair in zip(each["ours"], each["theirs"], strict=True)
                                        for value in pair)]
        for each in found["tables"]
    ]  # fmt: skip
    headers = ["tables", "made", "column shapes", "SDMetrics", "column pair trends", "SDMetrics"]
    yield from _tabulate(headers, rows)
    yield ""
    yield "Attacks are drawn at random and built in other ways, so that of anonymeter's risks the order is compared."
    yield "Ours tries descriptions of one column as well as of several: a column-wise resample repeats extremes word by"
    yield "word, which these find."
    yield ""
    yield from _tabulate(
        ["tables", "made", *(f"{words}, {side}" for words in RISKS.values() for side in ("ours", "anonymeter"))],
        [
            [each["tables"], each["made"],
             *(_say_risk(each[side].get(risk, {})) for risk in RISKS for side in ("ours", "theirs"))]
            for each in found["risks"]
        ],
    )  # fmt: skip


def _say_risk(risk: dict[str, Any]) -> str:
    if risk.get("risk") is None:
        return risk.get("verdict") or ("failed" if "failed" in risk else "")
    low, high = risk["interval"]
    return f"{risk['risk']:.2f} ({low:.2f}–{high:.2f})"


def _write_timings(found: dict[str, Any]) -> Iterator[str]:
    ours = found["ours"]
    yield "## Time and memory"
    yield ""
    yield f"Every check on {ours['rows']:,} x {ours['columns']} rows against as many real ones, half of them held out,"
    yield f"in a process with two threads; median of {len(found['runs'])}."
    yield ""
    rows = [_time_row("ours, all checks", ours["rows"], ours["seconds"], ours["peak_mebibytes"])]
    if "many" in found:
        many = found["many"]
        rows.append(_time_row("ours, all checks, by samples", many["rows"], many["seconds"], many["peak_mebibytes"]))
    if "sdmetrics" in found:
        peer = found["sdmetrics"]
        total = sum(peer["seconds"].values())
        for name, seconds in peer["seconds"].items():
            rows.append([f"SDMetrics {name}", f"{ours['rows']:,}", f"{seconds:.1f}", ""])
        rows.append(_time_row("SDMetrics, the three together", ours["rows"], total, peer["peak_mebibytes"]))
    yield from _tabulate(["report", "rows", "seconds", "most memory, MiB"], rows)
    if "sdmetrics" in found:
        yield ""
        yield (
            f"Ours takes {ours['seconds'] / total:.1f} times as long as these three, of whose kind are "
            f"{_sum_same(ours):.1f} s of it; they train no model and attack nothing."
        )
    yield ""
    yield "Seconds of each check:"
    yield ""
    slowest = sorted(ours["checks"], key=lambda each: -each["seconds"])
    many = {each["check"]: each["seconds"] for each in found.get("many", {}).get("checks", [])}
    headers = ["check", f"{ours['rows']:,} rows", *([f"{found['many']['rows']:,} rows"] if many else [])]
    yield from _tabulate(
        headers,
        [
            [each["check"], f"{each['seconds']:.2f}",
             *([f"{many[each['check']]:.2f}" if each["check"] in many else ""] if many else [])]
            for each in slowest
        ],
    )  # fmt: skip


_SAME_KIND = ("schema", "rules", "fidelity.columns", "fidelity.pairs", "fidelity.coverage", "privacy.copies",
              "privacy.distance_share", "privacy.distance_ratio")  # fmt: skip
"""Checks that answer what SDMetrics' two reports and its privacy metric do."""


def _sum_same(ours: dict[str, Any]) -> float:
    return sum(float(each["seconds"]) for each in ours["checks"] if each["check"] in _SAME_KIND)


def _time_row(name: str, rows: int, seconds: float, peak: int) -> list[str]:
    return [name, f"{rows:,}", f"{seconds:.1f}", f"{peak:,}"]


def _tabulate(headers: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(headers)} |"
    yield f"|{'|'.join(' --- ' for _ in headers)}|"
    for row in rows:
        yield f"| {' | '.join(cell.replace('|', '/') for cell in row)} |"


_PARTS: dict[str, Callable[[Any], Iterator[str]]] = {
    "detection": _write_detection,
    "holdouts": _write_holdouts,
    "agreement": _write_agreement,
    "timings": _write_timings,
}
