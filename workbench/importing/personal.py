"""Which columns are likely personal data, told by their names and by what their values look like.

A column that is flagged is never measured: its values are replaced by invented ones of Faker. Names of columns are
looked up in English, German, French and Spanish; values must agree in nine of ten rows.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from workbench.importing.naming import split_words

_NINE_OF_TEN = 0.9


@dataclass(frozen=True, slots=True)
class Personal:
    """What it likely is, in words, and the Faker method (with its arguments) that invents such a thing."""

    what: str
    method: str
    args: dict[str, Any] | None = None

    def as_fields(self) -> dict[str, Any]:
        """The column's fields without its name."""
        return {"type": "faker", "method": self.method} | ({"args": self.args} if self.args else {})


_EMAIL = Personal("e-mail address", "email")
_PHONE = Personal("phone number", "phone_number")
_NAME = Personal("name of a person", "name")
_IBAN = Personal("IBAN", "iban")
_CARD = Personal("card number", "credit_card_number")
_IPV4 = Personal("IP address", "ipv4")
_IPV6 = Personal("IP address", "ipv6")
_SSN = Personal("national identity number", "ssn")
_MAC = Personal("hardware address", "mac_address")
_STREET = Personal("street address", "street_address")

_NAMES: tuple[tuple[str, Personal], ...] = (
    (r"(first|given|fore|christian) ?name|vorname|prenom|nombre de pila|fname", Personal("first name", "first_name")),
    (r"(last|family|sur|maiden|middle) ?name|(nach|familien|geburts)name|nom de famille|apellidos?|lname",
     Personal("last name", "last_name")),
    (r"full ?name|(card|account) ?holder( name)?|kontoinhaber", _NAME),
    (r"(patient|customer|client|employee|person|contact|user|student|member|doctor|physician|owner|driver|guest"
     r"|passenger|applicant|kunden?|mitarbeiter)s? ?name", _NAME),
    (r"e ?mail( address| addr| adresse)?|correo( electronico)?|courriel", _EMAIL),
    (r"(tele|mobile |cell |home |work )?phone( no| number| nr)?|tel|mobile|telefon(nummer)?|handy|fax( number)?"
     r"|telephone|telefono", _PHONE),
    (r"(street|home|postal|mailing|billing|shipping)? ?address( line)?( \d)?|street|strasse|anschrift|adresse|rue"
     r"|direccion|calle|wohnort", _STREET),
    (r"(zip|postal|post)( ?code)?|plz|postleitzahl|code postal", Personal("postal code", "postcode")),
    (r"ssn|social security( number| no)?|national id|nino|nhs( number)?|sozialversicherungsnummer|tax id|steuer id"
     r"|personnummer|dni|curp|cpf", _SSN),
    (r"passport( number| no)?|reisepass(nummer)?", Personal("passport number", "passport_number")),
    (r"(drivers? )?licen[cs]e( number| no)", Personal("licence number", "bothify", {"text": "??######"})),
    (r"licen[cs]e plate|number plate|plate( number)?|kennzeichen", Personal("licence plate", "license_plate")),
    (r"iban|(bank )?account (number|no)|kontonummer", _IBAN),
    (r"(credit |debit )?card (number|no)|kreditkarte(nnummer)?|credit card", _CARD),
    (r"ip( address| addr)?|client ip|remote addr(ess)?|source ip|src ip", _IPV4),
    (r"mac( address)?", _MAC),
    (r"user ?name|login( name)?|benutzername|nickname", Personal("user name", "user_name")),
    (r"password|passwd|passwort", Personal("password", "password")),
)  # fmt: skip
_BIRTH = re.compile(r"(date of )?birth( ?date| ?day)?|dob|geburts?(datum|tag)|date de naissance|fecha de nacimiento")
_QUALIFIED = re.compile(
    r"(?:patient|customer|client|employee|person|contact|user|student|member|owner|driver|guest|kunde|emergency) "
)


def find_personal(name: str, texts: Sequence[str]) -> Personal | None:
    """What the column called `name` likely holds of a person. `texts` are some of its values, all of them not missing.

    A telling name counts where the values do not contradict it; telling values count whatever the name is.
    """
    words = " ".join(split_words(name))
    by_values = _find_by_values(texts)
    if by_values is not None:
        return by_values
    for pattern, personal in _NAMES:
        if re.fullmatch(pattern, words) or re.fullmatch(pattern, _QUALIFIED.sub("", words, count=1)):
            return personal if _agrees(personal, texts) else None
    if words in ("name", "names", "nom", "nombre") and _share(texts, _looks_like_a_person) >= _NINE_OF_TEN:
        return _NAME
    return None


