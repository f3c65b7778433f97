"""The report as one page that can be handed on: a single file that asks nothing of any network.

All that is in it is made here from the report: no script, no fonts, no pictures of others, and a policy that forbids
the browser to load any. The same report gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from workbench.quality.check import GROUPS
from workbench.quality.report.cards import Card, make_card, share_rows
from workbench.quality.report.words import (
    CRITICISM,
    NO_BLEND,
    OVERALL,
    PRIVACY,
    VERDICTS,
    clean_line,
    count_verdicts,
    describe_counts,
    find_number,
    format_figure,
    read_verdict,
)

_LONGEST_NAME = 120
_DIGEST = 16
"""Characters of a digest that tell two apart at sight; quality.json has all."""


@dataclass(frozen=True, slots=True)
class Section:
    """The checks that answer one question, the worst first."""

    anchor: str
    title: str
    verdict: str
    counts: str
    cards: Sequence[Card]
    note: str


def write_page(report: Mapping[str, Any], title: str) -> str:
    """The page of a report as `quality.json` holds it. Never raises for what stands in names, texts or figures."""
    checks: list[Mapping[str, Any]] = list(report["checks"])
    several = len({str(check.get("table")) for check in checks}) > 1
    rows = share_rows(checks)
    cards = [
        (str(check.get("group") or ""), make_card(check, number, str(check.get("table")) if several else "", rows))
        for number, check in enumerate(checks, 1)
    ]
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    verdict, waivers = read_verdict(report), _list_waivers(report)
    waived = {waiver[0] for waiver in waivers}
    return environment.get_template("page.jinja").render(
        title=clean_line(title, _LONGEST_NAME),
        dataset=clean_line(report.get("name") or report.get("dataset"), _LONGEST_NAME),
        verdict=verdict,
        overall=OVERALL[verdict],
        no_blend=NO_BLEND,
        counts=count_verdicts(checks),
        sections=_make_sections(cards),
        blocking=[card for _, card in cards if _is_blocking(card) and card.name not in waived],
        facts=_list_facts(report),
        real=_list_real(report),
        gates=_list_gates(report),
        waivers=waivers,
        criticism=CRITICISM,
    )


def _is_blocking(card: Card) -> bool:
    """Whether training and exports refuse the dataset for this check."""
    return card.verdict == "fail" or (card.gated and card.verdict == "not assessed")


def _make_sections(cards: Sequence[tuple[str, Card]]) -> list[Section]:
    groups = dict.fromkeys([*GROUPS, *(group for group, _ in cards)])
    sections: list[Section] = []
    for group in groups:
        # Sorting is stable: what is equally bad stays in the report's order.
        members = sorted((card for of, card in cards if of == group), key=lambda card: VERDICTS.index(card.verdict))
        if members:
            sections.append(
                Section(
                    f"part-{len(sections) + 1}",
                    GROUPS.get(group) or clean_line(group or "Other checks", _LONGEST_NAME),
                    members[0].verdict,
                    describe_counts({"verdict": card.verdict} for card in members),
                    members,
                    PRIVACY if group == "privacy" else "",
                )
            )
    return sections


def _list_facts(report: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What the report is about and how it was made."""
    digest: Mapping[str, Any] = report.get("digest") or {}
    facts = [
        ("checked", report.get("made")),
        ("seed", report.get("seed")),
        ("version of the checks", digest.get("checks")),
        ("SHA-256 of the data", str(digest.get("data", ""))[:_DIGEST]),
        ("SHA-256 of the spec", str(digest.get("spec", ""))[:_DIGEST]),
        ("time taken", f"{seconds:.1f} s" if (seconds := find_number(report.get("seconds"))) is not None else None),
        ("findings of earlier runs", format_figure(report.get("reused")) if report.get("reused") else None),
    ]
    return [(name, clean_line(value, _LONGEST_NAME)) for name, value in facts if value not in (None, "")]


def _list_real(report: Mapping[str, Any]) -> list[Sequence[str]]:
    """The real rows by table: origin, licence, rows of both parts, digest."""
    real: Mapping[str, Mapping[str, Any]] = report.get("real") or {}
    return [
        (
            clean_line(table, _LONGEST_NAME),
            format_figure(each.get("train_rows")),
            format_figure(each.get("holdout_rows")),
            clean_line(each.get("origin") or "–", 300),
            clean_line(each.get("licence") or "–", 300),
            clean_line(each.get("digest") or "–", _DIGEST + 1),
        )
        for table, each in real.items()
    ]


def _list_gates(report: Mapping[str, Any]) -> list[tuple[str, str]]:
    gates: Mapping[str, Any] = report.get("gates") or {}
    return [
        (clean_line(name, _LONGEST_NAME), clean_line(_describe(value), 300))
        for name, value in gates.items()
        # Planted secrets are no gate's figure, and this page may be handed on.
        if name == "preset" or name == "require" or name.startswith(("min_", "max_"))
    ]


def _describe(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else f"{value:g}" if _is_number(value) else str(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _list_waivers(report: Mapping[str, Any]) -> list[Sequence[str]]:
    waivers: Sequence[Mapping[str, Any]] = report.get("waivers") or ()
    return [[clean_line(each.get(key) or "–", 600) for key in ("check", "reason", "by", "at")] for each in waivers]
