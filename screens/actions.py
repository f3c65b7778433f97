"""The one table of what keys do. Bindings, footer, palette and help are all made from it, and a test keeps it honest.

A context is a pane, or a widget in it, that has the focus. Its actions are methods `action_<name>` of it; those of
the context `app` are the app's own and work wherever the focus is. Plain letters are never bound where text is typed.
Keys are those that every terminal, tmux and `TextArea` leave free: no ctrl+a, b, h, i, m, enter, and in the editor
none of ctrl+c d e f k u v w x y z.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from textual.binding import Binding, BindingType

Context = Literal["app", "spec", "preview", "method", "monitor", "runs", "table", "log"]

CONTEXTS: dict[Context, str] = {
    "app": "Everywhere",
    "spec": "Spec",
    "preview": "Preview",
    "method": "Method",
    "monitor": "Monitor",
    "runs": "Runs",
    "table": "In a table",
    "log": "In the log",
}


@dataclass(frozen=True, slots=True)
class Action:
    """`keys` are Textual's names. `short` is the hint in the footer; `footer` its place there, 0 for none."""

    context: Context
    name: str
    keys: tuple[str, ...]
    short: str
    help: str
    footer: int = 0

    @property
    def id(self) -> str:
        """Unique over the table; what a keymap will call it."""
        return f"{self.context}.{self.name}"

    @property
    def key(self) -> str:
        """The first key as a reader writes it."""
        return show_key(self.keys[0])


ACTIONS: tuple[Action, ...] = (
    Action("app", "show_spec", ("1",), "spec", "Go to the spec; in a text field press ^o first"),
    Action("app", "show_method", ("2",), "method", "Go to the methods of tuning and what they cost"),
    Action("app", "show_monitor", ("3",), "monitor", "Go to the run that is being watched"),
    Action("app", "show_runs", ("4",), "runs", "Go to the list of runs and their scores"),
    Action("app", "go", ("ctrl+o",), "go to", "Go to a pane by its digit, from a text field too", 92),
    Action("app", "next_pane", ("tab",), "next", "Next pane"),
    Action("app", "previous_pane", ("shift+tab",), "back", "Previous pane"),
    Action("app", "palette", ("ctrl+p",), "palette", "Find any action by its name", 93),
    Action("app", "help", ("f1", "question_mark"), "help", "What the keys do here (? works outside text fields)", 94),
    Action("app", "quit_app", ("ctrl+q",), "quit", "Leave the app; runs go on in the background", 95),
    Action("spec", "save", ("ctrl+s",), "save", "Write the spec to its file", 1),
    Action("spec", "generate", ("f5",), "generate", "Generate the dataset as a background run", 2),
    Action("spec", "next_problem", ("f8",), "next problem", "Go to the next problem", 3),
    Action("spec", "open", ("f3",), "open", "Open another spec of this workspace", 4),
    Action("spec", "new", ("f2",), "new", "Start a new spec"),
    Action("spec", "edit_outside", ("f4",), "$EDITOR", "Edit the spec in $EDITOR and come back"),
    Action("spec", "refresh", ("ctrl+r",), "preview", "Check and preview again now"),
    Action("spec", "ask_models", ("f9",), "ask models", "Ask the models for the rows of the preview; F9 again cancels"),
    Action("spec", "leave", ("escape",), "leave", "Leave the editor for the preview, where single letters are keys"),
    Action("preview", "generate", ("g",), "generate", "Generate the dataset as a background run", 1),
    Action("preview", "ask_models", ("a",), "ask models", "Ask the models for these rows; a again cancels", 2),
    Action("preview", "next_table", ("t",), "table", "Show the next table of the spec", 3),
    Action("preview", "more", ("m",), "more rows", "Preview ten times as many rows, and back", 4),
    Action("preview", "record", ("v", "enter"), "record", "Show one row as a record, or all rows as a table", 5),
    Action("preview", "release", ("f",), "free models", "Free the models: let go of the memory that they hold"),
    Action("preview", "leave", ("escape",), "editor", "Ask the models no more, or back to the editor"),
    Action("method", "start", ("enter",), "start…", "Start tuning with this method; shows everything first", 1),
    Action("method", "dataset", ("d",), "dataset", "Choose the dataset to tune on", 2),
    Action("method", "device", ("u",), "GPU", "Choose the GPU to estimate for", 3),
    Action("method", "settings", ("e",), "edit", "Edit model, GPU, batch size, length and settings in a form", 4),
    Action("method", "batch_up", ("plus", "equals_sign"), "batch", "Double the batch size", 5),
    Action("method", "batch_down", ("minus",), "batch", "Halve the batch size"),
    Action("method", "length_up", ("greater_than_sign",), "length", "Double the sequence length"),
    Action("method", "length_down", ("less_than_sign",), "length", "Halve the sequence length"),
    Action(
        "method", "checkpointing", ("c",), "checkpointing", "Switch activation checkpointing: less memory, more time"
    ),
    Action("method", "train_on", ("o",), "train on", "Switch between training on synthetic and on real rows"),
    Action("monitor", "follow", ("space",), "follow", "Follow the end of the log, or stop following", 1),
    Action("monitor", "find", ("slash",), "find", "Find text in the log", 2),
    Action("monitor", "metric", ("m",), "metric", "Draw the next metric", 5),
    Action("monitor", "next_match", ("n",), "next", "Next match"),
    Action("monitor", "previous_match", ("N",), "previous", "Previous match"),
    Action("monitor", "stop", ("x",), "stop…", "Stop the run after its next checkpoint; asks first", 3),
    Action("monitor", "resume", ("r",), "resume", "Resume the run from its last checkpoint", 4),
    Action("monitor", "leave", ("escape",), "runs", "Back to the list of runs"),
    Action("runs", "open", ("enter",), "open", "Watch this run in the monitor", 1),
    Action("runs", "stop", ("x",), "stop…", "Stop the run after its next checkpoint; asks first", 2),
    Action("runs", "resume", ("r",), "resume", "Resume the run from its last checkpoint", 3),
    Action("table", "move(-1)", ("up", "k"), "up", "Row up"),
    Action("table", "move(1)", ("down", "j"), "down", "Row down"),
    Action("table", "page(-1)", ("pageup", "ctrl+u"), "page up", "Page up"),
    Action("table", "page(1)", ("pagedown", "ctrl+d"), "page down", "Page down"),
    Action("table", "first", ("home",), "first", "First row"),
    Action("table", "last", ("end", "G"), "last", "Last row"),
    Action("table", "sideways(-8)", ("left", "h"), "left", "Scroll left"),
    Action("table", "sideways(8)", ("right", "l"), "right", "Scroll right"),
    Action("log", "move(-1)", ("up", "k"), "up", "Line up; stops following"),
    Action("log", "move(1)", ("down", "j"), "down", "Line down"),
    Action("log", "page(-1)", ("pageup", "ctrl+u"), "page up", "Page up"),
    Action("log", "page(1)", ("pagedown", "ctrl+d"), "page down", "Page down"),
    Action("log", "first", ("home", "g"), "top", "First line"),
    Action("log", "last", ("end", "G"), "end", "Last line, and follow"),
    Action("log", "sideways(-8)", ("left", "h"), "left", "Scroll left"),
    Action("log", "sideways(8)", ("right", "l"), "right", "Scroll right"),
)


