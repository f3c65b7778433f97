"""The table of actions: what is bound, shown and explained comes from it, whole and without conflict."""

from __future__ import annotations

import ast
from collections import Counter
from pathlib import Path

import pytest
from textual.widget import Widget
from textual.widgets import TextArea

import screens.app
from screens.actions import ACTIONS, CONTEXTS, Context, actions_of, footer_actions, make_bindings
from screens.app import WorkbenchApp
from screens.dialogs.help import write_help
from screens.method.pane import MethodPane
from screens.monitor.pane import MonitorPane
from screens.palette import list_commands
from screens.preview.pane import PreviewPane
from screens.runs.pane import RunsPane
from screens.spec.pane import SpecPane
from screens.widgets.log_pane import LogPane
from screens.widgets.table import RowTable

SCREENS = Path(screens.app.__file__).parent
OWNERS: dict[Context, type] = {
    "app": WorkbenchApp,
    "spec": SpecPane,
    "preview": PreviewPane,
    "method": MethodPane,
    "monitor": MonitorPane,
    "runs": RunsPane,
    "table": RowTable,
    "log": LogPane,
}
# Keys that reach these widgets pass through the widget with the focus first, then its pane, then the app.
CHAINS: list[tuple[Context, ...]] = [
    ("spec", "app"),
    ("table", "preview", "app"),
    ("table", "method", "app"),
    ("log", "monitor", "app"),
    ("table", "runs", "app"),
]
# These never arrive, or arrive as another key, in some terminal or multiplexer.
UNSAFE = {"ctrl+b", "ctrl+a", "ctrl+h", "ctrl+i", "ctrl+m", "ctrl+j", "ctrl+enter", "ctrl+z", "ctrl+c"}


@pytest.mark.parametrize("chain", CHAINS)
def test_no_key_does_two_things_where_it_is_pressed(chain: tuple[Context, ...]) -> None:
    keys = Counter(key for context in chain for action in actions_of(context) for key in action.keys)
    assert [key for key, count in keys.items() if count > 1] == []


@pytest.mark.parametrize("context", list(CONTEXTS))
def test_every_action_can_be_done(context: Context) -> None:
    for action in actions_of(context):
        assert hasattr(OWNERS[context], f"action_{action.name.partition('(')[0]}"), action.id


@pytest.mark.parametrize("context", list(CONTEXTS))
def test_every_owner_binds_what_the_table_says(context: Context) -> None:
    assert make_bindings(context) == OWNERS[context].BINDINGS


def test_ids_are_unique() -> None:
    ids = [action.id for action in ACTIONS]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("context", list(CONTEXTS))
def test_help_explains_every_action_and_every_key(context: Context) -> None:
    text = " ".join(write_help([context], 70).plain.split())
    for action in actions_of(context):
        assert action.help in text


def test_the_palette_has_every_action_but_motion_and_itself() -> None:
    listed = {action.id for action in list_commands("spec")}
    missing = {action.id for action in ACTIONS} - listed
    assert {id_.partition(".")[0] for id_ in missing} == {"table", "log", "app"}
    assert {id_ for id_ in missing if id_.startswith("app.")} == {"app.palette"}


@pytest.mark.parametrize("context", list(CONTEXTS))
def test_the_footer_has_at_most_seven_hints_and_fits_80_columns(context: Context) -> None:
    hints = footer_actions(context)
    assert len(hints) <= 7
    assert sum(len(f"{action.key} {action.short}  ") for action in hints) < 80


def test_keys_are_safe_in_every_terminal() -> None:
    assert not {key for action in ACTIONS for key in action.keys} & UNSAFE


def test_no_key_of_the_editor_is_taken_from_it() -> None:
    taken = {key for context in ("spec", "app") for action in actions_of(context) for key in action.keys}
    own = {key for binding in TextArea.BINDINGS for key in binding.key.split(",")}  # type: ignore[union-attr]
    assert not taken & own
    typed = [key for action in actions_of("spec") for key in action.keys if len(key) == 1]
    assert typed == []


def test_panes_do_not_know_one_another() -> None:
    rooms = ("spec", "preview", "method", "monitor", "runs")
    for room in rooms:
        for path in (SCREENS / room).glob("*.py"):
            imported = {
                node.module or "" for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.ImportFrom)
            }
            for other in set(rooms) - {room}:
                assert not any(module.startswith(f"screens.{other}") for module in imported), (path, other)


def test_files_of_the_screens_are_short() -> None:
    for path in SCREENS.rglob("*.py"):
        assert len(path.read_text().splitlines()) <= 300, path


def test_owners_are_widgets_or_the_app() -> None:
    assert all(issubclass(owner, Widget | WorkbenchApp) for owner in OWNERS.values())
