"""Pictures from the endpoint `/images/generations`, as PNG files of the size that was asked for.

The models of OpenAI draw in a few sizes, give base64 whatever is asked, and refuse a seed; other servers draw in any
size, take a seed, and give a link to a file unless told otherwise. A link is followed to the server itself only: one to
elsewhere would let a server have any address fetched from here.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import io
from typing import TYPE_CHECKING, Any

from workbench.providers.openai.connection import Connection
from workbench.providers.openai.texts import read_usage
from workbench.providers.provider import CallError
from workbench.providers.requests import Answer, ImageRequest, Usage

if TYPE_CHECKING:
    from workbench.providers.openai import OpenAIConfig

_PATH = "/images/generations"
_NO_SEED = ("gpt-image", "chatgpt-image", "dall-e")
_ALWAYS_BASE64 = ("gpt-image", "chatgpt-image")
_SEEDS = 2**31 - 1
_MOST_PIXELS = 64_000_000


class Painter:
    """Asks a server for pictures."""

    def __init__(self, config: OpenAIConfig, connection: Connection) -> None:
        self._config = config
        self._connection = connection

    async def paint(self, request: ImageRequest) -> Answer:
        """A PNG file. Raises CallError."""
        model = self._config.model
        body: dict[str, Any] = {"model": model, "prompt": request.prompt, "n": 1}
        body["size"] = self._config.image_size or f"{request.width}x{request.height}"
        if not model.startswith(_ALWAYS_BASE64):
            body["response_format"] = "b64_json"
        if self._config.seed and not model.startswith(_NO_SEED):
            body["seed"] = request.seed % _SEEDS
        answer = await self._connection.post(_PATH, body | self._config.extra_body, {"response_format": None})
        data = answer.get("data")
        picture = data[0] if isinstance(data, list) and data else None
        if not isinstance(picture, dict):
            raise CallError("server", "the server's answer holds no picture")
        content = await self._read(picture)
        # Decoding takes tenths of a second, in which the other calls shall go on.
        file, drawn = await asyncio.to_thread(convert_picture, content, request.width, request.height)
        notes: dict[str, Any] = {}
        if drawn != (request.width, request.height):
            notes["drawn_size"] = f"{drawn[0]}x{drawn[1]}"
        if picture.get("revised_prompt"):
            notes["revised_prompt"] = str(picture["revised_prompt"])
        used = read_usage(answer) or Usage()
        return Answer(data=file, usage=Usage(used.input_tokens, used.output_tokens, images=1), notes=notes)

    async def _read(self, picture: dict[str, Any]) -> bytes:
        encoded, url = picture.get("b64_json"), picture.get("url")
        if not encoded and isinstance(url, str) and url.startswith("data:"):
            encoded = url.partition(",")[2]
        if isinstance(encoded, str) and encoded:
            try:
                return base64.b64decode(encoded)
            except (binascii.Error, ValueError):
                raise CallError("server", "the server's picture is no base64") from None
        if isinstance(url, str) and url:
            return await self._connection.fetch(url)
        raise CallError("server", "the server's answer holds no picture")


def convert_picture(content: bytes, width: int, height: int) -> tuple[bytes, tuple[int, int]]:
    """A picture in any format as a PNG file of `width` x `height` pixels, and the size that it had.

    It is scaled until it covers the size and cut evenly at the edges. A PNG file of the right size is left as it is.
    Raises CallError where it cannot be read.
    """
    from PIL import Image, ImageOps

    try:
        with Image.open(io.BytesIO(content)) as picture:
            size = picture.size
            if size[0] * size[1] > _MOST_PIXELS:
                raise CallError("server", f"the server's picture has {size[0]}x{size[1]} pixels, far too many")
            picture.load()
            if picture.format == "PNG" and size == (width, height):
                return content, size
            has_alpha = "A" in picture.getbands() or "transparency" in picture.info
            plain = picture.convert("RGBA" if has_alpha else "RGB")
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        raise CallError("server", "the server's picture cannot be read") from None
    if size != (width, height):
        plain = ImageOps.fit(plain, (width, height), Image.Resampling.LANCZOS)
    file = io.BytesIO()
    plain.save(file, "PNG")
    return file.getvalue(), size
