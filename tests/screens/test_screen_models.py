"""The preview pane and models: what waits is marked, texts grow in their cells, and everything can be stopped."""

from __future__ import annotations

from pathlib import Path
from typing import Any

ENDPOINT = """\
name: tickets
rows: 40
models: {{writer: {{provider: openai, model: m, base_url: "{url}", timeout: 2}}}}
columns:
  - {{name: ticket, type: id, pattern: "T{{n:03d}}"}}
  - {{name: reply, type: llm_text, model: writer, prompt: "Answer {{{{ ticket }}}}"}}
"""


def write(slow: Any, **settings: Any) -> Path:
    path: Path = slow.folder / "slow.yaml"
    path.write_text(slow.write_spec(**settings))
    return path


async def test_what_waits_for_a_model_is_marked_and_its_price_is_told(open_app: Any, slow: Any) -> None:
    async with open_app((120, 30), write(slow, words=2)) as app:
        await app.sees("T010", "…", "a asks models · all: 40 calls, $0.40")
        assert "w0" not in app.screen
        assert slow.journal == []


async def test_texts_grow_in_their_cells_and_stay(open_app: Any, slow: Any) -> None:
    async with open_app((120, 30), write(slow, words=6, seconds=0.05)) as app:
        await app.sees("a asks models")
        await app.press("escape", "a")
        await app.sees("writer for reply", "esc cancels")
        await app.sees("w0 w1")
        assert "w5 T001" not in app.screen or "w5 T010" not in app.screen
        await app.sees("1 call ", "tokens · $0.0")
        await app.sees("w5 T001", "w5 T010")
        await app.sees("first 10 rows", "all: 30 calls, $0.30")
        assert "esc cancels" not in app.screen
        assert slow.journal.count("done") == 10
        await app.press("a")
        await app.sees("No column of the preview waits")


async def test_escape_cancels_and_what_was_whole_is_kept(open_app: Any, slow: Any) -> None:
    async with open_app((120, 30), write(slow, words=10, seconds=0.03)) as app:
        await app.sees("a asks models")
        await app.press("escape", "a")
        await app.until(lambda: slow.journal.count("done") >= 2)
        await app.press("escape")
        await app.until(lambda: "stop" in slow.journal)
        await app.sees("w9 T001", "w9 T002", "…", "a asks models")
        assert app.app.context == "preview"
        assert slow.journal.count("done") < 10


async def test_f9_asks_from_the_editor_and_an_edit_cancels(open_app: Any, slow: Any) -> None:
    async with open_app((120, 30), write(slow, words=3000, seconds=0.02)) as app:
        await app.sees("a asks models")
        await app.press("f9")
        await app.sees("w0 w1")
        await app.type("#\n")
        await app.until(lambda: "stop" in slow.journal)
        await app.sees("T001", "a asks models")


async def test_a_record_shows_the_whole_text_that_grows(open_app: Any, slow: Any) -> None:
    async with open_app((120, 30), write(slow, words=60, seconds=0.01)) as app:
        await app.sees("a asks models")
        await app.press("escape", "v", "a")
        await app.sees("row 1 of 10", "w0 w1 w2", "w25", "w40")


async def test_models_are_freed_by_a_key(open_app: Any, slow: Any) -> None:
    async with open_app((120, 30), write(slow, words=1)) as app:
        await app.sees("a asks models")
        await app.press("escape", "a")
        await app.sees("w0 T010", "first 10 rows")
        await app.press("f")
        await app.sees("Freed 1 model.")
        assert slow.journal[-1] == "release"


async def test_leaving_the_app_ends_the_asking(open_app: Any, slow: Any) -> None:
    async with open_app((120, 30), write(slow, words=3000, seconds=0.02)) as app:
        await app.sees("a asks models")
        await app.press("escape", "a")
        await app.sees("w0 w1")
        await app.press("ctrl+q")
        await app.until(lambda: not app.app.is_running)
    assert "done" not in slow.journal


async def test_a_model_that_cannot_be_used_is_explained_and_can_be_asked_again(
    open_app: Any, slow: Any, endpoint: str
) -> None:
    path = slow.folder / "remote.yaml"
    path.write_text(ENDPOINT.format(url=endpoint.replace("/v1", "/nothing")))
    async with open_app((120, 30), path) as app:
        await app.sees("a asks models")
        await app.press("escape", "a")
        await app.sees("The model “writer” cannot be used")
        await app.sees("T001", "a asks models")
        await app.press("a")
        await app.sees("writer for reply")
