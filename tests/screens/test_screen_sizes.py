"""Every pane at every size: complete at 80x24, usable at 60x15, a clear message below, together when wide."""

from __future__ import annotations

from typing import Any

import pytest

SIZES = ((60, 15), (80, 24), (120, 30), (200, 50))


@pytest.mark.parametrize("size", SIZES)
async def test_every_tab_is_reached_by_its_digit_and_shows_its_parts(open_app: Any, size: tuple[int, int]) -> None:
    async with open_app(size) as app:
        await app.sees("tickets.yaml", "Preview", "T001")
        for digit, words in (
            ("2", ("[2 Method]", "Methods", "batch 16")),
            ("3", ("[3 Monitor]", "No run is open", "Loss", "No log yet")),
            ("4", ("[4 Runs]", "No runs yet", "F5", "Held-out scores")),
            ("1", ("[1 Spec]", "tickets.yaml")),
        ):
            await app.press("ctrl+o", digit)
            await app.sees(*words)
            assert "F1 help  ^q quit" in app.screen.splitlines()[-1]


async def test_a_wide_workbench_shows_four_panes_together(open_app: Any) -> None:
    async with open_app((200, 50)) as app:
        await app.sees("tickets.yaml", "Preview · tickets", "Methods", "No run is open", "Log")
        visited = [app.app.context]
        while len(visited) < 12 and visited.count("spec") < 2:
            await app.press("tab")
            visited.append(app.app.context)
        assert list(dict.fromkeys(visited)) == ["spec", "preview", "method", "monitor"]
        assert visited[-1] == "spec"


async def test_tab_goes_through_the_panes_of_a_narrow_tab(open_app: Any) -> None:
    async with open_app((80, 24)) as app:
        await app.press("tab")
        assert app.app.context == "preview"
        await app.press("shift+tab")
        assert app.app.context == "spec"


@pytest.mark.parametrize("size", [(40, 10), (59, 24), (80, 14), (20, 5), (3, 1)])
async def test_a_terminal_that_is_too_small_says_so_and_goes_on_when_it_grows(
    open_app: Any, size: tuple[int, int]
) -> None:
    async with open_app((80, 24)) as app:
        await app.pilot.resize_terminal(*size)
        if size[0] >= 40:
            await app.sees(f"too small ({size[0]}x{size[1]})", "needs 60x15")
        before = app.find("#spec TextArea").text
        await app.type("lost")
        assert app.find("#spec TextArea").text == before
        await app.pilot.resize_terminal(80, 24)
        await app.sees("tickets.yaml", "Preview")
        await app.type("# ")
        assert app.find("#spec TextArea").text == "# " + before


async def test_the_app_starts_too_small_and_goes_on(open_app: Any) -> None:
    async with open_app((40, 10)) as app:
        await app.sees("Terminal too small (40x10)", "needs 60x15")
        await app.pilot.resize_terminal(60, 15)
        await app.sees("tickets.yaml")
        await app.pilot.resize_terminal(40, 10)
        await app.sees("too small")
        await app.press("ctrl+q")
        await app.until(lambda: app.app.return_code == 0)


async def test_a_resize_storm_leaves_the_app_whole(open_app: Any) -> None:
    async with open_app((80, 24)) as app:
        for width, height in ((400, 120), (20, 5), (200, 50), (60, 15), (160, 15), (100, 40), (80, 24)) * 3:
            await app.pilot.resize_terminal(width, height)
        await app.sees("tickets.yaml", "T001", "Preview")


async def test_help_and_palette_fit_and_work_at_60x15(open_app: Any) -> None:
    async with open_app((60, 15)) as app:
        await app.press("f1")
        await app.sees("Keys", "Write the spec to its file", "background run")
        for _ in range(8):
            await app.press("pagedown")
        await app.sees("Leave the app")
        await app.press("escape")
        await app.until(lambda: "esc closes" not in app.screen)
        await app.press("ctrl+p")
        await app.sees("Palette")
        await app.type("list of runs\n")
        await app.sees("[4 Runs]")
        await app.press("question_mark")
        await app.sees("Keys", "Watch this run")


async def test_a_palette_action_of_another_pane_goes_there(open_app: Any) -> None:
    async with open_app() as app:
        await app.press("ctrl+p")
        await app.sees("Palette")
        await app.type("find text in the log\n")
        await app.sees("Find in the log")
        await app.press("escape")
        assert app.app.context == "monitor"


async def test_letters_typed_in_the_editor_are_text_and_keys_elsewhere(open_app: Any) -> None:
    async with open_app() as app:
        await app.type("4?gx")
        assert app.find("#spec TextArea").text.startswith("4?gx")
        await app.press("escape", "4")
        await app.sees("[4 Runs]")
