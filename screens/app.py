"""The app: four panes over one workspace. Panes announce, this file decides who hears of it.

Nothing heavy is imported here or below: specs are checked and previewed, and costs estimated, by the helper process;
runs are executed by the detached worker, and this process may end at any time without their noticing.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from textual import on, work
from textual.app import ComposeResult

from screens import messages
from screens.asking import Arguments, NewestOnly
from screens.format import count_noun
from screens.leaving import ask_quit, catch_signals
from screens.navigation import Navigation
from screens.places import state_folder
from screens.preview.asking import ModelAsking, RowChecking
from screens.preview.pane import PreviewPane
from screens.spec.files import list_specs, read_spec
from screens.spec.pane import SpecPane
from screens.spec.problems import count_findings, read_findings
from screens.theme import WORKBENCH
from workbench.engines.helper_client import Answer, HelperClient
from workbench.errors import WorkbenchError
from workbench.workspace import Workspace

if TYPE_CHECKING:
    from screens.background import Background

POLL_SECONDS = 1.0


class WorkbenchApp(Navigation):
    """Four panes, one helper process, any number of runs."""

    CSS_PATH: ClassVar = ["app.tcss", "spec/spec.tcss", "preview/preview.tcss"]

    def __init__(self, workspace: Workspace, spec_path: Path | None = None, start: str = "spec") -> None:
        """Raises UsageError where the spec cannot be read."""
        path = spec_path or next(iter(list_specs(workspace)), None)
        self._spec = SpecPane(workspace, path, read_spec(path) if path is not None else "")
        self._preview = PreviewPane()
        super().__init__([self._spec, self._preview])
        self.animation_level = "none"
        self.register_theme(WORKBENCH)
        self.theme = os.environ.get("TEXTUAL_THEME") or WORKBENCH.name
        self.wanted_context = start
        self._workspace = workspace
        self._helper = HelperClient(log=state_folder() / "helper.log")
        self._previewing = NewestOnly(self._helper, "preview", self._show_preview)
        self._checking = RowChecking(self._helper, self._preview)
        self._asking = ModelAsking(self._helper, self._preview, self._show_asked)
        self._background: Background | None = None
        self._polling = False
        self._pinned = False  # the user chose the run in the monitor; else it goes on to the next one

    def compose(self) -> ComposeResult:
        """The panes seen first; the others are mounted once these are drawn."""
        yield self.tab_line
        yield self.workbench
        yield self.said_line
        yield self.hint_line

    def on_mount(self) -> None:
        """Draw first, then start everything else."""
        self.start_navigation()
        self._spec.editor.focus()
        self.call_after_refresh(self._finish_start)

    async def on_unmount(self) -> None:
        """End the helper."""
        for asked in (self._previewing, self._checking, self._asking):
            asked.cancel()
        await self._helper.close()

    @property
    def active_runs(self) -> list[str]:
        """Ids of the runs that are queued or running."""
        return [state.id for state in self._background.active] if self._background is not None else []

    # --- what panes announce ---------------------------------------------------------------------------------------

    @on(messages.TextSettled)
    @on(messages.PreviewWanted)
    def refresh_preview(self) -> None:
        """Check and preview the spec as it stands."""
        self._asking.cancel_unless_about(self._spec.text)
        if self._spec.text.strip():
            self._previewing.want(self._make_question())

    @on(messages.ModelsWanted)
    def ask_models(self) -> None:
        """Ask the models for the rows of the preview; no more where they are being asked."""
        if self._asking.is_busy:
            self.stop_asking()
        elif self._spec.has_errors or not self._spec.text.strip():
            self.say("The spec has errors; F8 goes to the next one.", "error")
        elif not self._preview.waiting:
            self.say("No column of the preview waits for a model.")
        else:
            self._asking.start(self._make_question())

    @on(messages.ModelsStopped)
    def stop_asking(self) -> None:
        """Ask the models no more, and show what is stored."""
        self._asking.cancel()
        self.refresh_preview()

    @on(messages.ModelsReleased)
    @work
    async def release_models(self) -> None:
        """Free the models."""
        if self._asking.is_busy:
            self.stop_asking()
        answer = await self._helper.ask("release", {})
        if answer.result is not None:
            self.say(f"Freed {count_noun(answer.result['released'], 'model')}.")
        elif answer.error is not None:
            self.say(f"{answer.error.cause} {answer.error.solution}", "error")

    @on(messages.GenerateWanted)
    def generate(self) -> None:
        """Generate the spec as it stands, in the background."""
        text = self._spec.text
        if not text.strip():
            self.say("There is no spec to generate. F2 starts from an example.", "warning")
        elif self._spec.has_errors:
            self.say("The spec has errors; F8 goes to the next one.", "error")
        elif self._background is not None:
            title = self._spec.label.removesuffix(".yaml").removesuffix(".yml")
            generation = self._background.generate(text, self._spec.folder, title)
            self.run_worker(self._start_run(generation, "Generating and checking"))

    @on(messages.TuneWanted)
    def tune(self, message: messages.TuneWanted) -> None:
        """Tune in the background and watch it."""
        if self._background is not None:
            tuning = self._background.tune(message.arguments, message.title)
            self.run_worker(self._start_run(tuning, "Tuning", go=True))

    @on(messages.RunChosen)
    def watch_run(self, message: messages.RunChosen) -> None:
        """Show a run in the monitor."""
        self._pinned = True
        self._monitor.watch_run(message.run)
        self.focus_context("monitor")

    @on(messages.StopWanted)
    @work
    async def stop_run(self, message: messages.StopWanted) -> None:
        """Stop a run."""
        if self._background is not None:
            await self._try(self._background.stop(message.run), f"{message.run} stops after its next checkpoint.")

    @on(messages.ResumeWanted)
    @work
    async def resume_run(self, message: messages.ResumeWanted) -> None:
        """Resume a run and watch it."""
        if self._background is not None:
            resumed = await self._try(self._background.resume(message.run), f"{message.run} is resumed.")
            if resumed is not None:
                self._pinned = True
                self._monitor.watch_run(message.run)

    def action_quit_app(self) -> None:
        """Leave; ask first where text is unsaved."""
        if not self._spec.is_dirty:
            self.exit(0)
            return
        self._spec.keep_draft()
        question = ask_quit(self._spec.label, self._spec.path is not None, len(self.active_runs))
        self.push_screen(question, self._quit)

    def _quit(self, answer: str | None) -> None:
        if answer == "draft" or (answer == "save" and self._spec.save()):
            self.exit(0)

    # --- previews and runs -----------------------------------------------------------------------------------------

    @work
    async def _finish_start(self) -> None:
        """What the first frame need not wait for."""
        if not self.is_headless:
            catch_signals(self, self._spec.keep_draft)
        await self._helper.start()
        if self._is_closing():
            return
        from screens.background import Background
        from screens.method.pane import MethodPane
        from screens.monitor.pane import MonitorPane
        from screens.runs.pane import RunsPane

        self._background = Background(self._workspace)
        self._method = MethodPane(self._workspace, self._helper)
        self._monitor = MonitorPane(self._workspace)
        self._runs = RunsPane(self._workspace)
        await self.workbench.add_right([self._method, self._monitor, self._runs])
        await self._poll_runs()
        if self._is_closing():
            return
        self.set_interval(POLL_SECONDS, self._poll_if_due)
        if self.wanted_context not in ("", "spec"):
            self.focus_context(self.wanted_context)

    def _show_preview(self, asked: Arguments, answer: Answer) -> None:
        if self._is_closing():
            return
        if answer.result is None:
            reason = f"{answer.error.cause} {answer.error.solution}" if answer.error is not None else ""
            self._preview.mark_stale(reason)
            self.say(reason, "error")
            return
        if asked["text"] != self._spec.text:
            return  # it is typed on, and the newer text is asked next
        problems = answer.result.get("problems", [])
        self._spec.show_problems(problems)
        if answer.result.get("tables"):
            self._preview.show_rows(answer.result)
            self._checking.want(asked)
        else:
            self._preview.mark_stale(f"the spec has {count_findings(read_findings(problems))}")

    def _show_asked(self, asked: Arguments, answer: Answer) -> None:
        """Show what the models have made; where they failed, or other rows are wanted by now, what is stored."""
        findings = read_findings(answer.result.get("problems", [])) if answer.result is not None else []
        failure = next((finding for finding in findings if finding.is_error), None)
        if failure is None and asked["rows"] == self._preview.rows:
            self._show_preview(asked, answer)
            return
        if failure is not None:
            self.say(f"{failure.message} {failure.hint}", "error")
        self.refresh_preview()

    def _make_question(self) -> Arguments:
        folder, workspace = str(self._spec.folder), str(self._workspace.root)
        return {"text": self._spec.text, "folder": folder, "rows": self._preview.rows, "workspace": workspace}

    async def _start_run(self, submission: Coroutine[Any, Any, str], doing: str, go: bool = False) -> None:
        run = await self._try(submission, f"{doing} in the background; 3 watches it, 4 lists all runs.")
        if run is not None:
            self._pinned = False
            self._monitor.watch_run(run)
            if go:
                self.focus_context("monitor")

    async def _try(self, request: Coroutine[Any, Any, Any], done: str) -> Any:
        """What a request to the background gives, None where it was refused; the user is told either way."""
        try:
            result = await request
        except WorkbenchError as error:
            self.say(f"{error.cause} {error.solution}", "error")
            return None
        self.say(done)
        await self._poll_runs()
        return result

    def _is_closing(self) -> bool:
        """Whether the app has been left: what was awaited comes too late, and the widgets are gone."""
        return not self.is_running

    def _poll_if_due(self) -> None:
        if self._background is not None and self._background.is_due(self.workbench.is_shown("runs")):
            self.run_worker(self._poll_runs(), group="poll", exclusive=False)

    async def _poll_runs(self) -> None:
        if self._background is None or self._polling:
            return
        self._polling = True
        try:
            states = await self._background.poll()
        finally:
            self._polling = False
        if self._is_closing():
            return
        self.tab_line.set_runs(self._background.active)
        self._runs.show_runs(states)
        if self._background.found_new_data():
            self._method.refresh_dataset()
        chosen = self._background.choose_to_watch()
        if chosen is not None and not self._pinned:
            self._monitor.watch_run(chosen)


def run_app(workspace: Workspace, spec_path: Path | None = None, start: str = "spec") -> int:
    """Open the app and return its exit code. Raises UsageError where the spec cannot be read."""
    app = WorkbenchApp(workspace, spec_path, start)
    app.run()
    active = len(app.active_runs)
    if active and not app.return_code:
        verb = "run goes" if active == 1 else "runs go"
        sys.stderr.write(f"{active} {verb} on in the background; `workbench runs` lists them.\n")
    return app.return_code or 0
