"""The dataset card: a README.md that a reader, and the Hugging Face hub, understands.

The hub reads the front matter: licence, tags, size and the files of each table. A licence is not invented: it is
`other` until the owner of the spec states one.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from typing import Any

from workbench.datasets.embedding import LOADABLE, find_media
from workbench.datasets.exporting import name_table_file
from workbench.datasets.manifest import (
    DATA,
    EXPORTS,
    SPLITS,
    Manifest,
    ModelRecord,
    QualityRecord,
    SourceRecord,
    SynthesizerRecord,
    TableRecord,
)
from workbench.files import clean_text

_SIZES = [
    (1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"), (10_000_000, "1M<n<10M"),
    (100_000_000, "10M<n<100M"), (1_000_000_000, "100M<n<1B"),
]  # fmt: skip


_VERDICTS = ("fail", "warn", "not assessed", "pass")

Files = Mapping[str, Mapping[str, str]]
"""For each config the pattern of each split's files."""


def write_card(manifest: Manifest, files: Files | None = None) -> str:
    """The Markdown of the card. It depends on the manifest alone, without when it was made: equal data, equal cards.

    `files` names other files than the dataset's own, for a copy of it.
    """
    parts = [_front_matter(manifest, files or list_card_files(manifest)), f"# {manifest.name}\n"]
    if manifest.description:
        parts.append(_escape(manifest.description) + "\n")
    parts.append(
        "**All rows are synthetic.** They were made from a specification by Synthetic Workbench; no row describes a "
        "real person or event.\n"
    )
    for name, table in manifest.tables.items():
        parts.append(_describe_table(name, table))
    if manifest.splits:
        parts.append(_describe_splits(manifest))
    if manifest.sources:
        parts.append("## Real data\n\nThe specification names these sources:\n")
        parts += [_describe_source(name, source) for name, source in manifest.sources.items()]
    if manifest.synthesizers:
        parts.append("## Learned from real data\n\nColumns were made by models fitted to these sources:\n")
        parts += [_describe_synthesizer(name, fit) for name, fit in manifest.synthesizers.items()]
    if manifest.models:
        parts.append("## Models\n\nColumns were written by these models:\n")
        parts += [_describe_model(name, model) for name, model in manifest.models.items()]
    if manifest.generation:
        parts.append(
            f"Generation {manifest.generation}: texts were written by models tuned on synthetic rows of generation "
            f"{manifest.generation - 1}"
            + (
                ", and by nothing else: rare cases fade from one generation to the next.\n"
                if manifest.own_output
                else ".\n"
            )
        )
    if manifest.failed:
        parts.append("Rows without an answer, each named in `failures.jsonl`:\n")
        parts += [f"- {_escape(place)}: {count:,}\n" for place, count in manifest.failed.items()]
    if manifest.quality is not None:
        parts.append(_describe_quality(manifest, manifest.quality))
    if manifest.waivers:
        parts.append("## Waived\n\nThe dataset was used in spite of these checks:\n")
        parts += [f"- {_escape(waiver.describe())}\n" for waiver in manifest.waivers]
    parts.append(
        "## Use and limits\n\nMade for developing, testing and tuning where real rows are scarce, rare or "
        "confidential. The rows hold what the specification says and nothing else: relations that it does not state "
        "are absent, and shares, rates and ranges are asked for, not observed. Measure on real data before relying on "
        "a result; do not take these rows for evidence about the world, or for decisions about persons. Being "
        "synthetic is no proof of anonymity where real data was a source.\n"
    )
    made = f"seed {manifest.seed}, fingerprint `{manifest.fingerprint}`"
    parts.append(
        f"## Made again\n\nThe specification is the text `spec` in `manifest.json`; with {made}, it gives the same "
        "rows on any machine with the versions named there.\n"
    )
    return "\n".join(parts)


def list_card_files(manifest: Manifest) -> dict[str, dict[str, str]]:
    """For each table the pattern of each split's files; all rows are “train” where there are no splits.

    A table with pictures or sound is read from the copy that holds them.
    """
    files = {}
    for name, table in manifest.tables.items():
        splits = manifest.splits.get(name)
        if find_media(table):
            copies = {split: name_table_file(manifest, name, split, "parquet") for split in splits or ("train",)}
            files[name] = {split: f"{EXPORTS}/{LOADABLE}/{copy}" for split, copy in copies.items()}
        elif splits is not None:
            files[name] = {split: f"{SPLITS}/{split}/{name}-*.parquet" for split in splits}
        else:
            files[name] = {"train": f"{DATA}/{name}-*.parquet"}
    return files


def _front_matter(manifest: Manifest, files: Files) -> str:
    rows = sum(table.rows for table in manifest.tables.values())
    size = next((name for limit, name in _SIZES if rows < limit), "1B<n<10B")
    lines = ["license: other", "license_name: unknown", f"pretty_name: {json.dumps(manifest.name)}"]
    lines += ["annotations_creators:", "- machine-generated", "language_creators:", "- machine-generated"]
    lines += ["tags:", "- synthetic", "- synthetic-workbench", "size_categories:", f"- {size}", "configs:"]
    for position, (name, splits) in enumerate(files.items()):
        lines += [f"- config_name: {name}", *(["  default: true"] if position == 0 else []), "  data_files:"]
        for split, pattern in splits.items():
            lines += [f"  - split: {split}", f"    path: {pattern}"]
    return "---\n" + "\n".join(lines) + "\n---\n"


