"""The pages on quality name every gate and every check, and no others."""

import re
from pathlib import Path

import pandas as pd

from workbench.quality.asking import ask
from workbench.quality.catalogue import CHECKS
from workbench.quality.evidence import Evidence
from workbench.spec.model import ColumnConfig, TableConfig
from workbench.spec.quality import QualityConfig

DOCS = Path(__file__).parents[2] / "docs"


def test_every_gate_stands_in_the_table_with_its_checks_and_its_words() -> None:
    page = (DOCS / "quality.md").read_text("utf-8")
    rows = dict(re.findall(r"^\| `(m(?:in|ax)_\w+)` \| (.*) \|$", page, re.MULTILINE))
    gates = {name for name in QualityConfig.model_fields if name.startswith(("min_", "max_"))}
    assert rows.keys() == gates
    for gate, words in rows.items():
        checks = [f"`{name}`" for name, check in CHECKS.items() if check.gate == gate]
        assert words == f"{', '.join(checks)} | {QualityConfig.model_fields[gate].description}"


def test_every_setting_of_quality_is_explained() -> None:
    page = (DOCS / "quality.md").read_text("utf-8")
    for name in QualityConfig.model_fields:
        assert f"{name}:" in page or f"`{name}`" in page, name


def test_every_check_is_explained() -> None:
    pages = "".join((DOCS / name).read_text("utf-8") for name in ("quality-checks.md", "provenance.md"))
    for name, check in CHECKS.items():
        assert name in pages or name.removesuffix("s") + "." in pages, f"{name}: {check.question}"


def test_the_check_that_the_page_shows_works() -> None:
    page = (DOCS / "quality-checks.md").read_text("utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    try:
        exec(code, {})
        check = CHECKS.get("acme.weekends")
        assert check is not None
        orders = pd.DataFrame({"ordered_on": pd.date_range("2026-01-03", periods=2)})
        table = TableConfig(rows=2, columns=[ColumnConfig(name="ordered_on", type="datetime")])
        (finding,) = ask(check, Evidence("orders", table, orders))
        assert (finding.verdict, finding.value, finding.group) == ("warn", 1.0, "rules")
        assert ask(check, Evidence("orders", table, orders.rename(columns={"ordered_on": "at"}))) == []
    finally:
        CHECKS._entries.pop("acme.weekends", None)
