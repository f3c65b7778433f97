"""The machine-readable mark that content is synthetic, inside the files themselves, so that it goes where they go.

It holds `synthetic`, `generator`, `dataset` (the fingerprint: a name may change, the rows' identity does not) and
`digitalSourceType`, a term of the IPTC's list of digital source types. Parquet and Arrow files have it in the schema's
metadata, PNG in text chunks, JPEG in comments, WAV in its INFO list; pictures have the IPTC term as XMP too, where
other programs look for it.
There is no time in it, and nothing of the machine: the same rows have the same bytes.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from workbench import __version__

if TYPE_CHECKING:
    import pyarrow as pa

Mark = Mapping[str, str]

GENERATOR = f"Synthetic Workbench {__version__}"
_TERMS = "http://cv.iptc.org/newscodes/digitalsourcetype/"
MADE_BY_MODEL = _TERMS + "trainedAlgorithmicMedia"
MADE_BY_RULES = _TERMS + "algorithmicMedia"
"""Values of `digitalSourceType`: made by a model that learned from content, or by rules that learned from none."""

_KEYS = ("synthetic", "generator", "dataset", "digitalSourceType")
_PNG = b"\x89PNG\r\n\x1a\n"
_JPEG = b"\xff\xd8"
_PNG_XMP = b"XML:com.adobe.xmp"
_JPEG_XMP = b"http://ns.adobe.com/xap/1.0/\0"
_XMP = (
    '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
    '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" '
    'xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" Iptc4xmpExt:DigitalSourceType="{term}"/>'
    '</rdf:RDF></x:xmpmeta><?xpacket end="r"?>'
)
_MOST_BYTES = 64 * 1024**2
"""Files beyond this are not read for their mark: those of a dataset are far smaller."""


def make_mark(dataset: str, *, learned: bool) -> dict[str, str]:
    """The mark of content of a dataset with that fingerprint; `learned` tells that a trained model made it."""
    return dict(zip(_KEYS, ("true", GENERATOR, dataset, MADE_BY_MODEL if learned else MADE_BY_RULES), strict=True))


def mark_content(content: bytes, mark: Mark) -> bytes:
    """A PNG, JPEG or WAV file with the mark, in the place of one that it has; other files are left as they are.

    Pixels and samples are kept to the byte.
    """
    try:
        if content.startswith(_PNG):
            return _mark_png(content, mark)
        if content.startswith(_JPEG):
            return _mark_jpeg(content, mark)
        if content[:4] == b"RIFF" and content[8:12] == b"WAVE":
            return _mark_wav(content, mark)
    except (ValueError, struct.error):
        pass
    return content


def carry_mark(schema: pa.Schema, source: pa.Schema) -> pa.Schema:
    """`schema` with the mark of `source`, beside the metadata that it has; unchanged where `source` has none."""
    metadata = source.metadata or {}
    carried = {key.encode(): metadata[key.encode()] for key in _KEYS if key.encode() in metadata}
    return schema.with_metadata({**(schema.metadata or {}), **carried}) if carried else schema


def read_mark(path: Path) -> dict[str, str] | None:
    """The mark of a Parquet, Arrow, PNG, JPEG or WAV file; None where it has none, or cannot be read."""
    try:
        with path.open("rb") as file:
            start = file.read(12)
            if start[:4] == b"PAR1" or start[:6] == b"ARROW1":
                found = _read_schema(path, parquet=start[:4] == b"PAR1")
            elif path.stat().st_size > _MOST_BYTES:
                return None
            else:
                file.seek(0)
                found = dict(_list_texts(file.read()))
    except (OSError, ValueError, struct.error):
        return None
    mark = {key: found[key] for key in _KEYS if key in found}
    return mark if mark.get("synthetic") == "true" else None


def _read_schema(path: Path, *, parquet: bool) -> dict[str, str]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        schema = pq.read_schema(path) if parquet else pa.ipc.open_file(path).schema
    except pa.ArrowException as error:
        raise ValueError(str(error)) from error
    metadata = schema.metadata or {}
    return {key.decode(errors="replace"): value.decode(errors="replace") for key, value in metadata.items()}


def _list_texts(content: bytes) -> Iterator[tuple[str, str]]:
    """Key and value of each text of a media file."""
    if content.startswith(_PNG):
        texts = [body for kind, body in _read_png(content) if kind == b"tEXt"]
        pairs = [body.partition(b"\0")[::2] for body in texts]
    elif content.startswith(_JPEG):
        segments, _ = _read_jpeg(content)
        pairs = [body.partition(b"=")[::2] for kind, body in segments if kind == 0xFE]
    elif content[:4] == b"RIFF":
        pairs = [pair.partition(b"=")[::2] for pair in _read_comment(content).split(b"; ")]
    else:
        pairs = []
    for key, value in pairs:
        yield key.decode("latin-1"), value.decode("latin-1")


def _write_xmp(mark: Mark) -> bytes:
    return _XMP.format(term=mark["digitalSourceType"]).encode()


def _is_ours(text: bytes, separator: bytes) -> bool:
    return text.partition(separator)[0].decode("latin-1") in _KEYS


def _mark_png(content: bytes, mark: Mark) -> bytes:
    """Text chunks stand after the header; a chunk is length, kind, body and CRC-32 (W3C PNG, section 5)."""
    chunks = []
    for kind, body in _read_png(content):
        if (kind == b"tEXt" and _is_ours(body, b"\0")) or (kind == b"iTXt" and body.startswith(_PNG_XMP + b"\0")):
            continue
        chunks.append((kind, body))
        if kind == b"IHDR":
            chunks += [(b"tEXt", key.encode() + b"\0" + value.encode("latin-1")) for key, value in mark.items()]
            chunks.append((b"iTXt", _PNG_XMP + b"\0\0\0\0\0" + _write_xmp(mark)))
    parts = [
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in chunks
    ]
    return _PNG + b"".join(parts)


def _read_png(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Kind and body of each chunk. Raises ValueError where the file ends within one."""
    place = len(_PNG)
    while place < len(content):
        size, kind = struct.unpack_from(">I4s", content, place)
        if place + 12 + size > len(content):
            raise ValueError("the file ends within a chunk")
        yield kind, content[place + 8 : place + 8 + size]
        if kind == b"IEND":
            return
        place += 12 + size


