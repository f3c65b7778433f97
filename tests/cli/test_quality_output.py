"""What `workbench quality` prints: fits the terminal, tells why and what to do, and needs neither colour nor UTF-8."""

import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from pathlib import Path
from typing import Any

import pytest

from tests.quality.example_report import make_columns, make_finding, make_report
from workbench.cli.quality_report import print_report

PROGRAM = """
import json, sys
from workbench.cli.quality_report import print_report
print_report(json.load(open(sys.argv[1])), verbose=len(sys.argv) > 2)
"""
ROOT = Path(__file__).parents[2]
ESCAPES = re.compile(r"\x1b\[[0-9;]*m")


def print_on_terminal(file: Path, report: dict[str, Any], width: int, *words: str, **variables: str) -> str:
    """What a terminal of that width is sent."""
    file.write_text(json.dumps(report))
    here, there = pty.openpty()
    fcntl.ioctl(there, termios.TIOCSWINSZ, struct.pack("HHHH", 24, width, 0, 0))
    kept = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES", "NO_COLOR")}
    environment = kept | {"TERM": "xterm-256color"} | variables
    command = [sys.executable, "-c", PROGRAM, str(file), *words]
    with subprocess.Popen(command, stdout=there, stderr=subprocess.DEVNULL, env=environment, cwd=ROOT) as process:
        os.close(there)
        sent = b""
        while True:
            try:
                sent += (part := os.read(here, 65536))
            except OSError:  # how Linux tells that the other end is closed
                break
            if not part:
                break
    os.close(here)
    assert process.returncode == 0
    return sent.decode()


def print_in_pipe(report: dict[str, Any], capsys: pytest.CaptureFixture[str], *, verbose: bool = False) -> str:
    print_report(report, verbose=verbose)
    return capsys.readouterr().out


def find_line(text: str, start: str) -> str:
    return next(line for line in text.splitlines() if line.startswith(start))


def test_each_check_has_a_line_and_a_miss_says_why_and_what_to_do(
    capsys: pytest.CaptureFixture[str],
) -> None:
    text = print_in_pipe(make_report(), capsys)
    lines = text.splitlines()
    assert lines[0] == "people@1: fail"
    assert "compared with 8,000 real rows and 4,000 that nothing was learned from" in lines[1]
    assert find_line(text, "! fidelity.columns").split() == [
        "!", "fidelity.columns", "0.490", "0.470–0.510", "0.970", "≥", "0.900",
    ]  # fmt: skip
    assert find_line(text, "✓ privacy.copies").split()[-2:] == ["≤", "0.0005"]
    place = lines.index(find_line(text, "✗ rules"))
    assert lines[place + 1] == "    What of rules? 156 of 12,000 rows break start <= end. The spec's gate."
    assert lines[place + 2] == "    → Correct the column end."
    assert "Is it like the real data?" in lines
    assert lines.index("Is it like the real data?") < lines.index("Whom does it expose?")


def test_it_ends_with_counts_the_verdict_and_what_comes_next(capsys: pytest.CaptureFixture[str]) -> None:
    text = " ".join(print_in_pipe(make_report(waivers=[]), capsys).split())
    end = text[text.index("4 pass") :]
    assert end.startswith("4 pass, 1 warn, 2 fail, 3 not assessed ✗ fail: At least one check failed")
    assert "no blended score" in end
    assert "no proof of anonymity" in end
    assert "Failed: rules, privacy.membership." in end
    assert "could not be judged: privacy.inference." in end
    assert "--waive rules --waive privacy.membership --waive privacy.inference --reason WHY" in end
    waived = " ".join(print_in_pipe(make_report(), capsys).split())
    assert "rules is waived by ana: only a demonstration" in waived
    assert "Failed: privacy.membership." in waived
    strict = print_in_pipe(make_report(gates={"preset": "release"}), capsys)
    assert "allows no waivers" in strict
    assert "--waive" not in strict


def test_a_good_dataset_is_told_where_it_can_go(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "quality.html").write_text("")
    good = [make_finding("schema", "rules", "pass")]
    fields = {"checks": good, "verdict": "pass", "waivers": [], "dataset": str(tmp_path), "name": "people@1"}
    text = print_in_pipe(make_report(**fields), capsys)
    assert text.startswith("people@1: pass")
    assert "Next: `workbench tune people@1` or `workbench export people@1`." in text
    assert str(tmp_path / "quality.html") in text


