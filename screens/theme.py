"""The colours of the app, as a Textual theme and as names for the text that panes put together themselves."""

from __future__ import annotations

from textual.theme import Theme

RED = "#f7768e"
YELLOW = "#e0af68"
GREEN = "#9ece6a"
CYAN = "#7dcfff"
BLUE = "#7aa2f7"
PURPLE = "#bb9af7"
GREY = "#7a859c"

WORKBENCH = Theme(
    name="workbench",
    primary=BLUE,
    secondary="#4b5570",
    accent=CYAN,
    warning=YELLOW,
    error=RED,
    success=GREEN,
    foreground="#d5dbe8",
    background="#12151c",
    surface="#171b24",
    panel="#222836",
    dark=True,
)
