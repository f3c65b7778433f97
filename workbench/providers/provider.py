"""What a provider is: a name in `models:` of a spec, its own fields, and what it can make.

Requests come in batches, so that a local model fills its batch and an endpoint its connections; each carries the seed
of its row, so that an answer depends on the request alone, never on its company. A built-in provider is a module or
package beside this one that calls `register`; other packages give a `ProviderType` by an entry point of the group
`workbench.providers`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Protocol

from pydantic import ConfigDict

from workbench.spec.model import ModelConfig
from workbench.spec.registry import Registry

Modality = Literal["text", "code", "image", "speech"]


@dataclass(frozen=True, slots=True)
class TextRequest:
    """A text, or code in `language`, of `min_chars` to `max_chars` characters. `seed` has 64 bits."""

    prompt: str
    seed: int
    system_prompt: str = ""
    min_chars: int = 0
    max_chars: int = 2_000
    language: str | None = None


@dataclass(frozen=True, slots=True)
class TextAnswer:
    """What came back for one request, as the model gave it: callers clean and bound it."""

    text: str


@dataclass(frozen=True, slots=True)
class ImageRequest:
    """A picture of `width` x `height` pixels."""

    prompt: str
    seed: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class SpeechRequest:
    """A text read aloud; without `voice` the seed chooses one."""

    text: str
    seed: int
    voice: str | None = None


class Writer(Protocol):
    """Makes texts or code. `languages` are those it writes code in, empty where any may be tried."""

    languages: tuple[str, ...]

    def write(self, requests: Sequence[TextRequest]) -> list[TextAnswer]:
        """One answer for each request, in their order."""


class Painter(Protocol):
    """Makes images."""

    def draw(self, requests: Sequence[ImageRequest]) -> list[bytes]:
        """A PNG file for each request, in their order."""


class Speaker(Protocol):
    """Makes speech. `voices` are the names it knows, empty where any may be tried."""

    voices: tuple[str, ...]

    def speak(self, requests: Sequence[SpeechRequest]) -> list[bytes]:
        """A WAV file for each request, in their order."""


class ProviderConfig(ModelConfig):
    """The base of a provider's own fields: what it does not know is refused."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", frozen=True, strict=False, allow_inf_nan=False)


@dataclass(frozen=True, slots=True)
class ProviderType:
    """`open(config)` gives an object that is a Writer, Painter or Speaker as `makes` says.

    It raises ValueError with a sentence for the user where the config cannot work, and loads nothing large: weights
    are loaded and connections made with the first request.
    """

    name: str
    makes: frozenset[Modality]
    config: type[ProviderConfig]
    open: Callable[[Any], Any]
    summary: str


PROVIDERS: Registry[ProviderType] = Registry("workbench.providers")


def register(
    name: str, makes: set[Modality], config: type[ProviderConfig], open_provider: Callable[[Any], Any]
) -> ProviderType:
    """Add a provider; its summary is the first line of its config's doc."""
    summary = (config.__doc__ or "").strip().splitlines()[0]
    return PROVIDERS.add(name, ProviderType(name, frozenset(makes), config, open_provider, summary))