def test_a_reason_that_several_checks_share_is_told_once(capsys: pytest.CaptureFixture[str]) -> None:
    text = print_in_pipe(make_report(), capsys)
    assert text.count("there is no real data to compare with") == 1
    assert "– fairness.parity\n– fairness.shares\n    there is no real data" in text


def test_without_real_data_it_says_how_to_give_it(capsys: pytest.CaptureFixture[str]) -> None:
    print_report(make_report(real={}))
    assert "Without real data" in capsys.readouterr().err


def test_verbose_adds_the_figures_of_columns_and_their_sources(capsys: pytest.CaptureFixture[str]) -> None:
    brief, full = (print_in_pipe(make_report(), capsys, verbose=verbose) for verbose in (False, True))
    for told in ("column_013", "minimum detectable difference", "our default", "seed 7", "rows 3, 17, 20"):
        assert told not in brief
        assert told in full


def test_several_tables_each_have_a_heading(capsys: pytest.CaptureFixture[str]) -> None:
    checks = [make_finding("schema", "rules", "pass", table=table) for table in ("customers", "orders")]
    lines = print_in_pipe(make_report(checks=checks), capsys).splitlines()
    assert [line for line in lines if line.startswith("Table ")] == ["Table customers", "Table orders"]


@pytest.mark.parametrize("width", [60, 80, 200])
def test_no_line_is_wider_than_the_terminal(tmp_path: Path, width: int) -> None:
    long = make_finding(
        "fidelity.a_check_with_a_very_long_name_from_elsewhere", "fidelity", "warn", value=123456.0, reference=0.98765,
        interval=(0.1, 0.2), threshold=1.5, detail="w" * 300 + " 漢字" * 60, fix="do " * 80, columns=make_columns(3),
    )  # fmt: skip
    report = make_report()
    report["checks"].append(long)
    lines = ESCAPES.sub("", print_on_terminal(tmp_path / "report.json", report, width)).splitlines()
    widths = [sum(2 if "⺀" <= sign <= "鿿" else 1 for sign in line) for line in lines]
    assert max(widths) <= width
    row = next(line for line in lines if line.startswith("✓ fidelity.detection"))
    assert ("What of fidelity.detection?" in row) == (width == 200)


def test_colour_is_left_out_where_it_is_not_wanted(tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    coloured = print_on_terminal(file, make_report(), 80)
    plain = print_on_terminal(file, make_report(), 80, NO_COLOR="1")
    assert re.search(r"\x1b\[[0-9;]*3[0-7]m", coloured)
    assert not re.search(r"\x1b\[[0-9;]*3[0-7]m", plain)
    assert ESCAPES.sub("", coloured) == ESCAPES.sub("", plain)


def test_a_terminal_without_utf_8_gets_ascii(tmp_path: Path) -> None:
    report = make_report()
    report["checks"][0]["detail"] = "größer ≥ “x” 漢"
    text = print_on_terminal(tmp_path / "report.json", report, 80, "verbose", PYTHONIOENCODING="ascii")
    text = ESCAPES.sub("", text)
    assert text.isascii()
    assert "x rules" in text
    assert "+ schema" in text
    assert ">= 0.900" in text


def test_what_others_wrote_never_reaches_the_terminal_as_escapes(capsys: pytest.CaptureFixture[str]) -> None:
    bad = "\x1b[2Ja\u202eb\x07[bold]c[/bold]\n\nd"
    check = make_finding(
        bad, bad, "fail", question=bad, detail=bad, fix=bad, source=bad, table=bad, value=0.5,
        columns={bad: {bad: 0.5}}, figures={bad: 0.1},
    )  # fmt: skip
    real = {bad: {"origin": bad, "train_rows": 1, "holdout_rows": 1}}
    report = make_report(checks=[check], real=real, name=bad, waivers=[{"check": bad, "by": bad, "reason": bad}])
    text = print_in_pipe(report, capsys, verbose=True)
    assert not any(sign in text for sign in "\x1b\u202e\x07")
    assert "[bold]c[/bold]" in text


def test_the_words_of_a_report_can_be_had_without_anything_heavy() -> None:
    program = "import sys\nimport workbench.quality.report.words\nprint(*sys.modules)"
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT)
    roots = {name.partition(".")[0] for name in answer.stdout.split()}
    assert not roots & {"numpy", "pandas", "scipy", "sklearn", "pydantic", "jinja2", "rich", "yaml", "pyarrow"}
