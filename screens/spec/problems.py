"""What is wrong with the spec, in words, under the editor. The problem at the cursor comes first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.text import Text

from screens.theme import CYAN, RED, YELLOW
from workbench.files import clean_text


@dataclass(frozen=True, slots=True)
class Finding:
    """A problem as the panes need it. `line` and `column` count from 1; 0 means the whole file."""

    line: int
    column: int
    message: str
    hint: str
    level: str

    @property
    def is_error(self) -> bool:
        """Errors keep the spec from being used, warnings do not."""
        return self.level == "error"


def read_findings(problems: Sequence[Mapping[str, Any]]) -> list[Finding]:
    """Findings from the JSON form of problems, in the order of their place."""
    findings = [
        Finding(
            int(problem.get("line") or 0),
            int(problem.get("column") or 0),
            clean_text(str(problem.get("message", ""))),
            clean_text(str(problem.get("hint", ""))),
            str(problem.get("level", "error")),
        )
        for problem in problems
    ]
    return sorted(findings, key=lambda finding: (finding.line, finding.column))


def count_findings(findings: Sequence[Finding]) -> str:
    """`2 errors, 1 warning`, or "" where there is nothing."""
    errors = sum(finding.is_error for finding in findings)
    warnings = len(findings) - errors
    parts = [f"{count} {word}{'s' if count > 1 else ''}" for count, word in ((errors, "error"), (warnings, "warning"))]
    return ", ".join(part for part in parts if not part.startswith("0 "))


def find_next(findings: Sequence[Finding], line: int, column: int) -> Finding | None:
    """The first finding after a place, around the end of the file."""
    later = [finding for finding in findings if (finding.line, finding.column) > (line, column)]
    return later[0] if later else findings[0] if findings else None


def show_findings(findings: Sequence[Finding], line: int) -> Text:
    """All findings, one a line, the one on `line` (or the next one below it) first."""
    ordered = sorted(findings, key=lambda finding: (finding.line < line, finding.line, finding.column))
    text = Text()
    for index, finding in enumerate(ordered):
        text.append("\n" if index else "")
        colour = RED if finding.is_error else YELLOW
        text.append("✗ " if finding.is_error else "! ", style=f"bold {colour}")
        text.append(f"{finding.line}:{finding.column} " if finding.line else "", style="bold")
        text.append(finding.message)
        text.append(f" {finding.hint}" if finding.hint else "", style=f"italic {CYAN}")
    return text