def actions_of(context: Context) -> list[Action]:
    """The actions of one context, in the order of the table."""
    return [action for action in ACTIONS if action.context == context]


def make_bindings(context: Context) -> list[BindingType]:
    """The Textual bindings of one context. The app's come before what a focused widget makes of a key, but for single
    characters, which a text field must get.
    """
    return [
        Binding(key, action.name, action.help, show=False, id=action.id, priority=context == "app" and not _types(key))
        for action in actions_of(context)
        for key in action.keys
    ]


def footer_actions(context: Context, limit: int = 7) -> list[Action]:
    """The hints to show while `context` has the focus: its own, then those of the app that matter everywhere."""
    shown = [action for action in actions_of(context) if action.footer] if context != "app" else []
    general = [action for action in actions_of("app") if action.footer]
    shown.sort(key=lambda action: action.footer)
    return shown[: limit - len(general)] + general


def show_key(key: str) -> str:
    """`ctrl+s` as `^s`, `question_mark` as `?`."""
    signs = {
        "question_mark": "?", "slash": "/", "plus": "+", "minus": "-", "equals_sign": "=",
        "greater_than_sign": ">", "less_than_sign": "<", "escape": "esc",
    }  # fmt: skip
    if key.startswith("ctrl+"):
        return "^" + key.removeprefix("ctrl+")
    if key.startswith("f") and key[1:].isdigit():
        return key.upper()
    return signs.get(key, key)


def _types(key: str) -> bool:
    """Whether the key types a character into a text field."""
    return len(show_key(key)) == 1
