"""What Croissant and the draft of the training-content summary say of where rows come from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import mlcroissant
import pyarrow.parquet as pq
import pytest

from tests.datasets.test_provenance_records import SPEC, make
from workbench.datasets.croissant import describe_dataset
from workbench.datasets.finishing import describe_again
from workbench.datasets.manifest import (
    CheckRecord,
    Manifest,
    ModelRecord,
    QualityRecord,
    SourceRecord,
    SynthesizerRecord,
    WaiverRecord,
)
from workbench.datasets.store import Dataset
from workbench.datasets.training_content import write_training_content


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return make(tmp_path_factory.mktemp("described"), SPEC.replace("rows: 250", "rows: 245"))


def add_quality(manifest: Manifest) -> Manifest:
    checks = [
        CheckRecord(name="parity", table="credit", group="fairness", verdict="warn", value=0.2, threshold=0.05),
        CheckRecord(name="shapes", table="credit", group="fidelity", verdict="fail", value=0.6, reference=0.95),
        CheckRecord(name="exact_copies", table="credit", group="privacy", verdict="pass", value=0.0),
        CheckRecord(name="membership", table="credit", group="privacy", verdict="not assessed"),
    ]
    quality = QualityRecord(verdict="fail", made="2026-01-01", digest={}, checks=checks)
    waiver = WaiverRecord(check="shapes", reason="for a demo", by="me", at="2026-01-02", data="a", spec="b")
    return manifest.model_copy(update={"quality": quality, "waivers": [waiver]})


def test_croissant_validates_and_gives_rows_and_their_origins(dataset: Dataset) -> None:
    described = mlcroissant.Dataset(jsonld=str(dataset.folder / "croissant.json"))
    assert not described.metadata.issues.errors
    assert not described.metadata.issues.warnings
    (file,) = dataset.manifest.provenance
    told = pq.read_table(dataset.folder / file.path).to_pylist()
    found = list(described.records("credit-provenance"))
    assert len(found) == len(told) == 240
    for field in ("number", "source_row:purpose@real", "attempt:note", "example_rows:batch@real"):
        assert [row[f"credit-provenance/{field}"] for row in found] == [row[field] for row in told]
    prompts = [row["credit-provenance/prompt:chat"].decode() for row in found]
    assert prompts == [row["prompt:chat"] for row in told]
    rows = list(described.records("credit"))  # nested columns are left to the files
    assert len(rows) == 240
    assert "credit/chat" not in rows[0]


def test_croissant_names_spec_sources_and_models_in_the_words_of_prov(dataset: Dataset) -> None:
    told = json.loads((dataset.folder / "croissant.json").read_text())
    made = told["prov:wasGeneratedBy"]
    assert {"@id": f"urn:sha256:{dataset.manifest.spec_sha256}"}.items() <= made["prov:used"][0].items()
    assert made["prov:endedAtTime"] == dataset.manifest.created[:10]
    source = dataset.manifest.sources["real"]
    assert [each["@id"] for each in told["prov:wasDerivedFrom"]] == [f"urn:sha256:{source.sha256}"]
    agents = [each["prov:label"] for each in told["prov:wasAttributedTo"]]
    assert len(agents) == 3
    assert any("model other: " in agent and "licence Apache-2.0" in agent for agent in agents)
    limits = told["rai:dataPreprocessingProtocol"]
    assert any("5 of 245 rows left out" in line for line in limits)
    assert any("purpose, age hold values of real rows" in line for line in told["rai:personalSensitiveInformation"])
    assert any("scenario rich is 2" in line for line in told["rai:dataBiases"])


def test_croissant_states_what_the_checks_found_and_still_validates(dataset: Dataset) -> None:
    manifest = describe_again(dataset.folder, add_quality(dataset.manifest))
    path = dataset.folder / "croissant.json"
    told = json.loads(path.read_text())
    assert "credit: check parity: warn (0.2, threshold 0.05)" in told["rai:dataBiases"]
    assert "credit: check shapes: fail (0.6, real holdout 0.95)" in told["rai:dataLimitations"]
    personal = told["rai:personalSensitiveInformation"]
    assert any("Checks of privacy: 1 not assessed, 1 pass" in line for line in personal)
    assert not any("private" in line or "is anonymous" in line for line in personal)
    assert not mlcroissant.Dataset(jsonld=str(path)).metadata.issues.errors
    describe_again(dataset.folder, manifest.model_copy(update={"quality": None, "waivers": []}))


def test_croissant_without_models_or_sources_has_no_empty_parts(dataset: Dataset) -> None:
    bare = dataset.manifest.model_copy(update={"models": {}, "sources": {}, "provenance": []})
    tables = {name: table.model_copy(update={"recorded": []}) for name, table in bare.tables.items()}
    told: dict[str, Any] = describe_dataset(bare.model_copy(update={"tables": tables}), [])
    assert "prov:wasDerivedFrom" not in told
    assert len(told["prov:wasAttributedTo"]) == 1
    assert [each["@id"] for each in told["recordSet"]] == ["credit"]


def test_the_training_content_lists_what_is_known_and_invents_nothing(dataset: Dataset) -> None:
    text = write_training_content(add_quality(dataset.manifest))
    assert "**Draft, not legal advice.**" in text
    public, private = text.split("### 2.2")[0], text.split("### 2.2")[1].split("### 2.3")[0]
    assert "Statlog (German Credit Data)" in public
    assert "values of its rows stand in credit: purpose, age" in public
    assert "models were shown rows of it for credit: note, batch" in public
    assert "None." in private
    assert "revision Synthetic Workbench" in text
    assert "5 of 245 rows left out" in text
    assert "shapes waived by me on 2026-01-02: for a demo" in text
    for heading in ("Provider of the model", "Licence of the dataset", "Languages"):
        assert f"- {heading}: not stated" in text


def test_the_training_content_tells_own_data_fits_and_generations_apart(dataset: Dataset) -> None:
    fit = SynthesizerRecord(
        type="gaussian_copula", source="own", key="k", sha256="f" * 64, seed=1, rows=80, epsilon=1.5, delta=1e-5
    )
    manifest = dataset.manifest.model_copy(
        update={
            "sources": {"own": SourceRecord(origin="patients.csv", licence="not stated", rows=100)},
            "models": {"w": ModelRecord(provider="openai", model="<script>|x|", output_tokens=1234)},
            "synthesizers": {"credit": fit},
            "generation": 2,
            "own_output": True,
        }
    )
    text = write_training_content(manifest)
    private = text.split("### 2.2")[1].split("### 2.3")[0]
    assert "own: patients.csv, 100 rows, licence not stated" in private
    assert "gaussian\\_copula was fitted to 80 of its rows" in private
    assert "epsilon 1.5" in text
    assert "<script>" not in text
    assert "1,234 tokens" in text
    assert "Generation 2" in text


def test_the_training_content_is_the_same_for_the_same_manifest(dataset: Dataset, tmp_path: Path) -> None:
    again = Manifest.model_validate_json(dataset.manifest.as_text())
    assert write_training_content(again) == write_training_content(dataset.manifest)
