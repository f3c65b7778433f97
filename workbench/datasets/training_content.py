"""A draft of the summary of training content that the EU asks of providers of general-purpose models (AI Act, Article
53(1)(d)), for the part of it that this dataset is.

Its headings are those of the Commission's template of 24 July 2025: general information, list of data sources, aspects
of data processing. It is filled from the manifest alone. What nobody stated reads "not stated"; the provider of the
model, who alone knows the rest, completes and checks it.
"""

from __future__ import annotations

from collections.abc import Iterator

from workbench.datasets.embedding import find_media
from workbench.datasets.manifest import MEDIA, NOT_STATED, Manifest, SourceRecord
from workbench.datasets.responsible import describe_model, list_filters, list_personal
from workbench.files import clean_text

_USES = {"source_row": "values of its rows stand in", "example_rows": "models were shown rows of it for"}
_OF_FEATURES = {"Image": "image", "Audio": "audio"}


def write_training_content(manifest: Manifest) -> str:
    """The draft, in Markdown. It depends on the manifest alone."""
    return "\n".join(_write(manifest)) + "\n"


def _write(manifest: Manifest) -> Iterator[str]:
    yield f"# Summary of training content: {_clean(manifest.name)}"
    yield ""
    yield (
        "**Draft, not legal advice.** It covers this dataset alone, not a model that is trained on it. It was filled "
        "from the dataset's manifest under the headings of the European Commission's template of 24 July 2025 for "
        "Article 53(1)(d) of Regulation (EU) 2024/1689; compare it with the official text, and complete what reads "
        f"“{NOT_STATED}”."
    )
    yield "\n## 1. General information\n"
    yield f"- Provider of the model: {NOT_STATED}"
    yield f"- Model trained on it: {NOT_STATED}"
    yield f"- Dataset: {_clean(manifest.name)}, version {manifest.version}, fingerprint `{manifest.fingerprint}`"
    yield f"- Made on: {manifest.created[:10]}"
    yield f"- Description: {_clean(manifest.description) or NOT_STATED}"
    yield f"- Licence of the dataset: {NOT_STATED}"
    yield f"- Languages: {NOT_STATED}"
    yield "\n### Modalities and sizes\n"
    yield from _describe_sizes(manifest)
    yield "\n## 2. List of data sources\n"
    yield "### 2.1 Publicly available datasets\n"
    yield from _list_sources(manifest, third_party=True)
    yield "\n### 2.2 Private datasets obtained from third parties, and own data\n"
    yield from _list_sources(manifest, third_party=False)
    yield "\n### 2.3 Data crawled and scraped from online sources\n"
    yield (
        "Not applicable: nothing was crawled or scraped to make this dataset. For the models below: " + NOT_STATED + "."
    )
    yield "\n### 2.4 User data\n"
    yield f"Not applicable to the rows made here. Whether a source of 2.2 holds data of users: {NOT_STATED}."
    yield "\n### 2.5 Synthetic data\n"
    yield from _describe_synthetic(manifest)
    yield "\n### 2.6 Other sources\n"
    yield "None."
    yield "\n## 3. Aspects of data processing\n"
    yield "### 3.1 Reservations of rights (text and data mining)\n"
    yield "Not applicable to rows made from a specification: no third party's content was mined for them. How the"
    yield f"models and sources named above respect opt-outs: {NOT_STATED}."
    yield "\n### 3.2 Removal of illegal content\n"
    yield f"Measures: {NOT_STATED}, beyond the filters below."
    yield "\n### 3.3 Filters, and rows left out\n"
    yield from _list(list_filters(manifest), "No row was left out.")
    yield "\n### 3.4 Personal data\n"
    yield from _list(list_personal(manifest), NOT_STATED.capitalize())
    yield "\n### 3.5 Quality\n"
    yield from _describe_quality(manifest)


