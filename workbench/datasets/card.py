"""The dataset card: a README.md that a reader, and the Hugging Face hub, understands.

The hub reads the front matter: licence, tags, size and the files of each table. A licence is not invented: it is
`other` until the owner of the spec states one.
"""

from __future__ import annotations

import json
from typing import Any

from workbench.datasets.manifest import DATA, Manifest, TableRecord
from workbench.files import clean_text

_SIZES = [
    (1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"), (10_000_000, "1M<n<10M"),
    (100_000_000, "10M<n<100M"), (1_000_000_000, "100M<n<1B"),
]  # fmt: skip


def write_card(manifest: Manifest) -> str:
    """The Markdown of the card. It depends on the manifest alone, without its times, so equal data has equal cards."""
    parts = [_front_matter(manifest), f"# {manifest.name}\n"]
    if manifest.description:
        parts.append(_escape(manifest.description) + "\n")
    parts.append(
        "**All rows are synthetic.** They were made from a specification by Synthetic Workbench; no row describes a "
        "real person or event.\n"
    )
    for name, table in manifest.tables.items():
        parts.append(_describe_table(name, table))
    if manifest.sources:
        parts.append(
            "## Real data\n\nThe specification compares with these sources; no row of them is in this dataset.\n"
        )
        for name, source in manifest.sources.items():
            parts.append(f"- `{name}`: {_escape(source.origin)}, licence: {_escape(source.licence)}\n")
    made = f"seed {manifest.seed}, fingerprint `{manifest.fingerprint}`"
    parts.append(
        f"## Made again\n\nThe specification is the text `spec` in `manifest.json`; with {made}, it gives the same "
        "rows on any machine with the versions named there.\n"
    )
    return "\n".join(parts)


def _front_matter(manifest: Manifest) -> str:
    rows = sum(table.rows for table in manifest.tables.values())
    size = next((name for limit, name in _SIZES if rows < limit), "1B<n<10B")
    lines = ["license: other", "license_name: unknown", f"pretty_name: {json.dumps(manifest.name)}"]
    lines += ["tags:", "- synthetic", "size_categories:", f"- {size}", "configs:"]
    for name in manifest.tables:
        lines += [f"- config_name: {name}", "  data_files:", "  - split: train", f"    path: {DATA}/{name}-*.parquet"]
    return "---\n" + "\n".join(lines) + "\n---\n"


def _describe_table(name: str, table: TableRecord) -> str:
    lines = [f"## Table `{name}`: {table.rows:,} rows\n", "| column | type | made by |", "|---|---|---|"]
    for column in table.columns:
        lines.append(f"| `{column.name}` | {column.type} | {_escape(_describe_recipe(column.recipe))} |")
    if table.scenarios:
        lines += ["\n| scenario | share asked | rows asked | rows |", "|---|---|---|---|"]
        lines += [f"| {s.name} | {s.share:g} | {s.asked:,} | {s.achieved:,} |" for s in table.scenarios]
    if table.rejected:
        lines += ["\nRows left out because a constraint could not be kept:\n"]
        lines += [f"- {_escape(reason)}: {count:,}" for reason, count in table.rejected.items()]
    return "\n".join(lines) + "\n"


def _describe_recipe(recipe: dict[str, Any]) -> str:
    details = ", ".join(f"{key} {_shorten(value)}" for key, value in recipe.items() if key != "type")
    return f"{recipe.get('type', '')}: {details}" if details else str(recipe.get("type", ""))


def _shorten(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 80 else text[:79] + "…"


def _escape(text: str) -> str:
    """Text of the spec inside Markdown: one line, and nothing of it read as table, link, HTML or front matter."""
    line = " ".join(clean_text(text, keep_newlines=True).split())
    for character in "\\`*_[]<>|#":
        line = line.replace(character, "\\" + character)
    return line
