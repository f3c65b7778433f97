"""The spec pane: the editor, what is wrong with its text, the file behind it and the draft beside that.

It tells the app what the text is once typing rests, and shows the problems the app gives back. It knows nothing of
previews and runs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.timer import Timer
from textual.widgets import Static, TextArea

from screens.actions import make_bindings
from screens.dialogs.form import Field, FormDialog, Values
from screens.dialogs.pick import Item, PickDialog
from screens.messages import FocusWanted, GenerateWanted, ModelsWanted, Said, TextSettled
from screens.spec.drafts import drop_draft, read_draft, write_draft
from screens.spec.editor import Mark, YamlEditor
from screens.spec.files import ask_overwrite, changed_on_disk, list_specs, read_spec
from screens.spec.outside import edit_outside
from screens.spec.problems import Finding, count_findings, find_next, read_findings, show_findings
from workbench.errors import WorkbenchError
from workbench.files import check_name, write_atomic
from workbench.workspace import Workspace

SETTLE_SECONDS = 0.15
DRAFT_SECONDS = 1.0
EMPTY = "No spec yet. F2 starts from an example, F3 opens one of this workspace."


class SpecPane(Vertical):
    """Edits one spec at a time. `path` is None until the first save."""

    BINDINGS: ClassVar[list[BindingType]] = make_bindings("spec")

    def __init__(self, workspace: Workspace, path: Path | None, text: str) -> None:
        super().__init__(id="spec")
        self.editor = YamlEditor(placeholder=EMPTY)
        self._panel = Static(id="problems")
        self.path = path
        self._workspace = workspace
        self._saved = text
        self._findings: list[Finding] = []
        self._settling: Timer | None = None
        self._drafting: Timer | None = None

    def compose(self) -> ComposeResult:
        """The editor over its problems."""
        yield self.editor
        yield self._panel

    def on_mount(self) -> None:
        """Show the text, or the draft of last time."""
        self._load(self.path, self._saved)

    @property
    def text(self) -> str:
        """The text as it stands."""
        return self.editor.text

    @property
    def folder(self) -> Path:
        """Where relative paths of the spec start."""
        return self.path.absolute().parent if self.path is not None else self._workspace.specs

    @property
    def label(self) -> str:
        """How the title calls the spec."""
        return self.path.name if self.path is not None else "new spec"

    @property
    def is_dirty(self) -> bool:
        """Whether the text differs from the file."""
        return self.text != self._saved

    @property
    def has_errors(self) -> bool:
        """Whether the problems found last keep the spec from being used."""
        return any(finding.is_error for finding in self._findings)

    def keep_draft(self) -> None:
        """Write or remove the draft now, in this thread: the process may be about to end."""
        if self._drafting is not None:
            self._drafting.stop()
        if self.is_dirty:
            write_draft(self._owner, self.text)
        else:
            drop_draft(self._owner)

    def show_problems(self, problems: Sequence[Mapping[str, Any]]) -> None:
        """Mark these problems in the text and write them below it."""
        self._findings = read_findings(problems)
        self.editor.mark([Mark(finding.line, finding.column, finding.level) for finding in self._findings])
        self._show_findings()
        self._show_title()

    def save(self) -> bool:
        """Write the text to its file; whether that was possible. Needs a path."""
        if self.path is None:
            return False
        text = self.text
        try:
            write_atomic(self.path, text)
        except WorkbenchError as error:
            self.post_message(Said(f"{error.cause} {error.solution}", "error"))
            return False
        self._saved = text
        self.keep_draft()
        self._show_title()
        self.post_message(Said(f"Saved {self.path}."))
        return True

    def action_save(self) -> None:
        """Write the file; ask for a name where there is none, and before another's change is overwritten."""
        if self.path is None:
            form = FormDialog("Save the spec as", [Field("name", "Name", "", ".yaml in specs/")], self._check_new_name)
            self.app.push_screen(form, self._save_as)
        elif changed_on_disk(self.path, self._saved):
            self.app.push_screen(ask_overwrite(self.path), self._save_changed)
        else:
            self.save()

    def _save_as(self, values: Values | None) -> None:
        if values is not None:
            drop_draft(self._owner)
            self.path = self._workspace.specs / f"{values['name'].removesuffix('.yaml')}.yaml"
            self.save()

    def _save_changed(self, answer: str | None) -> None:
        if answer == "overwrite":
            self.save()
        elif answer == "load":
            self._replace_text(self._take_from_disk())

    def action_open(self) -> None:
        """Choose a spec of the workspace, or type a path."""
        specs = list_specs(self._workspace)
        items = [Item(str(path), path.stem, str(path.parent)) for path in specs]
        empty = "No such spec here. Enter takes what is typed as the path of a YAML file."

        def open_chosen(chosen: str | None) -> None:
            if chosen:
                self.open(Path(chosen).expanduser())

        self.app.push_screen(PickDialog("Open a spec", items, empty, free=True), open_chosen)

    def open(self, path: Path) -> None:
        """Show another spec; unsaved text of this one stays as its draft."""
        try:
            text = read_spec(path)
        except WorkbenchError as error:
            self.post_message(Said(f"{error.cause} {error.solution}", "error"))
            return
        if self.is_dirty:
            self.post_message(Said(f"Unsaved edits of {self.label} are kept as a draft."))
        self.keep_draft()
        self._load(path, text)

    def action_new(self) -> None:
        """Start from the example spec; unsaved text stays as a draft."""
        from workbench.cli.new import STARTER

        self.keep_draft()
        self._load(None, "", restore=False)
        self._replace_text(STARTER)

    def action_edit_outside(self) -> None:
        """Edit in $EDITOR."""
        try:
            changed = edit_outside(self.app, self.text)
        except WorkbenchError as error:
            self.post_message(Said(f"{error.cause} {error.solution}", "error"))
            return
        if changed != self.text:
            self._replace_text(changed)

    def action_generate(self) -> None:
        """Ask the app to generate."""
        self.post_message(GenerateWanted())

    def action_next_problem(self) -> None:
        """Put the cursor on the next problem."""
        row, column = self.editor.cursor_location
        finding = find_next(self._findings, row + 1, column + 1)
        if finding is None:
            self.post_message(Said("The spec has no problems."))
            return
        self.editor.move_cursor((max(0, finding.line - 1), max(0, finding.column - 1)), center=True)
        self.editor.focus()

    def action_refresh(self) -> None:
        """Check and preview now."""
        self._settle()

    def action_ask_models(self) -> None:
        """Ask the models for the rows of the preview, or no more."""
        self.post_message(ModelsWanted())

    def action_leave(self) -> None:
        """Leave the editor."""
        self.post_message(FocusWanted("preview"))

    @on(TextArea.Changed)
    def note_edit(self) -> None:
        """Start both clocks anew."""
        for timer in (self._settling, self._drafting):
            if timer is not None:
                timer.stop()
        self._settling = self.set_timer(SETTLE_SECONDS, self._settle)
        self._drafting = self.set_timer(DRAFT_SECONDS, self.keep_draft)
        self._show_title()

    @on(TextArea.SelectionChanged)
    def note_move(self) -> None:
        """The title says where the cursor is; the problem there comes first."""
        self._show_title()
        if self._findings:
            self._show_findings()

    @property
    def _owner(self) -> Path:
        return self.path if self.path is not None else self._workspace.root

    def _settle(self) -> None:
        if self.text.strip():
            self.post_message(TextSettled(self.text, self.folder))
        else:
            self.show_problems([])

    def _load(self, path: Path | None, text: str, restore: bool = True) -> None:
        self.path, self._saved = path, text
        self.editor.open_text(text)
        self.show_problems([])
        draft = read_draft(self._owner) if restore else None
        if draft is not None and draft != text:
            self._replace_text(draft)
            self.post_message(Said(f"Unsaved edits of {self.label} are back; ^z undoes them.", "warning"))
        self._show_title()
        self._settle()

    def _replace_text(self, text: str) -> None:
        """Replace the whole text so that it can be undone."""
        self.editor.replace(text, (0, 0), self.editor.document.end, maintain_selection_offset=False)
        self.editor.move_cursor((0, 0))

    def _take_from_disk(self) -> str:
        """The file's text, which from here on counts as saved; this text where it cannot be read."""
        try:
            self._saved = read_spec(self.path) if self.path is not None else self.text
        except WorkbenchError:
            return self.text
        return self._saved

    def _check_new_name(self, values: Mapping[str, str]) -> str:
        name = values["name"].removesuffix(".yaml")
        try:
            check_name(name, "spec")
        except WorkbenchError as error:
            return f"{error.cause} {error.solution}"
        return f"specs/{name}.yaml exists already." if (self._workspace.specs / f"{name}.yaml").exists() else ""

    def _show_findings(self) -> None:
        self._panel.display = bool(self._findings)
        self._panel.update(show_findings(self._findings, self.editor.cursor_location[0] + 1))

    def _show_title(self) -> None:
        row, column = self.editor.cursor_location
        found = count_findings(self._findings)
        self.border_title = Text(f"{self.label}{' ●' if self.is_dirty else ''}")
        self.border_subtitle = Text(f"{found + '  ' if found else ''}{row + 1}:{column + 1}")
