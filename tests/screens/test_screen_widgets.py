"""The table and the log by themselves: many rows and lines, hostile text, cursor, follow and find."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st
from rich.text import Text
from textual.app import App, ComposeResult

from screens.format import (
    count_noun,
    draw_bar,
    format_bytes,
    format_money_span,
    format_number,
    format_seconds,
    format_span,
    show_state,
)
from screens.method.setup import Setup, check_fields, read_settings, write_settings
from screens.monitor.feed import Pace, shorten_line
from screens.widgets.log_pane import KEPT_LINES, LogPane
from screens.widgets.table import Column, RowTable, as_text
from workbench.runs.folder import RunState


class WidgetApp(App[None]):
    """One table and one log."""

    def compose(self) -> ComposeResult:
        yield RowTable("nothing here")
        yield LogPane("no log")


def lines_of(widget: RowTable | LogPane) -> list[str]:
    return [widget.render_line(y).text.rstrip() for y in range(widget.size.height)]


async def test_a_table_shows_its_header_and_the_rows_around_the_cursor() -> None:
    app = WidgetApp()
    async with app.run_test(size=(40, 24)) as pilot:
        table = app.query_one(RowTable)
        assert lines_of(table)[0] == "nothing here"
        table.show([Column("n", "right"), Column("name")], [[str(n), f"row {n}"] for n in range(100_000)])
        table.focus()
        await pilot.pause()
        assert lines_of(table)[:2] == ["    n  name", "    0  row 0"]
        await pilot.press("end")
        assert table.cursor == 99_999
        assert lines_of(table)[0] == "    n  name"
        assert lines_of(table)[-1].endswith("row 99999")
        await pilot.press("home", "j", "j", "k", "pagedown")
        assert table.cursor == 1 + table.size.height - 2


async def test_the_cursor_stays_on_its_row_number_while_rows_change() -> None:
    app = WidgetApp()
    async with app.run_test(size=(40, 24)):
        table = app.query_one(RowTable)
        table.show([Column("a")], [["x"]] * 5)
        table.move_to(4)
        table.show([Column("a")], [["x"]] * 3)
        assert table.cursor == 2
        table.show([Column("a")], [])
        assert table.cursor == 0
        assert lines_of(table)[0] == "nothing here"


@given(st.text())
def test_a_cell_never_reaches_the_terminal_as_a_command(value: str) -> None:
    text = as_text(value + "\x1b[2J[bold]\u202e")
    assert "\x1b" not in text.plain
    assert "\u202e" not in text.plain
    assert "\n" not in text.plain
    assert text.plain.endswith("[bold]")
    assert text.spans == []


def test_a_cell_that_is_text_is_not_changed_by_drawing() -> None:
    cell = Text("long text")
    as_text(cell).truncate(3)
    assert cell.plain == "long text"


async def test_a_log_follows_until_the_reader_scrolls_up() -> None:
    app = WidgetApp()
    async with app.run_test(size=(60, 24)) as pilot:
        log = app.query_one(LogPane)
        log.focus()
        assert lines_of(log)[0] == "no log"
        log.extend(f"line {number}" for number in range(50))
        await pilot.pause()
        assert lines_of(log)[-1] == "line 49"
        await pilot.press("up")
        assert not log.following
        log.extend(["line 50"])
        await pilot.pause()
        assert lines_of(log)[-1] == "line 48"
        await pilot.press("G")
        assert log.following
        assert lines_of(log)[-1] == "line 50"
        await pilot.press("g", "pagedown", "pagedown", "pagedown", "pagedown", "pagedown")
        assert log.following


async def test_a_log_keeps_its_newest_lines_and_its_place() -> None:
    app = WidgetApp()
    async with app.run_test(size=(60, 24)) as pilot:
        log = app.query_one(LogPane)
        log.extend(f"line {number}" for number in range(KEPT_LINES))
        log.follow(False)
        log.step_match(1)
        log.scroll_to(y=50_000, animate=False, force=True)
        await pilot.pause()
        before = lines_of(log)[0]
        log.extend(["one more"])
        await pilot.pause()
        assert len(log.lines) <= KEPT_LINES
        assert log.lines[-1] == "one more"
        assert lines_of(log)[0] == before


async def test_a_log_finds_text_and_goes_around_the_end() -> None:
    app = WidgetApp()
    async with app.run_test(size=(60, 24)) as pilot:
        log = app.query_one(LogPane)
        log.extend(f"{'Needle' if number in (3, 40) else 'hay'} {number}" for number in range(60))
        await pilot.pause()
        assert log.find("needle")
        assert "Needle 40" in lines_of(log)
        assert log.step_match(1)
        assert "Needle 3" in lines_of(log)
        assert log.step_match(-1)
        assert "Needle 40" in lines_of(log)
        assert not log.find("absent")
        assert not log.following


async def test_hostile_lines_are_shown_as_plain_text() -> None:
    app = WidgetApp()
    async with app.run_test(size=(60, 24)) as pilot:
        log = app.query_one(LogPane)
        log.extend(["\x1b[31m[red]x[/red]\x07\u202e", "y" * 1_000_000, "\x1b]0;title\x07z"])
        await pilot.pause()
        assert lines_of(log)[0] == "[red]x[/red]"
        assert len(log.lines[1]) == 2_000
        assert lines_of(log)[2] == "z"


def test_a_line_of_the_log_loses_its_date_and_nothing_else() -> None:
    assert shorten_line("2026-11-22 20:57:28 INFO    pass: 3 rules") == "20:57:28 pass: 3 rules"
    assert shorten_line("2026-11-22 20:57:28 WARNING cut") == "20:57:28 WARNING cut"
    assert shorten_line("Traceback (most recent call last):") == "Traceback (most recent call last):"


def test_the_time_left_follows_the_pace_of_the_stage() -> None:
    state = RunState("r", "tune", "", "running", 0.0, attempt=1, stage="train", step=10, steps=110)
    later = RunState("r", "tune", "", "running", 0.0, attempt=1, stage="train", step=20, steps=110)
    pace = Pace()
    assert pace.estimate_left(state, 100.0) is None
    assert pace.estimate_left(later, 110.0) == 90
    assert pace.estimate_left(RunState("r", "tune", "", "done", 0.0, steps=110), 120.0) is None


def test_figures_are_short() -> None:
    assert [format_number(value) for value in (0.6125, 2.414, 13_100, 0, 1e-5, 812)] == [
        "0.613", "2.41", "13.1k", "0", "1.0e-05", "812"
    ]  # fmt: skip
    assert [format_bytes(value) for value in (999, 1500, 15.2e9, 152e9, 2e12)] == [
        "999 B", "1.5 kB", "15.2 GB", "152 GB", "2,000 GB"
    ]  # fmt: skip
    assert [format_seconds(value) for value in (None, 0.04, 8, 250, 11_100, 200_000)] == [
        "–", "40 ms", "8 s", "4 m 10 s", "3 h 05 m", "2 d 7 h"
    ]  # fmt: skip
    assert [format_span(value) for value in (None, [0.012, 0.025], [3, 6], [90, 180], [10_000, 20_000])] == [
        "–", "12–25 ms", "3–6 s", "1.5–3 m", "2.8–5.6 h"
    ]  # fmt: skip
    assert [format_money_span(value) for value in (None, [0, 0.001], [0.1, 0.4], [12, 40])] == [
        "–", "<$0.01", "$0.10–0.40", "$12–40"
    ]  # fmt: skip
    assert (count_noun(1, "run"), count_noun(1200, "run")) == ("1 run", "1,200 runs")


@given(st.floats(allow_nan=False), st.integers(0, 60))
def test_a_bar_has_its_width(share: float, width: int) -> None:
    assert len(draw_bar(share, width)) == width


@given(st.floats())
def test_any_number_has_a_short_form(value: float) -> None:
    assert 0 < len(format_number(value)) <= 9 or math.isinf(value)


def test_states_have_a_shape_of_their_own() -> None:
    states = ("queued", "running", "done", "failed", "stopped", "lost")
    assert len({show_state(state).plain[0] for state in states}) == len(states)
    assert show_state("running", 0.64).plain == "● 64%"


def test_settings_are_read_as_they_are_written() -> None:
    settings = {"rank": "16", "epochs": "3"}
    assert read_settings(write_settings(settings)) == settings
    form = {"model": "m", "gpu": "", "batch_size": "8", "length": "128", "settings": "rank"}
    assert "no setting" in check_fields(form)
    assert check_fields(form | {"settings": "", "batch_size": "0"})
    assert check_fields(form | {"settings": "", "model": ""})
    assert check_fields(form | {"settings": ""}) == ""


def test_a_run_gets_the_settings_its_method_has_and_those_nobody_has() -> None:
    setup = Setup(settings={"rank": "8", "epochs": "2", "typo": "1"})
    assert set(setup.run_settings({"epochs"}, {"epochs", "rank"})) == {
        "batch_size", "max_length", "checkpointing", "epochs", "typo"
    }  # fmt: skip


def test_batch_and_length_stay_within_what_can_be() -> None:
    setup = Setup(batch_size=1, length=8)
    assert setup.scale_batch(0.5).batch_size == 1
    assert setup.scale_length(0.5).length == 8
    assert setup.scale_batch(2).batch_size == 2
