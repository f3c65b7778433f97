"""The palette: every action of the table that does something, those of the pane in focus first."""

from __future__ import annotations

from screens.actions import ACTIONS, CONTEXTS, Action, Context, show_key
from screens.dialogs.pick import Item, PickDialog

_MOTION: tuple[Context, ...] = ("table", "log")


def list_commands(context: Context) -> list[Action]:
    """Actions in the order of the palette; moving about is left to the keys."""
    wanted = [action for action in ACTIONS if action.context not in _MOTION and action.id != "app.palette"]
    return sorted(wanted, key=lambda action: (action.context != context, action.context == "app"))


def make_palette(context: Context) -> PickDialog:
    """A dialog that returns the id of an action."""
    items = []
    for action in list_commands(context):
        keys = " ".join(show_key(key) for key in action.keys)
        items.append(Item(action.id, f"{keys:<9}{action.help}", CONTEXTS[action.context].lower()))
    return PickDialog("Palette", items, "No action is called that.")
