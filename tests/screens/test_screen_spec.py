"""The spec and its preview in the real app: typing, problems, saving, drafts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from textual.widgets import TextArea

from screens.spec.drafts import drop_draft, find_draft_file, read_draft, write_draft
from screens.spec.editor import choose_language, find_indent
from screens.spec.files import read_spec
from screens.spec.problems import count_findings, find_next, read_findings
from workbench.errors import UsageError
from workbench.workspace import Workspace


async def test_the_preview_shows_the_first_rows_beside_or_below_the_spec(open_app: Any) -> None:
    for size in ((80, 24), (120, 30), (200, 50)):
        async with open_app(size) as app:
            await app.sees("T001", "T002", "ticket_id", "first 10 rows")


async def test_typing_refreshes_the_preview(open_app: Any) -> None:
    async with open_app() as app:
        await app.sees("T001")
        editor = app.find("#spec TextArea")
        assert isinstance(editor, TextArea)
        editor.move_cursor((4, editor.document.get_line(4).index('"T{') + 1))
        await app.type("Z")
        await app.sees("ZT001")


async def test_an_error_has_its_place_a_hint_and_leaves_the_rows_there_stale(open_app: Any) -> None:
    async with open_app() as app:
        await app.sees("T001")
        editor = app.find("#spec TextArea")
        assert isinstance(editor, TextArea)
        editor.move_cursor((2, 3))
        await app.press("x")
        await app.sees("3:1", "Unknown key", "Did you mean", "1 error", "stale", "T001")
        editor.move_cursor((0, 0))
        await app.press("f8")
        assert editor.cursor_location[0] == 2
        await app.press("ctrl+z")
        await app.until(lambda: "stale" not in app.screen and "1 error" not in app.screen)


async def test_saving_writes_the_file_and_takes_the_mark_away(open_app: Any, workspace: Workspace) -> None:
    async with open_app() as app:
        await app.type("# new\n")
        await app.sees("tickets.yaml ●")
        await app.press("ctrl+s")
        await app.until(lambda: "tickets.yaml ●" not in app.screen)
        assert (workspace.specs / "tickets.yaml").read_text().startswith("# new\n")


async def test_saving_asks_before_it_overwrites_what_another_wrote(open_app: Any, workspace: Workspace) -> None:
    file = workspace.specs / "tickets.yaml"
    async with open_app() as app:
        await app.type("# mine\n")
        file.write_text("name: theirs\n")
        await app.press("ctrl+s")
        await app.sees("The file has changed")
        await app.press("escape")
        assert file.read_text() == "name: theirs\n"
        await app.press("ctrl+s")
        await app.sees("The file has changed")
        await app.press("o")
        await app.until(lambda: file.read_text().startswith("# mine"))


async def test_a_new_spec_asks_for_its_name_when_it_is_saved(open_app: Any, workspace: Workspace) -> None:
    async with open_app() as app:
        await app.press("f2")
        await app.sees("new spec ●")
        await app.press("ctrl+s")
        await app.sees("Save the spec as")
        await app.type("a/b\n")
        await app.sees("cannot be the name")
        assert not (workspace.specs / "a").exists()
        await app.press("ctrl+u")
        await app.type("fresh\n")
        await app.until(lambda: (workspace.specs / "fresh.yaml").exists())
        await app.sees("fresh.yaml")


async def test_opening_another_spec_keeps_unsaved_text_as_a_draft(open_app: Any, workspace: Workspace) -> None:
    (workspace.specs / "other.yaml").write_text("name: other\nrows: 1\ncolumns: [{name: n, type: id}]\n")
    async with open_app() as app:
        await app.type("# kept\n")
        await app.press("f3")
        await app.sees("Open a spec")
        await app.type("oth\n")
        await app.sees("other.yaml", "kept as a draft")
        assert str(read_draft(workspace.specs / "tickets.yaml")).startswith("# kept")
        await app.press("f3")
        await app.sees("Open a spec")
        await app.type("tick\n")
        await app.sees("# kept", "tickets.yaml ●")


async def test_a_draft_is_written_after_typing_and_is_back_at_the_start(open_app: Any, workspace: Workspace) -> None:
    spec = workspace.specs / "tickets.yaml"
    async with open_app() as app:
        await app.type("# unsaved\n")
        await app.until(lambda: (read_draft(spec) or "").startswith("# unsaved"))
    async with open_app() as app:
        await app.sees("# unsaved", "are back")
        await app.press("ctrl+z")
        await app.until(lambda: "# unsaved" not in app.screen)


async def test_quitting_asks_while_text_is_unsaved_and_says_runs_go_on(open_app: Any, workspace: Workspace) -> None:
    async with open_app() as app:
        await app.type("# unsaved\n")
        await app.press("ctrl+q")
        await app.sees("Quit?", "Runs go on")
        await app.press("escape")
        await app.until(lambda: "Quit?" not in app.screen)
        await app.press("ctrl+q")
        await app.sees("Quit?")
        await app.press("s")
        await app.until(lambda: app.app.return_code == 0)
    assert (workspace.specs / "tickets.yaml").read_text().startswith("# unsaved\n")
    assert read_draft(workspace.specs / "tickets.yaml") is None


async def test_the_rows_can_be_browsed_as_records(open_app: Any) -> None:
    async with open_app() as app:
        await app.sees("T001")
        await app.press("escape", "j", "v")
        await app.sees("row 2 of 10", "ticket_id")
        await app.press("right")
        await app.sees("row 3 of 10", "T003")
        await app.press("escape", "m")
        await app.sees("first 40 rows")


async def test_an_empty_spec_says_which_key_comes_next(open_app: Any, workspace: Workspace) -> None:
    async with open_app(spec=workspace.specs / "empty.yaml") as app:
        await app.sees("No spec yet", "F2", "F3")


async def test_hostile_rows_are_shown_as_plain_text(open_app: Any, workspace: Workspace) -> None:
    spec = workspace.specs / "hostile.yaml"
    spec.write_text(
        "name: hostile\nrows: 3\ncolumns:\n"
        '  - {name: text, type: category, values: ["[red]bold[/red] \\e[31mred\\e[0m \\u202eright to left"]}\n'
    )
    async with open_app(spec=spec) as app:
        await app.until(lambda: app.find("#preview RowTable").row_count == 3)
        await app.sees("[red]bold[/red] red right to left")
        assert "\x1b" not in app.screen
        assert "\u202e" not in app.screen


async def test_a_spec_of_ten_thousand_lines_opens_without_highlighting(open_app: Any, workspace: Workspace) -> None:
    spec = workspace.specs / "long.yaml"
    spec.write_text("name: long\nrows: 2\ncolumns:\n  - {name: n, type: id}\n" + "# line\n" * 10_000)
    async with open_app(spec=spec) as app:
        await app.until(lambda: app.find("#preview RowTable").row_count == 2)
        assert app.find("#spec TextArea").language is None


def test_unreadable_specs_are_refused_in_words(tmp_path: Path) -> None:
    binary = tmp_path / "binary.yaml"
    binary.write_bytes(b"\xff\xfe\x00")
    for path in (binary, tmp_path):
        with pytest.raises(UsageError) as caught:
            read_spec(path)
        assert caught.value.solution
    assert read_spec(tmp_path / "missing.yaml") == ""


def test_a_damaged_draft_is_no_draft(tmp_path: Path) -> None:
    assert write_draft(tmp_path, "text")
    assert read_draft(tmp_path) == "text"
    find_draft_file(tmp_path).write_text("{")
    assert read_draft(tmp_path) is None
    drop_draft(tmp_path)
    drop_draft(tmp_path)
    assert not find_draft_file(tmp_path).exists()


@pytest.mark.parametrize(
    ("before", "indent"),
    [
        ("rows: 5", 0),
        ("  rows: 5", 2),
        ("columns:", 2),
        ("  - name: x", 4),
        ("  - {name: x}", 2),
        ("  text: |", 4),
        ("", 0),
    ],
)
def test_a_new_line_is_indented_as_its_place_asks(before: str, indent: int) -> None:
    assert find_indent(before) == " " * indent


def test_long_texts_are_not_highlighted() -> None:
    assert choose_language("a: 1\n" * 3_000) is None
    assert choose_language("a: 1\n") in ("yaml", None)


def test_findings_are_counted_and_walked_around() -> None:
    findings = read_findings(
        [
            {"line": 9, "column": 2, "message": "b", "hint": "", "level": "warning"},
            {"line": 3, "column": 1, "message": "a", "hint": "h", "level": "error"},
        ]
    )
    assert [finding.line for finding in findings] == [3, 9]
    assert count_findings(findings) == "1 error, 1 warning"
    assert find_next(findings, 3, 1) == findings[1]
    assert find_next(findings, 9, 2) == findings[0]
    assert find_next([], 1, 1) is None
