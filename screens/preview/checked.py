"""What the cheap checks say of the first rows, in the few words that the pane has room for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.text import Text

from screens.theme import GREEN, GREY, RED, YELLOW
from workbench.files import clean_text
from workbench.quality.report.words import MARKS

_STYLES = {"fail": RED, "warn": YELLOW, "pass": GREEN}
_MOST = 2


def describe_checks(result: Mapping[str, Any]) -> Text:
    """The worst verdict with the checks that gave it; nothing where no check was asked."""
    checks = [check for check in result.get("checks", []) if check["verdict"] in _STYLES]
    if not checks:
        return Text()
    worst = next(verdict for verdict in _STYLES if any(check["verdict"] == verdict for check in checks))
    mark, style = MARKS[worst], _STYLES[worst]
    text = Text(" · ").append(f"{mark} ", style).append("quality", GREY if worst == "pass" else style)
    if worst != "pass":
        names = list(dict.fromkeys(clean_text(check["name"]) for check in checks if check["verdict"] == worst))
        more = f" and {len(names) - _MOST} more" if len(names) > _MOST else ""
        text.append(f": {', '.join(names[:_MOST])}{more}", style)
    return text
