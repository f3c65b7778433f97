"""The monitor pane: one run as it happens. It reads the run's folder itself, and only while it is seen."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path
from typing import ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Static

from screens.actions import make_bindings
from screens.dialogs.form import Field, FormDialog, Values
from screens.dialogs.stop import ask_stop
from screens.format import count_noun
from screens.messages import FocusWanted, ResumeWanted, Said, StopWanted
from screens.monitor.feed import Reading, RunFeed
from screens.monitor.summary import choose_series, list_charts, show_metrics, show_summary
from screens.widgets.chart import LineChart
from screens.widgets.log_pane import LogPane
from workbench.files import clean_text
from workbench.runs.folder import RunState
from workbench.workspace import Workspace

READ_SECONDS = 0.25
EMPTY = "No run is open. 4 lists the runs, enter opens one; F5 in the spec starts one."
STACKED_COLUMNS = 100


class MonitorPane(Vertical):
    """Shows the run it was told to watch."""

    # Read with the class and not by the app: a pane that is not shown yet need not delay the first frame.
    DEFAULT_CSS = Path(__file__).with_name("monitor.tcss").read_text("utf-8")
    SCOPED_CSS = False
    BINDINGS: ClassVar[list[BindingType]] = make_bindings("monitor")

    def __init__(self, workspace: Workspace) -> None:
        super().__init__(id="monitor")
        self._workspace = workspace
        # Kept and not looked up: a message that comes while the app is being closed finds them, though unmounted.
        self._summary = Static(EMPTY, id="summary", markup=False)
        self._figures = Horizontal(id="figures", classes="framed")
        self._plot = LineChart("No figures yet.", id="chart")
        self._metrics = Static(id="metrics")
        self._log = LogPane("No log yet.", id="log", classes="framed")
        self._feed: RunFeed | None = None
        self._state: RunState | None = None
        self._left: float | None = None
        self._chart = "loss"
        self._reading = False
        self._is_seen = False
        self._is_finished = True  # there is nothing more to come

    def compose(self) -> ComposeResult:
        """Summary, chart beside or over metrics, log."""
        yield self._summary
        with self._figures:
            yield self._plot
            yield self._metrics
        yield self._log

    def on_mount(self) -> None:
        """Begin to read, as long as the pane is seen."""
        self._timer = self.set_interval(READ_SECONDS, self._read, pause=True)
        self._show_titles()

    def on_show(self) -> None:
        """Catch up."""
        self._is_seen, self._is_finished = True, False
        self._set_clock()
        self._read()

    def on_hide(self) -> None:
        """Read nothing while nobody looks."""
        self._is_seen = False
        self._set_clock()

    @property
    def run(self) -> str | None:
        """The id of the run that is watched."""
        return self._feed.run if self._feed is not None else None

    @property
    def is_reading(self) -> bool:
        """Whether the run's folder is being looked at, a few times a second."""
        return self._is_seen and not self._is_finished

    def watch_run(self, run: str) -> None:
        """Show this run from now on."""
        self._is_finished = False
        self._set_clock()
        if run == self.run:
            return
        if self._feed is not None:
            self._feed.close()
        self._feed, self._state, self._left, self._chart = RunFeed(self._workspace, run), None, None, "loss"
        self._log.clear("No log yet.")
        self._plot.show({}, "No figures yet.")
        self._metrics.update("")
        self._read()

    def action_follow(self) -> None:
        """Follow the log's end, or stop following."""
        log = self._log
        log.follow(not log.following)

    def action_find(self) -> None:
        """Ask for a text and go to its last place in the log."""
        log = self._log

        def find(values: Values | None) -> None:
            if values is not None and not log.find(values["text"]) and values["text"]:
                self.post_message(Said(f"“{values['text']}” is not in the log.", "warning"))

        self.app.push_screen(FormDialog("Find in the log", [Field("text", "Text", log.needle)]), find)

    def action_next_match(self) -> None:
        """Go to the next match."""
        self._log.step_match(1)

    def action_previous_match(self) -> None:
        """Go to the previous match."""
        self._log.step_match(-1)

    def action_metric(self) -> None:
        """Draw the next metric."""
        charts = list_charts(self._feed.series) if self._feed is not None else []
        if charts:
            self._chart = charts[(charts.index(self._chart) + 1) % len(charts)] if self._chart in charts else charts[0]
            self._show_figures()

    def action_stop(self) -> None:
        """Ask, then stop the run."""
        state = self._state
        if state is None or state.has_ended:
            self.post_message(Said("There is no active run here to stop.", "warning"))
        else:
            self.app.push_screen(ask_stop(state.id, state.title), partial(self._stop, state.id))

    def action_resume(self) -> None:
        """Resume the run."""
        if self.run is not None:
            self.post_message(ResumeWanted(self.run))

    def action_leave(self) -> None:
        """Back to the list."""
        self.post_message(FocusWanted("runs"))

    def _stop(self, run: str, answer: str | None) -> None:
        if answer == "stop":
            self.post_message(StopWanted(run))

    @on(LogPane.Changed)
    def _show_titles(self) -> None:
        log = self._log
        log.border_title = Text("Log")
        follow = "following" if log.following else "space follows"
        log.border_subtitle = Text(f"{follow} · {count_noun(len(log.lines), 'line')}" if log.lines else "")
        title = Text(clean_text(self._chart).replace("_", " ").capitalize())
        self._figures.border_title = title.append_text(self._plot.legend)

    def on_resize(self) -> None:
        """Metrics stand in a row or in a column."""
        self._show_figures()
        self._show_summary()

    def _read(self) -> None:
        if self._feed is not None and not self._reading:
            self._reading = True
            self.run_worker(self._read_feed(self._feed), group="read")

    async def _read_feed(self, feed: RunFeed) -> None:
        try:
            reading = await asyncio.to_thread(feed.read)
        finally:
            self._reading = False
        if feed is self._feed:
            self._show_reading(reading)

    def _show_reading(self, reading: Reading) -> None:
        if reading.state is None:
            self._is_finished = True
            self._set_clock()
            self._summary.update(Text(reading.missing))
            return
        if reading.lines:
            self._log.extend(reading.lines)
        if (reading.state, reading.left) != (self._state, self._left):
            self._state, self._left = reading.state, reading.left
            self._show_summary()
        if reading.points:
            self._show_figures()
        elif reading.state.has_ended and not reading.lines:
            self._is_finished = True  # `watch_run`, which a resumed run goes through, and `on_show` look again
            self._set_clock()

    def _set_clock(self) -> None:
        (self._timer.resume if self.is_reading else self._timer.pause)()

    def _show_summary(self) -> None:
        if self._state is not None:
            self._summary.update(show_summary(self._state, self._left, self.size.width))

    def _show_figures(self) -> None:
        if self._feed is None:
            return
        series = self._feed.series
        charts = list_charts(series)
        if charts and self._chart not in charts:
            self._chart = charts[0]
        drawn = choose_series(series, self._chart)
        self._plot.show(drawn)
        stacked = self.size.width >= STACKED_COLUMNS
        self._metrics.update(show_metrics(series, drawn, stacked))
        self.set_class(stacked, "-stacked")
        self._show_titles()
