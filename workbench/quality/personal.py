"""Personal values in tables: identifiers of people inside texts, columns that look personal, and who made them.

An identifier is something that points at one person or account: an e-mail address, a phone number, an IBAN, a card
number, a national identity number, an IP address. Rules find them, with checksums where the kind has one, since a
model that recognises names reads order numbers as people. Names in running text are therefore not found.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from workbench.importing.personal import find_personal, is_card_number, is_iban
from workbench.quality.cells import read_texts, take_column
from workbench.quality.evidence import Evidence

if TYPE_CHECKING:
    import pandas as pd

EMAIL, PHONE, IBAN = "e-mail address", "phone number", "IBAN"
CARD, IDENTITY, ADDRESS = "card number", "national identity number", "IP address"
"""As `workbench.importing.personal` calls them."""

_LEARNING_TYPES = frozenset({"synthesized", "source"})
_LEARNING_GROUP = "generated"
_KEYS = frozenset({"id", "uuid", "foreign_key"})
_SAMPLE = 200
_DIGITS_OF_AN_IDENTIFIER = 7

_LOCAL_PART = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}\Z")
_DOMAIN = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,62})\.)+[A-Za-z]{2,24}")
_RESERVED_DOMAIN = re.compile(r"@(?:[a-z0-9-]+\.)*(?:example(?:\.(?:com|org|net))?|test|invalid|localhost)\Z")
_RESERVED_PHONE = re.compile(r"55501[0-9]{2}\Z")

_DIGITS = re.compile(r"[+(]?[0-9][0-9 ()./\-]{5,40}[0-9]")
"""Where anything made of digits may stand; what it is, is asked of these alone."""
_IDENTITY = re.compile(r"(?<![0-9-])(?!000|666|9)[0-9]{3}-(?!00)[0-9]{2}-(?!0000)[0-9]{4}(?![0-9-])")
_IPV4 = re.compile(r"(?<![0-9.])[0-9]{1,3}(?:\.[0-9]{1,3}){3}(?![0-9.])")
_CARD = re.compile(r"(?<![0-9-])[2-6](?:[ -]?[0-9]){12,18}(?![0-9-])")
_PHONE = re.compile(
    r"(?<![0-9])(?:"
    r"\+[1-9](?:[ ./()-]{0,2}[0-9]){7,14}"  # +49 30 1234567
    r"|00[1-9][0-9]{0,2}[ ./-](?:[ ./()-]{0,2}[0-9]){6,12}"  # 0049 30 1234567
    r"|\([0-9]{3,5}\)[ -]?[0-9]{3}[ -]?[0-9]{3,5}"  # (212) 555-0100
    r"|[0-9]{3}[-. ][0-9]{3}[-. ][0-9]{4}"  # 212-555-0100
    r"|0[1-9][0-9]{1,3}[ /-][0-9]{5,8}"  # 030/1234567
    r")(?![0-9-])"
)
_ACCOUNT = re.compile(r"(?<![A-Za-z0-9])[A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?(?![A-Za-z0-9])")
_IPV6 = re.compile(r"(?<![0-9A-Za-z:])[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,7}(?![0-9A-Za-z:])")
_CARDS = re.compile(  # the ranges of the large networks, by length
    r"4[0-9]{15}(?:[0-9]{3})?|5[1-5][0-9]{14}|2[2-7][0-9]{14}|3[47][0-9]{13}|3(?:0[0-5]|[689][0-9])[0-9]{11}"
    r"|35[0-9]{14}|6(?:011|5[0-9]{2}|4[4-9][0-9])[0-9]{12}(?:[0-9]{3})?"
)
_END = "\0"


@dataclass(frozen=True, slots=True)
class Identifiers:
    """Those of a column by kind: `values` in a plain form, and `places`, the numbers of the texts they are in.

    `codes` are, for all rows, the numbers of their texts, each different one once; -1 is a missing one.
    """

    codes: NDArray[np.int64]
    values: dict[str, NDArray[Any]] = field(default_factory=dict)
    places: dict[str, NDArray[np.int64]] = field(default_factory=dict)

    def find_rows(self, kind: str, among: NDArray[Any] | None = None) -> NDArray[np.int64]:
        """The rows with an identifier of a kind, or with one that is `among` given values."""
        places = self.places.get(kind, np.empty(0, np.int64))
        if among is not None and len(places):
            places = places[np.isin(self.values[kind].astype(str), among.astype(str))]
        return np.flatnonzero(np.isin(self.codes, places))


def find_identifiers(column: pd.Series[Any]) -> Identifiers:
    """The identifiers in the texts of a column. A column of whole numbers holds card numbers if all of them are."""
    import pandas as pd
    from pandas.api import types

    if types.is_bool_dtype(column.dtype) or not (_is_text(column) or types.is_integer_dtype(column.dtype)):
        return Identifiers(np.full(len(column), -1, np.int64))
    codes, different = pd.factorize(read_texts(column))
    texts = [str(text) for text in different]
    found: dict[str, tuple[list[str], list[int]]] = {}
    if not _is_text(column):
        if texts and all(_is_card(text) for text in texts):
            found[CARD] = (texts, list(range(len(texts))))
    else:
        for kind, value, place in _search(texts):
            values, places = found.setdefault(kind, ([], []))
            values.append(value)
            places.append(place)
    return Identifiers(
        np.asarray(codes, np.int64),
        {kind: np.array(values, dtype=object) for kind, (values, _) in found.items()},
        {kind: np.array(places, np.int64) for kind, (_, places) in found.items()},
    )


def is_reserved(kind: str, value: str) -> bool:
    """Whether a value in its plain form is kept free for examples (RFC 2606, 555-01xx), so that it is nobody's."""
    if kind == EMAIL:
        return _RESERVED_DOMAIN.search(value) is not None
    return kind == PHONE and _RESERVED_PHONE.search(value) is not None


