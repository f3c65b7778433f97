"""The form that short texts share, such as a plate or a code, as a regular expression of character classes.

Only the form is told: of the characters themselves no more than those that stand at the same place in every row.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

_MOST_RUNS = 12
_LONGEST = 40
_LONGEST_WORD = 12
_AGREE = 0.95
_FEWEST_ROWS = 5
_CLASSES = {"U": "[A-Z]", "L": "[a-z]", "D": "[0-9]"}
_PLAIN = re.compile(r"[A-Za-z0-9]")


@dataclass(frozen=True, slots=True)
class TextForm:
    """`regex` matches the `share` of the texts; `bothify` is nearest to it in Faker's language (? letter, # digit)."""

    regex: str
    bothify: str
    share: float


def find_form(texts: Sequence[str]) -> TextForm | None:
    """The form of at least 95 % of `texts`, None where they are words, sentences or of many forms."""
    if len(texts) < _FEWEST_ROWS:
        return None
    hexadecimal = _find_hexadecimal(texts)
    if hexadecimal is not None:
        return hexadecimal
    runs = [_split_runs(text) for text in texts if len(text) <= _LONGEST]
    forms = Counter(tuple(kind for kind, _ in each) for each in runs)
    if not forms:
        return None
    form, count = forms.most_common(1)[0]
    if count < _AGREE * len(texts) or len(form) > _MOST_RUNS or not _is_code(form):
        return None
    chosen = [[part for _, part in each] for each in runs if tuple(kind for kind, _ in each) == form]
    regex, bothify = "", ""
    for kind, parts in zip(form, zip(*chosen, strict=True), strict=True):
        lengths = [len(part) for part in parts]
        if kind in "UL" and max(lengths) > _LONGEST_WORD:
            return None
        if len(set(parts)) == 1:
            regex += "".join(character if _PLAIN.match(character) else re.escape(character) for character in parts[0])
            bothify += parts[0]
        else:
            few, many = min(lengths), max(lengths)
            times = "" if few == many == 1 else f"{{{few}}}" if few == many else f"{{{few},{many}}}"
            regex += _CLASSES[kind] + times
            bothify += ("#" if kind == "D" else "?") * few
    return TextForm(regex, bothify, count / len(texts))


def find_running_number(texts: Sequence[str]) -> str | None:
    """The pattern of an `id` column, such as C{n:06d}, if all texts are one number within the same text."""
    if len(texts) < _FEWEST_ROWS:
        return None
    matches = [re.fullmatch(r"(\D*)([0-9]{1,15})(\D*)", text) for text in texts]
    outer = {(match[1], match[3]) for match in matches if match}
    if len(outer) != 1 or not all(matches):
        return None
    digits = [match[2] for match in matches if match]
    before, after = (part.replace("{", "{{").replace("}", "}}") for part in outer.pop())
    lengths = {len(each) for each in digits}
    padded = any(each.startswith("0") and len(each) > 1 for each in digits) or (
        len(lengths) == 1 and len(digits[0]) > 3
    )
    if padded and len(lengths) > 1:
        return None
    return f"{before}{{n:0{lengths.pop()}d}}{after}" if padded else f"{before}{{n}}{after}"


def _find_hexadecimal(texts: Sequence[str]) -> TextForm | None:
    lengths = {len(text) for text in texts}
    letters = any(re.search("[A-Fa-f]", text) for text in texts) and any(re.search("[0-9]", text) for text in texts)
    if len(lengths) != 1 or not 6 <= (length := lengths.pop()) <= 128 or not letters:
        return None
    for characters in ("0-9a-f", "0-9A-F"):
        if all(re.fullmatch(f"[{characters}]+", text) for text in texts):
            return TextForm(f"[{characters}]{{{length}}}", "^" * length, 1.0)
    return None


def _split_runs(text: str) -> list[tuple[str, str]]:
    return [(kind, "".join(group)) for kind, group in groupby(text, _classify)]


def _classify(character: str) -> str:
    if not character.isascii():
        return "x"
    if character.isdigit():
        return "D"
    if character.isalpha():
        return "U" if character.isupper() else "L"
    return character


def _is_code(form: tuple[str, ...]) -> bool:
    """Of ASCII, with a digit, or of capitals alone; words and sentences are not."""
    return "x" not in form and form.count(" ") <= 2 and ("D" in form or set(form) <= {"U", "-", "/", ".", "_"})
