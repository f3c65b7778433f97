"""A provider of another package, for tests of what happens while a model writes: a word at a time, as slow as asked.

It is found by its entry point in every process that has this folder on PYTHONPATH. What happens to it is written to a
journal, a line each: `load`, `write SEED`, `done SEED`, `stop`, `release`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import ClassVar

from workbench.providers.provider import CallError, LocalProvider, ProviderConfig, ProviderType
from workbench.providers.requests import Answer, Request, TextRequest, Usage


class SlowConfig(ProviderConfig):
    """Counts words aloud, slowly."""

    ASIDE: ClassVar[frozenset[str]] = ProviderConfig.ASIDE | {"journal", "seconds"}

    words: int = 5
    seconds: float = 0.0
    journal: str = "/dev/null"


class SlowWriter(LocalProvider):
    """Its text is the words `w0 w1 w2 …`, with the prompt's last word at the end."""

    def __init__(self, config: SlowConfig) -> None:
        self._config = config
        self._loaded = False

    def answer(
        self, requests: Sequence[Request], should_stop: Callable[[], bool]
    ) -> Iterator[tuple[int, Answer | CallError]]:
        for position, request in enumerate(requests):
            assert isinstance(request, TextRequest)
            answer = self.stream(request, lambda text: None, should_stop)
            if answer is None:
                return
            yield position, answer

    def stream(
        self, request: TextRequest, on_text: Callable[[str], None], should_stop: Callable[[], bool]
    ) -> Answer | None:
        if not self._loaded:
            self._note("load")
            self._loaded = True
        self._note(f"write {request.seed}")
        last = request.prompt.split()[-1]
        said: list[str] = []
        for word in [*(f"w{number}" for number in range(self._config.words)), last]:
            time.sleep(self._config.seconds)
            if should_stop():
                self._note("stop")
                return None
            said.append(word)
            on_text(" ".join(said))
        self._note(f"done {request.seed}")
        return Answer(" ".join(said), usage=Usage(input_tokens=10, output_tokens=len(said)))

    def release(self) -> None:
        self._note("release")
        self._loaded = False

    def _note(self, line: str) -> None:
        with Path(self._config.journal).open("a") as journal:
            journal.write(line + "\n")


TYPE = ProviderType("slow_writer", frozenset({"text"}), SlowConfig, SlowWriter, "Counts words aloud, slowly.")