def name_personal(name: str, column: pd.Series[Any]) -> str | None:
    """What a column likely holds of a person, told by its name and some values; None if nothing."""
    from pandas.api import types

    if types.is_bool_dtype(column.dtype) or not (_is_text(column) or types.is_integer_dtype(column.dtype)):
        return None
    texts = [str(value) for value in column.dropna().iloc[:_SAMPLE]]
    if not texts or (not _is_text(column) and np.median([len(text) for text in texts]) < _DIGITS_OF_AN_IDENTIFIER):
        return None
    personal = find_personal(name, texts)
    return personal.what if personal else None


def find_invented_columns(evidence: Evidence) -> set[str]:
    """Columns whose values the spec invents: no real row and no model had a part in them, by any way.

    A column that is computed from others is invented if all of these are; one the spec does not know is not.
    """
    from workbench.columns.registry import COLUMNS

    columns = {column.name: column for column in evidence.config.columns}
    learned: set[str] = set()
    for name, column in columns.items():
        entry = COLUMNS.get(column.type)
        if column.type in _LEARNING_TYPES or entry is None or entry.group == _LEARNING_GROUP:
            learned.add(name)
    if evidence.config.synthesizer is not None:
        learned |= set(evidence.config.synthesizer.columns or ())
    grown = True
    while grown:
        more = {name for name, column in columns.items() if name not in learned and _refers_to(column, learned)}
        grown = bool(more)
        learned |= more
    return set(columns) - learned


def find_learned_columns(evidence: Evidence) -> list[str]:
    """The shared columns that rows are compared on: all but those of keys and of names and texts that Faker invents.

    Columns of samplers stay in: their values may be drawn from shares that were measured on the real rows.
    """
    types = {column.name: column.type for column in evidence.config.columns}
    left_out = {*_KEYS, "faker", "person", "persona"}
    names = [name for name in dict.fromkeys(evidence.shared_columns) if types.get(name) not in left_out]
    return names or list(dict.fromkeys(evidence.shared_columns))


