"""Names that a spec can have, from whatever names a file has, and words of names for guessing what a column holds."""

from __future__ import annotations

import re
import unicodedata

_LONGEST = 60


def make_names(texts: list[str], fallback: str = "column") -> dict[str, str]:
    """A valid, unique spec name for each of the different `texts`: letters, digits and “_”, a letter first."""
    names: dict[str, str] = {}
    taken: set[str] = set()
    valid = {text for text in texts if text and make_name(text) == text}
    for position, text in enumerate(texts, 1):
        name = stem = text if text in valid else make_name(text) or f"{fallback}_{position}"
        number = 2
        while name in taken or (name in valid and name != text):
            name, number = f"{stem[: _LONGEST - 4]}_{number}", number + 1
        taken.add(name)
        names[text] = name
    return names


def make_name(text: str) -> str:
    """The text as a name, accents taken off; empty where nothing is left of it."""
    plain = unicodedata.normalize("NFKD", text.replace("ß", "ss")).encode("ascii", "ignore").decode()
    name = re.sub(r"[^A-Za-z0-9]+", "_", plain).strip("_")[:_LONGEST].strip("_")
    if re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", text) and len(text) <= _LONGEST:
        return text
    if name and not name[0].isalpha():
        name = f"c_{name}"
    return name


def split_words(name: str) -> list[str]:
    """The words of a name in lower case: `CustomerID`, `customer-id` and `customer_id` give customer, id."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", name)
    plain = unicodedata.normalize("NFKD", spaced).encode("ascii", "ignore").decode().lower()
    return re.findall(r"[a-z]+|[0-9]+", plain)
