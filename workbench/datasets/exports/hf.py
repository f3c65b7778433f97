"""A folder for the Hugging Face hub: `hf upload NAME .` publishes it, and `datasets.load_dataset(folder)` reads it."""

from __future__ import annotations

from workbench.datasets.card import write_card
from workbench.datasets.exports.target import EXPORTS, ExportRequest, ExportTarget
from workbench.datasets.layouts import list_layouts


def write(request: ExportRequest) -> dict[str, str]:
    """The card, with a config for each table, and `training` for the examples if a layout was asked for."""
    files = {table: dict(splits) for table, splits in request.tables.items()}
    if request.files:
        name = "training" if "training" not in files else "training_examples"
        files[name] = dict(request.files)
    return {"README.md": write_card(request.manifest, files), "manifest.json": request.manifest.as_text()}


EXPORTS.add(
    "hf",
    ExportTarget(
        "hf",
        "a folder for the Hugging Face hub",
        list_layouts,
        write,
        formats=("parquet", "jsonl", "csv", "arrow"),
        tables=True,
    ),
)