def is_birth_date(name: str) -> bool:
    """Whether the name says that the dates are those of births."""
    words = " ".join(split_words(name))
    return bool(_BIRTH.fullmatch(words) or _BIRTH.fullmatch(_QUALIFIED.sub("", words, count=1)))


def _find_by_values(texts: Sequence[str]) -> Personal | None:
    for matches, personal in _VALUES:
        if _share(texts, matches) >= _NINE_OF_TEN:
            return personal
    return None


def _share(texts: Sequence[str], matches: Callable[[str], bool]) -> float:
    return sum(map(matches, texts)) / len(texts) if texts else 0.0


def _agrees(personal: Personal, texts: Sequence[str]) -> bool:
    """False where the values are plainly something else: a `phone` of product names, a `street` of numbers."""
    if not texts:
        return True
    digits = _share(texts, lambda text: any(character.isdigit() for character in text))
    if personal.what in ("phone number", "card number", "IP address", "national identity number"):
        return digits >= 0.5
    if personal.what in ("first name", "last name", "name of a person"):
        return digits <= 0.5
    if personal is _EMAIL:
        return _share(texts, lambda text: "@" in text) >= 0.5
    if personal is _STREET:
        return _share(texts, lambda text: len(text) >= 4 and not text.isdigit()) >= 0.5
    return True


def _looks_like_a_person(text: str) -> bool:
    words = text.split()
    return 2 <= len(words) <= 4 and all(
        re.fullmatch(r"[^\W\d_][\w'’.-]*", word) and word[0].isupper() for word in words
    )


def is_iban(text: str) -> bool:
    """The check of ISO 13616: moved, letters made numbers, the remainder by 97 is 1."""
    plain = text.replace(" ", "").upper()
    if not re.fullmatch(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{10,30}", plain):
        return False
    return int("".join(str(int(character, 36)) for character in plain[4:] + plain[:4])) % 97 == 1


def is_card_number(text: str) -> bool:
    """13 to 19 digits, with a leading digit that card networks use, that pass Luhn's check (ISO/IEC 7812-1)."""
    plain = re.sub(r"[ -]", "", text)
    if not re.fullmatch(r"[2-6][0-9]{12,18}", plain):
        return False
    digits = [int(digit) for digit in reversed(plain)]
    return sum(digits[0::2] + [sum(divmod(2 * digit, 10)) for digit in digits[1::2]]) % 10 == 0


def _is_ipv4(text: str) -> bool:
    parts = text.split(".")
    return len(parts) == 4 and all(re.fullmatch(r"[0-9]{1,3}", part) and int(part) < 256 for part in parts)


def _is_phone(text: str) -> bool:
    """A leading + or 0 or bracket and 7 to 15 digits with separators, so that plain whole numbers are none."""
    grouped = re.fullmatch(r"\+?[(0-9][0-9()./ x-]{6,24}", text) is not None
    digits = sum(character.isdigit() for character in text)
    written = text.startswith(("+", "(", "00")) or re.fullmatch(r"[0-9]{3}[-. ][0-9]{3}[-. ][0-9]{4}(x[0-9]+)?", text)
    return grouped and 7 <= digits <= 20 and bool(written) and not re.match(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text)


_VALUES: tuple[tuple[Callable[[str], bool], Personal], ...] = (
    (lambda text: re.fullmatch(r"[^@\s]{1,64}@[^@\s]+\.[A-Za-z]{2,24}", text) is not None, _EMAIL),
    (is_iban, _IBAN),
    (_is_ipv4, _IPV4),
    (lambda text: text.count(":") >= 2 and re.fullmatch(r"[0-9A-Fa-f:]{6,39}", text) is not None
        and ("::" in text or text.count(":") == 7), _IPV6),
    (lambda text: re.fullmatch(r"[0-9A-Fa-f]{2}([:-][0-9A-Fa-f]{2}){5}", text) is not None, _MAC),
    (lambda text: re.fullmatch(r"[0-9]{3}-[0-9]{2}-[0-9]{4}", text) is not None, _SSN),
    (is_card_number, _CARD),
    (_is_phone, _PHONE),
)  # fmt: skip