def take_texts(frame: pd.DataFrame, most: int, evidence: Evidence, side: str) -> dict[str, pd.Series[Any]]:
    """The columns of text or whole numbers of at most `most` rows of a frame; others hold no identifiers."""
    from pandas.api import types

    rows = evidence.sample(frame, f"texts {side}", most)
    columns = {str(name): take_column(rows, name) for name in dict.fromkeys(frame.columns)}
    return {
        name: column
        for name, column in columns.items()
        if _is_text(column) or (types.is_integer_dtype(column.dtype) and not types.is_bool_dtype(column.dtype))
    }


def _refers_to(column: Any, names: set[str]) -> bool:
    try:
        return bool(column.references() & names)
    except ValueError:
        return False


def _is_text(column: pd.Series[Any]) -> bool:
    from pandas.api import types

    return types.is_object_dtype(column.dtype) or types.is_string_dtype(column.dtype) or column.dtype == "category"


def _search(texts: list[str]) -> Iterator[tuple[str, str, int]]:
    """(kind, plain value, number of the text) of every identifier. All texts are searched as one: a pass per rule."""
    whole = _END.join(texts)
    starts = np.cumsum([0, *(len(text) + 1 for text in texts[:-1])]) if texts else np.zeros(0, np.int64)
    found = [*_search_emails(whole), *_search_digits(whole)]
    found += [
        (IBAN, match[0].replace(" ", ""), match.start()) for match in _ACCOUNT.finditer(whole) if is_iban(match[0])
    ]
    if "::" in whole or whole.count(":") >= 7:
        for number, text in enumerate(texts):
            if "::" in text or text.count(":") >= 7:
                found += [
                    (ADDRESS, match[0].lower(), int(starts[number]))
                    for match in _IPV6.finditer(text)
                    if len(match[0]) > 6 and _is_public(match[0])
                ]
    places = np.searchsorted(starts, [offset for _, _, offset in found], side="right") - 1
    for (kind, value, _), place in zip(found, places, strict=True):
        yield kind, value, int(place)


def _search_emails(whole: str) -> Iterator[tuple[str, str, int]]:
    at = whole.find("@")
    while at >= 0:
        before = _LOCAL_PART.search(whole, max(0, at - 64), at)
        after = _DOMAIN.match(whole, at + 1)
        if before and after:
            local = before[0].lstrip(".'*/{|}")
            if local:
                yield EMAIL, f"{local}@{after[0]}".lower(), at
        at = whole.find("@", at + 1)


def _search_digits(whole: str) -> Iterator[tuple[str, str, int]]:
    for chunk in _DIGITS.finditer(whole):
        begin = chunk.start()
        if begin and whole[begin - 1].isalnum():
            continue
        text = chunk[0]
        rest = text
        version = (
            whole[begin - 1 : begin] == "/" and whole[begin - 2 : begin] != "//"
        )  # of a program, as in Chrome/62.0
        for match in _IPV4.finditer(text):
            if _is_public(match[0]) and not version:
                yield ADDRESS, match[0], begin
                rest = rest.replace(match[0], " # ")
        for match in _CARD.finditer(rest):
            plain = re.sub(r"[ -]", "", match[0])
            if _is_card(plain):
                yield CARD, plain, begin
                rest = rest.replace(match[0], " # ")
        for match in _IDENTITY.finditer(rest):
            yield IDENTITY, match[0], begin
            rest = rest.replace(match[0], " # ")
        for match in _PHONE.finditer(rest):
            plain = re.sub(r"[^0-9]", "", match[0])
            if 7 <= len(plain) <= 15 and not re.match(r"(?:19|20)[0-9]{2}[-. /]", match[0]):
                yield PHONE, plain.removeprefix("00"), begin


def _is_card(digits: str) -> bool:
    return _CARDS.fullmatch(digits) is not None and is_card_number(digits)


def _is_public(text: str) -> bool:
    """An address of the open internet: private, loopback and example ranges point at nobody."""
    try:
        return ipaddress.ip_address(text).is_global
    except ValueError:
        return False