def _describe_sizes(manifest: Manifest) -> Iterator[str]:
    total = sum(file.bytes for file in manifest.files)
    yield f"- Tables: {len(manifest.tables)}, {total:,} bytes of Parquet"
    for name, table in manifest.tables.items():
        media = find_media(table)
        texts = [column.name for column in table.columns if column.type == "string" and column.name not in media]
        yield f"  - {_clean(name)}: {table.rows:,} rows, {len(table.columns)} columns, {len(texts)} of them texts"
    for modality in ("image", "audio"):
        columns = [
            (name, column)
            for name, table in manifest.tables.items()
            for column, feature in find_media(table).items()
            if _OF_FEATURES[feature] == modality
        ]
        prefixes = tuple(f"{MEDIA}/{name}/{column}/" for name, column in columns)
        files = [extra for extra in manifest.extras if prefixes and extra.path.startswith(prefixes)]
        if files:
            yield f"- {modality.capitalize()}: {len(files):,} files, {sum(file.bytes for file in files):,} bytes"
    tokens = sum(model.output_tokens for model in manifest.models.values())
    if tokens:
        yield f"- Text written by models: {tokens:,} tokens by their own count"
    if manifest.splits:
        shares = [
            f"{_clean(name)}: " + ", ".join(f"{side} {rows:,}" for side, rows in sides.items())
            for name, sides in manifest.splits.items()
        ]
        yield f"- Splits in rows: {'; '.join(shares)}"


def _list_sources(manifest: Manifest, *, third_party: bool) -> Iterator[str]:
    chosen = {name: source for name, source in manifest.sources.items() if source.third_party == third_party}
    if not chosen:
        yield "None."
    for name, source in chosen.items():
        yield f"- {_clean(name)}: {_clean(source.origin)}, {_count(source)}, licence {_clean(source.licence)}"
        for use in _find_uses(manifest, name):
            yield f"  - {use}"


def _find_uses(manifest: Manifest, source: str) -> Iterator[str]:
    """What a source was used for, as far as the records of rows and of fitted models say."""
    for name, table in manifest.tables.items():
        for kind, use in _USES.items():
            fields = [field.removeprefix(f"{kind}:") for field in table.recorded if field.startswith(f"{kind}:")]
            columns = [field.removesuffix(f"@{source}") for field in fields if field.endswith(f"@{source}")]
            if columns:
                yield f"{use} {_clean(name)}: {_clean(', '.join(columns))}"
    for name, fit in manifest.synthesizers.items():
        if fit.source == source:
            yield f"{_clean(fit.type)} was fitted to {fit.rows:,} of its rows, for {_clean(name)}"


def _describe_synthetic(manifest: Manifest) -> Iterator[str]:
    yield "All rows are synthetic. What made them:\n"
    for name, table in manifest.tables.items():
        media = find_media(table)
        written = [field.partition(":")[2] for field in table.recorded if field.startswith("prompt:")]
        kinds = {"values": [each for each in written if each not in media]}
        for modality in ("image", "audio"):
            kinds[modality] = [each for each, feature in media.items() if _OF_FEATURES[feature] == modality]
        for modality, columns in kinds.items():
            if columns:
                yield f"- {_clean(name)}: {modality} by models: {_clean(', '.join(columns))}"
        others = [column.name for column in table.columns if column.name not in {*written, *media}]
        if others:
            yield f"- {_clean(name)}: {len(others)} columns by samplers, formulas, fitted models or from sources"
    yield "\nModels:\n"
    yield from _list([describe_model(name, model) for name, model in manifest.models.items()], "None.")
    for name, fit in manifest.synthesizers.items():
        privacy = "no differential privacy" if fit.epsilon is None else f"epsilon {fit.epsilon:.3g} at {fit.delta:g}"
        made = f"{_clean(fit.type)}, on {_clean(fit.source)}, {privacy}, SHA-256 `{fit.sha256}`"
        yield f"- fitted for {_clean(name)}: {made}"
    yield f"\nWhat these models were trained on: {NOT_STATED}; see the summaries of their providers."
    if manifest.generation:
        yield (
            f"\nGeneration {manifest.generation}: models that wrote it were tuned on synthetic rows"
            f"{', and it holds nothing else' if manifest.own_output else ''}."
        )


def _describe_quality(manifest: Manifest) -> Iterator[str]:
    if manifest.quality is None:
        yield "Not assessed."
        return
    yield f"Verdict {_clean(manifest.quality.verdict)}, that of the worst of {len(manifest.quality.checks)} checks."
    for waiver in manifest.waivers:
        yield f"- {_clean(waiver.describe())}"


def _count(source: SourceRecord) -> str:
    return f"rows {NOT_STATED}" if source.rows is None else f"{source.rows:,} rows"


def _list(lines: list[str], none: str) -> Iterator[str]:
    yield from [f"- {_clean(line)}" for line in lines] or [none]


def _clean(text: str) -> str:
    """One line, with nothing in it that Markdown or HTML would read."""
    line = " ".join(clean_text(text, keep_newlines=True).split())
    for character in "\\`*_[]<>|#":
        line = line.replace(character, "\\" + character)
    return line