def _mark_jpeg(content: bytes, mark: Mark) -> bytes:
    """Comments and XMP stand after the first application segments (ITU T.81, annex B)."""
    segments, rest = _read_jpeg(content)
    kept = [
        (kind, body)
        for kind, body in segments
        if not (kind == 0xFE and _is_ours(body, b"=")) and not (kind == 0xE1 and body.startswith(_JPEG_XMP))
    ]
    first = next((place for place, (kind, _) in enumerate(kept) if kind != 0xE0), len(kept))
    own = [(0xE1, _JPEG_XMP + _write_xmp(mark))]
    own += [(0xFE, f"{key}={value}".encode("latin-1")) for key, value in mark.items()]
    parts = [struct.pack(">BBH", 0xFF, kind, len(body) + 2) + body for kind, body in kept[:first] + own + kept[first:]]
    return _JPEG + b"".join(parts) + rest


def _read_jpeg(content: bytes) -> tuple[list[tuple[int, bytes]], bytes]:
    """Kind and body of the segments before the picture itself, and the rest. Raises ValueError for what is none."""
    segments: list[tuple[int, bytes]] = []
    place = len(_JPEG)
    while True:
        start, kind, size = struct.unpack_from(">BBH", content, place)
        if start != 0xFF or size < 2:
            raise ValueError("there is no segment where one should be")
        if kind == 0xDA:
            return segments, content[place:]
        segments.append((kind, content[place + 4 : place + 2 + size]))
        place += 2 + size


def _mark_wav(content: bytes, mark: Mark) -> bytes:
    """An INFO list at the end, after the samples: ISFT is the program, ICMT a comment (RIFF, Microsoft 1991)."""
    chunks = [(kind, body) for kind, body in _read_riff(content) if not (kind == b"LIST" and body.startswith(b"INFO"))]
    comment = "; ".join(f"{key}={value}" for key, value in mark.items())
    texts = [(b"ICMT", comment), (b"ISFT", mark["generator"])]
    info = b"INFO" + b"".join(_write_riff(kind, text.encode("latin-1") + b"\0") for kind, text in texts)
    body = b"WAVE" + b"".join(_write_riff(kind, each) for kind, each in [*chunks, (b"LIST", info)])
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _read_riff(content: bytes, place: int = 12) -> Iterator[tuple[bytes, bytes]]:
    """Kind and body of each chunk. Raises ValueError where the file ends within one."""
    while place + 8 <= len(content):
        kind, size = struct.unpack_from("<4sI", content, place)
        if place + 8 + size > len(content):
            raise ValueError("the file ends within a chunk")
        yield kind, content[place + 8 : place + 8 + size]
        place += 8 + size + size % 2


def _write_riff(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)


def _read_comment(content: bytes) -> bytes:
    for kind, body in _read_riff(content):
        if kind == b"LIST" and body.startswith(b"INFO"):
            return dict(_read_riff(body, 4)).get(b"ICMT", b"").rstrip(b"\0")
    return b""
