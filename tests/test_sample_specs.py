"""Every sample spec is valid, makes rows, keeps its own rules, and is short enough to read."""

import wave
from pathlib import Path

import pytest
from PIL import Image

from workbench.datasets.gates import check_gate
from workbench.datasets.store import open_dataset
from workbench.generation.check import check_file
from workbench.generation.run import run as generate
from workbench.progress import Quiet
from workbench.quality.run import check_dataset
from workbench.workspace import Workspace

SAMPLES = sorted((Path(__file__).parents[1] / "sample_specs").glob("*.yaml"))


class Context(Quiet):
    """What a run gives to its work, without a run."""

    attempt = 1

    def __init__(self, root: Path) -> None:
        self.workspace = Workspace(root)
        self.folder = root / "runs" / "test"


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_a_sample_spec_has_no_problem_not_even_a_warning(path: Path) -> None:
    assert check_file(path).problems == []


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_a_sample_spec_bears_the_name_of_its_file_and_says_who_needs_it(path: Path) -> None:
    checked = check_file(path)
    assert checked.spec is not None
    assert checked.spec.name == path.stem
    assert checked.spec.description
    assert path.read_text("utf-8").startswith("# For ")
    assert len(path.read_text("utf-8").splitlines()) <= 130


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_a_sample_spec_passes_its_own_gates_at_full_size(path: Path, tmp_path: Path) -> None:
    context = Context(tmp_path)
    result = generate({"spec": path.read_text("utf-8"), "folder": str(path.parent), "rows": None, "out": None}, context)
    dataset = open_dataset(result["dataset"], context.workspace)
    assert dataset.manifest.tables
    report = check_dataset(dataset, None, context)
    assert [check for check in report["checks"] if check["verdict"] == "fail"] == []
    assert report["gates"]
    passed = check_gate(dataset.folder)
    assert passed is not None
    assert passed.unassessed == ()


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_files_and_keys_of_a_sample_lead_somewhere(path: Path, tmp_path: Path) -> None:
    context = Context(tmp_path)
    text = path.read_text("utf-8")
    result = generate({"spec": text, "folder": str(path.parent), "rows": 40, "out": None}, context)
    dataset = open_dataset(result["dataset"], context.workspace)
    spec = check_file(path).spec
    assert spec is not None
    frames = {name: dataset.read(name) for name in spec.tables}
    for name, table in spec.tables.items():
        for key in table.foreign_keys:
            parent = spec.tables[key.table].primary_key
            assert set(frames[name][key.column]) <= set(frames[key.table][parent])
        for column in table.columns:
            if column.type == "image":
                for file in frames[name][column.name].dropna():
                    with Image.open(dataset.folder / file) as image:
                        image.verify()
            if column.type == "audio":
                for file in frames[name][column.name].dropna():
                    with wave.open(str(dataset.folder / file)) as sound:
                        assert sound.getnframes() > 0
