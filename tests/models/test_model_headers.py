"""Headers of weights and front matter, read from any bytes: an answer or a ValueError, never anything else."""

import contextlib
import json
import struct
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from models_support import write_folder, write_gguf

from workbench.models.contents import read_front_matter_licence
from workbench.models.gguf_header import read_gguf_header
from workbench.models.safetensors_header import read_safetensors_header

reuse = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=12), inner, max_size=3),
    max_leaves=8,
)


def test_the_header_of_a_safetensors_file_lists_its_tensors(tmp_path: Path) -> None:
    header = read_safetensors_header(write_folder(tmp_path / "m") / "model.safetensors")
    assert [(tensor.name, tensor.dtype, tensor.shape, tensor.size) for tensor in header.tensors] == [
        ("layer.0", "F32", (40, 40), 1600),
        ("layer.1", "F32", (40, 40), 1600),
    ]


@reuse
@given(data=st.binary(max_size=200))
def test_any_bytes_are_a_safetensors_header_or_a_value_error(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    path.write_bytes(data)
    with contextlib.suppress(ValueError):
        assert read_safetensors_header(path).raw


@reuse
@given(
    entries=st.dictionaries(
        st.text(max_size=8),
        json_values
        | st.fixed_dictionaries({"dtype": st.just("F32"), "shape": json_values, "data_offsets": json_values}),
        max_size=4,
    )
)
def test_any_json_is_a_safetensors_header_or_a_value_error(entries: dict[str, object], tmp_path: Path) -> None:
    text = json.dumps(entries).encode()
    path = tmp_path / "x.safetensors"
    path.write_bytes(len(text).to_bytes(8, "little") + text)
    with contextlib.suppress(ValueError):
        header = read_safetensors_header(path)
        assert all(0 <= tensor.begin <= tensor.end for tensor in header.tensors)


def test_the_entries_of_a_gguf_file_are_read_up_to_its_tokenizer(tmp_path: Path) -> None:
    header = read_gguf_header(write_gguf(tmp_path / "t.gguf"))
    assert header["general.architecture"] == "llama"
    assert header["general.license"] == "mit"
    assert header["llama.block_count"] == 1
    assert not any(key.startswith("tokenizer.") for key in header)


@reuse
@given(data=st.binary(max_size=120), start=st.sampled_from([b"", b"GGUF", b"GGUF" + struct.pack("<IQQ", 3, 0, 5)]))
def test_any_bytes_are_a_gguf_header_or_a_value_error(data: bytes, start: bytes, tmp_path: Path) -> None:
    path = tmp_path / "x.gguf"
    path.write_bytes(start + data)
    with contextlib.suppress(ValueError):
        assert isinstance(read_gguf_header(path), dict)


@reuse
@given(cut=st.integers(0, 2000), flipped=st.integers(0, 2000), value=st.integers(0, 255))
def test_a_damaged_gguf_file_is_read_or_refused(
    cut: int, flipped: int, value: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.getbasetemp()
    whole = folder / "whole.gguf"
    data = bytearray((whole if whole.exists() else write_gguf(whole)).read_bytes()[:2000])
    data[min(flipped, len(data) - 1)] = value
    (folder / "damaged.gguf").write_bytes(bytes(data[:cut]))
    with contextlib.suppress(ValueError):
        assert isinstance(read_gguf_header(folder / "damaged.gguf"), dict)


@given(st.lists(st.sampled_from(["---", "license:", "license: mit", "- x", " - y", "license_name: z", ""]) | st.text()))
def test_any_lines_state_a_licence_or_none(lines: list[str]) -> None:
    assert len(read_front_matter_licence(lines)) <= 100