def _describe_splits(manifest: Manifest) -> str:
    names = list(dict.fromkeys(split for splits in manifest.splits.values() for split in splits))
    lines = ["## Splits\n", f"| table | {' | '.join(names)} |", "|---|" + "---|" * len(names)]
    for table, splits in manifest.splits.items():
        lines.append(f"| {table} | " + " | ".join(f"{splits.get(name, 0):,}" for name in names) + " |")
    lines.append("\nRows of one parent, and rows of equal content, are in one split.")
    return "\n".join(lines) + "\n"


def _describe_source(name: str, source: SourceRecord) -> str:
    rows = "" if source.rows is None else f", {source.rows:,} rows"
    return f"- `{name}`: {_escape(source.origin)}{rows}, licence: {_escape(source.licence)}\n"


def _describe_synthesizer(table: str, fit: SynthesizerRecord) -> str:
    learned = f"{fit.rows:,} rows of `{fit.source}`"
    lines = [f"- Table `{table}`: {_escape(fit.type)} fitted to {learned}, model SHA-256 `{fit.sha256}`"]
    if fit.epsilon is None:
        lines.append("  - Privacy: no differential privacy; the model may tell of the rows it learned from")
    else:
        lines.append(
            f"  - Privacy: differentially private for each row of the source, epsilon {fit.epsilon:.3g} at delta "
            f"{fit.delta:g}, counted by {_escape(fit.accounting)}"
        )
    if fit.fidelity:
        scores = _escape(fit.describe_scores())
        lines.append(f"  - Fidelity to {fit.validation_rows:,} real rows kept apart: {scores}")
    for name, level in fit.find_rarest(5):
        lines.append(
            f"  - Rarest value of `{name}`: {_escape(_shorten(level['value']))}, real share {level['real']:.3%}, "
            f"made {level['made']:.3%}"
        )
    lines += [f"  - {_escape(note)}" for note in fit.notes]
    return "\n".join(lines) + "\n"


def _describe_model(name: str, model: ModelRecord) -> str:
    lines = [
        f"- `{name}`: {_escape(model.model)} by {_escape(model.provider)}, revision {_escape(model.revision)}, "
        f"licence: {_escape(model.licence)}"
    ]
    if model.calls + model.reused:
        cost = "cost not known" if model.cost_usd is None else f"${model.cost_usd:.4f} (price: {_escape(model.price)})"
        answers = model.calls + model.reused
        lines.append(f"{answers:,} answers, {model.input_tokens:,} tokens in, {model.output_tokens:,} out, {cost}")
    return "; ".join(lines) + "\n"


def _describe_quality(manifest: Manifest, quality: QualityRecord) -> str:
    """The verdict, which is that of the worst check, and every check that did not pass, with its figures."""
    counts = Counter(check.verdict for check in quality.checks)
    told = ", ".join(f"{counts[verdict]} {verdict}" for verdict in _VERDICTS if counts[verdict])
    lines = [f"## Quality\n\nVerdict: **{_escape(quality.verdict)}**, that of the worst check ({told})."]
    if quality.digest.get("spec") != manifest.spec_sha256:
        lines.append("It was given under an earlier specification of the same rows.")
    rest = [check for check in quality.checks if check.verdict != "pass"]
    if rest:
        lines += ["\n| check | table | verdict | value | real holdout | threshold |", "|---|---|---|---|---|---|"]
    for check in rest:
        figures = " | ".join(
            "" if value is None else f"{value:.4g}" for value in (check.value, check.reference, check.threshold)
        )
        lines.append(f"| {_escape(check.name)} | {_escape(check.table)} | {check.verdict} | {figures} |")
    lines.append(
        "\nA check of privacy that passes shows no sign of what it looked for, and is no proof of anonymity: only "
        "differential privacy bounds what rows tell of a person. `quality.json` and `quality.html` hold all figures."
    )
    return "\n".join(lines) + "\n"


def _describe_table(name: str, table: TableRecord) -> str:
    lines = [f"## Table `{name}`: {table.rows:,} rows\n", "| column | type | made by |", "|---|---|---|"]
    for column in table.columns:
        lines.append(f"| `{column.name}` | {column.type} | {_escape(_describe_recipe(column.recipe))} |")
    if table.scenarios:
        lines += ["\n| scenario | share asked | rows asked | rows |", "|---|---|---|---|"]
        lines += [f"| {s.name} | {s.share:g} | {s.asked:,} | {s.achieved:,} |" for s in table.scenarios]
    for balance in table.balance:
        names = " | ".join(_escape(column) for column in balance.columns)
        lines += [f"\n| {names} | rows asked | rows |", "|" + "---|" * (len(balance.columns) + 2)]
        for cell in balance.cells:
            values = " | ".join(_escape(_shorten(value)) for value in cell.values)
            lines.append(f"| {values} | {cell.asked:,} | {cell.achieved:,} |")
    if table.parity:
        lines += ["\n| outcome | across | largest gap allowed | gap |", "|---|---|---|---|"]
        lines += [f"| {p.outcome} | {p.across} | {p.max_gap:g} | {p.achieved_gap:.4g} |" for p in table.parity]
    if table.redrawn:
        lines += ["\nRows drawn again because their text was too much like an earlier one's:\n"]
        lines += [f"- {_escape(rule)}: {count:,}" for rule, count in table.redrawn.items()]
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
