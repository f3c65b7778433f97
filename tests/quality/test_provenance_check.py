"""The check `provenance`: whether licence and revision of what rows were made from are stated."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.quality.conftest import Context, Make
from workbench.datasets.manifest import ModelRecord, SourceRecord
from workbench.datasets.store import Dataset
from workbench.quality.check import Finding
from workbench.quality.checks.provenance import check_provenance
from workbench.quality.evidence import Evidence
from workbench.quality.inputs import collect_evidence, read_spec

SPEC = """name: notes
sources: {real: {packaged: german_credit}}
models: {writer: {provider: offline}, unused: {provider: offline}}
tables:
  plain: {rows: 40, columns: [{name: n, type: uniform, low: 0, high: 1}]}
  notes:
    rows: 40
    columns:
      - {name: purpose, type: source, source: real}
      - {name: note, type: llm_text, model: writer, prompt: "Write of {{ purpose }}.", max_chars: 60}
      - {name: other, type: llm_text, prompt: "Write.", max_chars: 60}
"""


@pytest.fixture
def dataset(make: Make) -> Dataset:
    return make(SPEC)


def look(dataset: Dataset, table: str = "notes") -> Evidence:
    return collect_evidence(read_spec(dataset), dataset, table, None)


def state(evidence: Evidence, models: dict[str, ModelRecord], sources: dict[str, SourceRecord]) -> Finding:
    """The finding where the manifest says this of models and sources."""
    assert evidence.manifest is not None
    manifest = evidence.manifest.model_copy(update={"models": models, "sources": sources})
    (finding,) = check_provenance(replace(evidence, manifest=manifest))
    return finding


def test_offline_models_and_packaged_sources_state_theirs(dataset: Dataset) -> None:
    (finding,) = check_provenance(look(dataset))
    assert (finding.verdict, finding.value, finding.rows) == ("pass", 0.0, 40)
    assert "licence and revision are stated: 2" in finding.detail
    assert finding.fix == ""


def test_a_table_of_samplers_alone_has_nothing_to_state(dataset: Dataset) -> None:
    assert check_provenance(look(dataset, "plain")) == []


def test_a_model_without_licence_or_revision_warns_and_is_named(dataset: Dataset) -> None:
    evidence = look(dataset)
    stated = ModelRecord(provider="openai", model="m", revision="r", licence="l")
    source = SourceRecord(origin="o", licence="l", third_party=True)
    bare = state(evidence, {"writer": ModelRecord(provider="openai", model="m")}, {"real": source})
    assert (bare.verdict, bare.value) == ("warn", 0.5)
    assert "model writer: licence and revision" in bare.detail
    assert bare.fix
    half = state(evidence, {"writer": stated.model_copy(update={"licence": "not stated"})}, {"real": source})
    assert "model writer: licence" in half.detail
    assert "revision" not in half.detail
    unused = state(evidence, {"writer": stated, "unused": ModelRecord(provider="openai")}, {"real": source})
    assert unused.verdict == "pass"


def test_data_of_others_needs_a_licence_and_own_data_a_note(dataset: Dataset) -> None:
    evidence, models = look(dataset), {"writer": ModelRecord(provider="x", model="m", revision="r", licence="l")}
    own = state(evidence, models, {"real": SourceRecord(origin="mine.csv", licence="not stated")})
    assert own.verdict == "pass"
    assert "own data without a stated licence" in own.detail
    theirs = state(evidence, models, {"real": SourceRecord(origin="x", licence="not stated", third_party=True)})
    assert theirs.verdict == "warn"
    assert "source real: licence" in theirs.detail


def test_rows_of_a_preview_and_old_manifests_are_no_trouble(dataset: Dataset, context: Context, tmp_path: Path) -> None:
    evidence = look(dataset)
    assert check_provenance(replace(evidence, manifest=None)) == []
    assert check_provenance(replace(evidence, frame=evidence.frame.head(0)))[0].verdict == "pass"
    many = {"writer": ModelRecord(provider="\x1b[31m", model="\x1b[31m")}
    assert "\x1b" not in state(evidence, many, {}).detail
