"""The page on synthesizers tells each type and each of its settings as the configs have them, and its spec is valid."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from pydantic.fields import FieldInfo

from tests.synthesizers.real_frames import make_mixed_frame
from workbench.generation.check import check_text
from workbench.spec.model import SynthesizerConfig
from workbench.synthesizers.registry import SYNTHESIZERS

PAGE = (Path(__file__).parents[2] / "docs" / "synthesizers.md").read_text()


def show_default(field: FieldInfo) -> str:
    """A default as the page writes it; empty where there is none to tell."""
    default: Any = None if field.is_required() or field.default_factory else field.default
    if isinstance(default, tuple):
        default = list(default)
    return "" if default is None else f"`{str(default).lower() if isinstance(default, bool) else default}`"


@pytest.mark.parametrize("name", SYNTHESIZERS.names())
def test_each_setting_stands_in_the_table_of_its_type(name: str) -> None:
    entry = SYNTHESIZERS.get(name)
    assert entry is not None
    section = PAGE.split(f"### `{name}`\n")[1].split("\n#")[0]

    assert entry.summary.rstrip(".") in section
    told = re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)
    assert told == [each for each in entry.config.model_fields if each not in SynthesizerConfig.model_fields]
    for setting in told:
        field = entry.config.model_fields[setting]
        assert f"| `{setting}` | {show_default(field)} | {field.description or ''} |" in section


def test_each_word_that_all_types_share_is_told() -> None:
    section = PAGE.split("## The words")[1].split("\n## ")[0]

    assert re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE) == list(SynthesizerConfig.model_fields)


def test_each_type_is_told_when_to_be_chosen() -> None:
    section = PAGE.split("## Which type when")[1].split("\n## ")[0]

    assert sorted(re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)) == sorted(SYNTHESIZERS.names())


def test_the_specs_of_the_page_are_valid(tmp_path: Path) -> None:
    frame = make_mixed_frame(200)
    loans = frame[["amount", "balance", "country", "is_fraud"]]
    (tmp_path / "data").mkdir()
    loans.columns = ["amount", "income", "region", "defaulted"]
    loans.to_csv(tmp_path / "data" / "loans.csv", index=False)
    frame[["country", "plan"]].assign(customer=range(200)).to_csv(tmp_path / "customers.csv", index=False)
    orders = frame[["amount", "day"]].assign(customer=[row % 90 for row in range(200)])
    orders.to_csv(tmp_path / "orders.csv", index=False)
    alone, joined = (each for each in find_blocks("yaml") if "sources:" in each)

    for text in (alone, f"name: shop\n{joined}"):
        checked = check_text(text, tmp_path)
        assert [problem for problem in checked.problems if problem.level == "error"] == []


def test_the_python_of_the_page_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    frame = make_mixed_frame(300)
    names: dict[str, Any] = {"frame": frame, "given": frame[["country", "is_fraud"]].head(20)}

    exec(find_blocks("python")[0], names)

    assert len(names["fraud"]) == 500
    assert names["fraud"]["is_fraud"].all()
    pd.testing.assert_frame_equal(names["again"][["country", "is_fraud"]], names["given"])


def find_blocks(language: str) -> list[str]:
    """The blocks of code of the page."""
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
