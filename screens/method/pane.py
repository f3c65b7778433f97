"""The method pane: what each way of tuning would cost with this model, GPU, batch size and length, and starting one.

Estimates and checks come from the helper process, which imports what this process must not. Nothing is asked before
the pane is first seen.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical, VerticalScroll
from textual.timer import Timer
from textual.widgets import Static

from screens.actions import make_bindings
from screens.asking import Arguments, NewestOnly
from screens.dialogs.choice import Choice, ChoiceDialog
from screens.dialogs.form import FormDialog, Values
from screens.dialogs.pick import Item, PickDialog
from screens.messages import Said, TuneWanted
from screens.method.details import lay_out_estimates, list_columns, show_details, show_plan
from screens.method.setup import Setup, apply_fields, check_fields, list_fields
from screens.theme import YELLOW
from screens.widgets.table import RowTable
from workbench.engines.helper_client import Answer, HelperClient
from workbench.files import clean_text
from workbench.workspace import Workspace

EMPTY = "Estimating… the first time takes a few seconds."
NO_DATASET = "There is no dataset yet. 1 shows the spec; F5 there generates one."
SETTLE_SECONDS = 0.2


class MethodPane(Vertical):
    """Holds the setup; the table shows the helper's estimates for it."""

    # Read with the class and not by the app: a pane that is not shown yet need not delay the first frame.
    DEFAULT_CSS = Path(__file__).with_name("method.tcss").read_text("utf-8")
    SCOPED_CSS = False
    BINDINGS: ClassVar[list[BindingType]] = make_bindings("method")

    def __init__(self, workspace: Workspace, helper: HelperClient) -> None:
        super().__init__(id="method")
        # Kept and not looked up: a message that comes while the app is being closed finds them, though unmounted.
        self._table = RowTable(EMPTY, id="methods", classes="framed")
        self._details = VerticalScroll(id="method-details", classes="framed")
        self._text = Static(id="method-text")
        self._workspace = workspace
        self._helper = helper
        self._setup = Setup()
        self._estimating = NewestOnly(helper, "estimate", self._show_estimate)
        self._rows: list[Mapping[str, Any]] = []
        self._methods: dict[str, Mapping[str, Any]] = {}
        self._datasets: list[dict[str, Any]] = []
        self._devices: list[dict[str, Any]] = []
        self._memory = 0.0
        self._problem = ""
        self._settling: Timer | None = None
        self._asked = False  # for the present dataset
        self._picked = False  # the user chose the dataset; else it is the newest

    def compose(self) -> ComposeResult:
        """The methods over what is known of the one under the cursor."""
        yield self._table
        with self._details:
            yield self._text

    def on_mount(self) -> None:
        """Titles."""
        self._show_titles()

    def on_unmount(self) -> None:
        """Ask no more."""
        self._estimating.cancel()

    def on_show(self) -> None:
        """Ask for the first estimate, and take a dataset that came meanwhile."""
        self._prepare()

    def refresh_dataset(self) -> None:
        """There may be a newer dataset; a hidden pane looks when it is shown."""
        if self.region.area:
            self._prepare()

    @property
    def chosen(self) -> str:
        """Name of the method under the cursor, "" while there is none."""
        at = self._table.cursor
        return str(self._rows[at]["method"]) if at < len(self._rows) else ""

    @work(exclusive=True, group="start")
    async def action_start(self) -> None:
        """Check what can be checked, show everything, start."""
        setup, method = self._setup, self.chosen
        if not method or not setup.dataset:
            self.post_message(Said("The methods are still being read." if setup.dataset else NO_DATASET, "warning"))
            return
        arguments = {
            "dataset": setup.dataset,
            "model": setup.model,
            "method": method,
            "settings": self._list_settings(method),
            "train_on": setup.train_on,
        }
        answer = await self._helper.ask("tuning", {"workspace": str(self._workspace.root), **arguments})
        if answer.result is None:
            self._complain(answer)
        elif self.app.screen is self.screen:  # nothing else was opened meanwhile
            plan = show_plan(setup, method, answer.result["settings"], self._find_row(method))
            title = f"{method} · {setup.dataset_name.partition('@')[0]} · {setup.train_on}"
            question = ChoiceDialog(
                "Start this run?", plan, [Choice("y", "Start", "start"), Choice("n", "Not now", "no")]
            )
            self.app.push_screen(question, partial(self._start, arguments, title))

    def _start(self, arguments: dict[str, Any], title: str, answer: str | None) -> None:
        if answer == "start":
            self.post_message(TuneWanted(arguments, title))

    def action_dataset(self) -> None:
        """Choose the dataset."""
        items = [
            Item(each["folder"], each["reference"], f"{each['rows']:,} rows · {each['verdict']}")
            for each in self._datasets
        ]
        self.app.push_screen(PickDialog("Tune on", items, NO_DATASET), self._pick_dataset)

    def _pick_dataset(self, folder: str | None) -> None:
        for each in self._datasets:
            if each["folder"] == folder:
                self._picked = True
                self._change(replace(self._setup, dataset=each["folder"], dataset_name=each["reference"]))

    def action_device(self) -> None:
        """Choose the GPU."""
        items = [Item(each["name"], each["name"], each["note"]) for each in self._devices]
        self.app.push_screen(PickDialog("Estimate for", items), self._pick_device)

    def _pick_device(self, name: str | None) -> None:
        if name is not None:
            self._change(replace(self._setup, gpu=name))

    def action_settings(self) -> None:
        """Change everything in a form."""

        def apply(values: Values | None) -> None:
            if values is not None:
                self._change(apply_fields(self._setup, values))

        self.app.push_screen(FormDialog("Tuning run", list_fields(self._setup), check_fields), apply)

    def action_batch_up(self) -> None:
        """Double the batch size."""
        self._change(self._setup.scale_batch(2))

    def action_batch_down(self) -> None:
        """Halve the batch size."""
        self._change(self._setup.scale_batch(0.5))

    def action_length_up(self) -> None:
        """Double the length."""
        self._change(self._setup.scale_length(2))

    def action_length_down(self) -> None:
        """Halve the length."""
        self._change(self._setup.scale_length(0.5))

    def action_checkpointing(self) -> None:
        """Switch activation checkpointing."""
        self._change(replace(self._setup, checkpointing=not self._setup.checkpointing))

    def action_train_on(self) -> None:
        """Switch between synthetic and real rows."""
        other = "real" if self._setup.train_on == "synthetic" else "synthetic"
        self._change(replace(self._setup, train_on=other))

    def on_resize(self) -> None:
        """Bars follow the width."""
        self._show_rows()

    @on(RowTable.Moved, "#methods")
    def _show_chosen(self) -> None:
        row = self._find_row(self.chosen)
        text = Text()
        if row is not None:
            method = self._methods.get(self.chosen, {})
            text = show_details(row, method, self.size.width - 6)
        self._text.update(text)
        self._show_titles()

    @work(exclusive=True, group="prepare")
    async def _prepare(self) -> None:
        """Read the lists to choose from, take the newest dataset where none was picked, and estimate."""
        listed = await self._helper.ask("datasets", {"workspace": str(self._workspace.root)})
        if listed.result is not None:
            self._datasets = list(listed.result["datasets"])
        if not self._methods:
            answers = [await self._helper.ask("methods", {}), await self._helper.ask("devices", {})]
            if answers[0].result is None or answers[1].result is None:
                self._complain(answers[0] if answers[0].error else answers[1])
                return
            self._methods = {str(each["name"]): each for each in answers[0].result["methods"]}
            self._devices = list(answers[1].result["devices"])
            self._rows = [{"method": name} for name in self._methods]
            self._show_rows()
        newest = self._datasets[0] if self._datasets and not self._picked else None
        if newest is not None and newest["folder"] != self._setup.dataset:
            self._setup = replace(self._setup, dataset=newest["folder"], dataset_name=newest["reference"])
            self._asked = False
        if not self._asked:
            self._asked = True
            self._ask()

    def _list_settings(self, method: str) -> dict[str, Any]:
        own = self._methods.get(method, {}).get("defaults", {})
        others = {name for each in self._methods.values() for name in each.get("defaults", {})}
        return self._setup.run_settings(own, others)

    def _change(self, setup: Setup) -> None:
        """Take the new setup, and estimate once the figures rest."""
        self._setup = setup
        if self._settling is not None:
            self._settling.stop()
        self._settling = self.set_timer(SETTLE_SECONDS, self._ask)
        self._show_titles()

    def _ask(self) -> None:
        self._estimating.want(self._setup.estimate_arguments())
        self._show_titles()

    def _show_estimate(self, asked: Arguments, answer: Answer) -> None:
        if answer.result is None:
            self._complain(answer)
            self._problem = "no estimate: e edits it"
            self._rows = [{"method": name} for name in self._methods]
        else:
            self._problem = ""
            self._rows = list(answer.result.get("rows", []))
            self._memory = float(answer.result.get("device_bytes") or 0)
            if not self._setup.gpu:
                self._setup = replace(self._setup, gpu=str(answer.result.get("device", "")))
        self._show_rows()

    def _show_rows(self) -> None:
        if self._rows:
            width = self.size.width
            columns = list_columns(width, self._memory)
            self._table.show(columns, lay_out_estimates(self._rows, self._memory, width))
        self._show_chosen()

    def _find_row(self, method: str) -> Mapping[str, Any] | None:
        return next((row for row in self._rows if row["method"] == method), None)

    def _complain(self, answer: Answer) -> None:
        if answer.error is not None:
            self.post_message(Said(f"{answer.error.cause} {answer.error.solution}", "error"))

    def _show_titles(self) -> None:
        setup = self._setup
        table = self._table
        data = setup.dataset_name or "no dataset"
        table.border_title = Text(f"Methods · {clean_text(data)} · {setup.train_on} rows")
        figures = f"{clean_text(setup.model)} · {clean_text(setup.gpu or 'this machine')} · batch {setup.batch_size}"
        figures += f" · length {setup.length}" + (" · checkpointing" if setup.checkpointing else "")
        state = "estimating…" if self._estimating.is_busy else self._problem
        table.border_subtitle = Text(f"{state} · " if state else "", style=YELLOW).append(figures, style="not bold")
        self._details.border_title = Text(self.chosen or "Details")
