"""Questions and answers of the ChatterBot corpus: texts to tune a small model on."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import TYPE_CHECKING

from workbench.datasets.packaged.files import find_file, make_unreadable_error
from workbench.datasets.packaged.registry import PackagedDataset

if TYPE_CHECKING:
    import pandas as pd

_TOPICS = {
    "coding": ("coding",),
    "trivia": ("trivia",),
    "assistant": ("ai", "botprofile"),
    "feelings": ("emotion", "psychology"),
    "devices": ("tech_support", "computers"),
}
"""Topic -> files of the English corpus. The corpus has more files, each with too few questions to measure on."""


def _load_helpdesk() -> pd.DataFrame:
    """Messages to a chat desk: `question`, `answer`, `topic`. A question that repeats is kept once, at its first place.

    The repeats are many: 1,050 of the corpus' pairs on devices come from 10 questions. Kept, they would stand on both
    sides of a holdout split and make any score on it worthless.
    """
    import pandas as pd

    rows: dict[str, tuple[str, str, str]] = {}
    for topic, names in _TOPICS.items():
        for name in names:
            for question, answer in _read_pairs(name):
                rows.setdefault(question.casefold().rstrip(" .?!"), (question, answer, topic))
    return pd.DataFrame(list(rows.values()), columns=["question", "answer", "topic"])


def _read_pairs(name: str) -> Iterator[tuple[str, str]]:
    """The first question and answer of each conversation: later turns cannot be understood without the earlier."""
    from yaml import YAMLError

    from workbench.spec.yaml_nodes import load_plain

    path = find_file("chatterbot-corpus", f"chatterbot_corpus/data/english/{name}.yml")
    try:
        conversations = load_plain(path.read_text(encoding="utf-8"))["conversations"]
        pairs = [(_clean_sentence(str(turns[0])), _clean_sentence(str(turns[1]))) for turns in conversations]
    except (OSError, ValueError, YAMLError, LookupError, TypeError) as error:
        raise make_unreadable_error("chatterbot-corpus", path) from error
    yield from ((question, answer) for question, answer in pairs if len(question) >= _SHORTEST_QUESTION and answer)


_SHORTEST_QUESTION = 3
"""Characters. One question of the corpus is a single letter, left over from its list marks."""


def _clean_sentence(text: str) -> str:
    """One line of plain characters: Unicode NFKC, typographic quotes made plain, white space made single."""
    text = unicodedata.normalize("NFKC", text).translate(str.maketrans("‘’“”–—", "''\"\"--"))
    return re.sub(r"\s+", " ", "".join(c for c in text if c.isprintable() or c.isspace())).strip()


DATASETS = (
    PackagedDataset(
        name="helpdesk",
        summary="English messages to a chat desk, each with an answer and its topic",
        package="chatterbot-corpus",
        origin="ChatterBot Language Training Corpus, English, as shipped by chatterbot-corpus",
        licence="BSD-3-Clause",
        citation="Gunther Cox and contributors, ChatterBot Language Training Corpus",
        load=_load_helpdesk,
    ),
)
