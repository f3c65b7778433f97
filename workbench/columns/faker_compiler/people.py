"""Persons of a locale whose fields agree: the name is of the sex, the user name of the name, the address of the city.

Each field has a stream of its own, so asking for fewer fields changes none. Faker has no link between a city and its
postcode or state, and so there is none here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from workbench.columns.faker_compiler import rules
from workbench.columns.faker_compiler.reading import read_method, read_or_call
from workbench.columns.faker_compiler.row_calls import load_generator
from workbench.columns.faker_compiler.trees import (
    Branch,
    Chance,
    Given,
    Node,
    Pick,
    join,
    list_given,
    list_texts,
    make_texts,
)
from workbench.columns.streams import Draws
from workbench.columns.values import Array, make_text_array

if TYPE_CHECKING:
    from faker import Generator

SEXES = ("female", "male")
_PLAIN = {"phone": "phone_number", "street_address": "street_address", "postcode": "postcode", "city": "city",
          "company": "company", "job": "job"}  # fmt: skip
_IN_ADDRESS = ("street_address", "postcode", "city")
_DAY_US = 86_400_000_000


@dataclass(frozen=True)
class People:
    """The trees of a locale: by sex where there are two, else one for everybody."""

    by_sex: Mapping[str, tuple[Node, Node]]
    plain: Mapping[str, Node]

    def has(self, field: str) -> bool:
        """Whether Faker has this in the locale; some have no phone numbers."""
        return field not in _PLAIN or field in self.plain


@lru_cache(maxsize=16)
def load_people(locale: str) -> People:
    """The trees of a locale. Raises ValueError if Faker has no such locale."""
    generator = load_generator(locale)
    by_sex = {}
    for part in ("first_name", "last_name"):
        by_sex[part] = _pair(lambda sex, part=part: read_or_call(generator, f"{part}_{sex}"))  # type: ignore[misc]
    texts = {part: _list_known(trees) for part, trees in by_sex.items()}
    given = {
        token: Given(part, texts[part])
        for part in texts
        for token in (part, f"{part}_female", f"{part}_male", f"{part}_nonbinary")
    }
    spoken = join([given["first_name"], Pick((" ",)), given["last_name"]])
    by_sex["name"] = _pair(lambda sex: _keep_fullest(_read_with(generator, f"name_{sex}", given, spoken)))
    plain = {field: read_or_call(generator, method) for field, method in _PLAIN.items() if hasattr(generator, method)}
    plain["user_name"] = _read_user_name(generator, {**given, **_romanize(generator, given)})
    plain["email"] = rules.rewrite(
        rules.LOWER, join([Given("user_name"), Pick(("@",)), read_or_call(generator, "safe_domain_name")])
    )
    plain["address"] = _read_address(generator)
    return People(by_sex, plain)


class Persons:
    """The persons of some rows: `get(field)` makes a field, and what it stands on, once."""

    def __init__(self, people: People, draws: Draws, ages: tuple[int, int], as_of: date) -> None:
        self.people = people
        self.draws = draws
        self.ages = ages
        self.as_of = as_of
        self._made: dict[str, Array] = {}

    def get(self, field: str) -> Array:
        """The values of a `PersonField`, of shape (rows,) in the dtype of its kind."""
        if field not in self._made:
            self._made[field] = self._make(field)
        return self._made[field]

    def _make(self, field: str) -> Array:
        if field == "sex":
            return make_text_array(SEXES).take(self._is_male().astype(np.int64))
        if field == "age":
            low, high = self.ages
            ages: Array = low + (self._stream("age").uniform() * (high - low + 1)).astype(np.int64)
            return ages
        if field == "birth_date":
            return self._make_birth_date()
        if field in self.people.by_sex:
            return self._make_by_sex(field)
        tree = self.people.plain[field]
        return make_texts(tree, self._stream(field), self._get_given(tree))

    def _make_by_sex(self, field: str) -> Array:
        trees = self.people.by_sex[field]
        chance = Chance(self._stream(field), {**self._get_given(trees[0]), **self._get_given(trees[1])})
        made = np.empty(len(self.draws), object)
        male = self._is_male()
        for tree, rows in zip(trees, (np.flatnonzero(~male), np.flatnonzero(male)), strict=True):
            made[rows] = tree.make(chance, 0, rows)
        return made

    def _make_birth_date(self) -> Array:
        """A day, all equally likely, on which one must be born to have the person's age at `as_of`."""
        low, high = self.ages
        birthdays = np.array([_shift_years(self.as_of, years) for years in range(low, high + 2)], "datetime64[D]")
        latest = birthdays.astype(np.int64)
        age = self.get("age") - low
        first = latest[age + 1] + 1
        span = latest[age] - latest[age + 1]
        days = first + (self._stream("birth_date").uniform() * span).astype(np.int64)
        moments: Array = (days * _DAY_US).view("datetime64[us]")
        return moments

    def _is_male(self) -> NDArray[np.bool_]:
        return self._stream("sex").uniform() >= 0.5

    def _get_given(self, tree: Node) -> dict[str, Array]:
        return {name: self.get(name) for name in list_given(tree)}

    def _stream(self, part: str) -> Draws:
        return replace(self.draws, column=f"{self.draws.column} {part}")


def _pair(read: Callable[[str], Node]) -> tuple[Node, Node]:
    return read(SEXES[0]), read(SEXES[1])


def _list_known(trees: tuple[Node, Node]) -> tuple[str, ...] | None:
    texts: list[str] = []
    for tree in trees:
        found = list_texts(tree) if isinstance(tree, Pick) else None
        if found is None:
            return None
        texts += found
    return tuple(dict.fromkeys(texts))


def _read_with(generator: Generator, method: str, given: Mapping[str, Given], instead: Node) -> Node:
    """The method around the person's own texts; `instead` where the locale's method does not use them."""
    tree = read_method(generator, method, given=given)
    return tree if tree is not None and list_given(tree) else instead


def _read_user_name(generator: Generator, given: Mapping[str, Given]) -> Node:
    internet = generator.provider("faker.providers.internet")
    to_ascii = rules.make_ascii_rule(internet._to_ascii, internet.replacements)  # type: ignore[union-attr]
    written = rules.rewrite(to_ascii, rules.rewrite(rules.LOWER, join([given["first_name"], given["last_name"]])))
    return _read_with(generator, "user_name", given, rules.rewrite(rules.SLUG, written))


def _romanize(generator: Generator, given: Mapping[str, Given]) -> dict[str, Given]:
    """Japanese names have a romanized form each, of which Faker makes user names."""
    person: Any = generator.provider("faker.providers.person")
    found = {}
    for part in ("first", "last"):
        pairs = getattr(person, f"{part}_name_pairs", ())
        if pairs and all(len(pair) == 3 for pair in pairs):
            letters = {name: romanized for name, _, romanized in pairs}
            own = given[f"{part}_name"]
            texts = None if own.texts is None else tuple(letters.get(text, text) for text in own.texts)
            found[f"{part}_romanized_name"] = Given(
                own.name,
                texts,
                (lambda text, letters=letters: letters.get(text, text),),  # type: ignore[misc]
            )
    return found


def _read_address(generator: Generator) -> Node:
    """The locale's address around the person's street, postcode and city, as far as its formats have them."""
    given = {name: Given(name) for name in _IN_ADDRESS}
    tree = read_method(generator, "address", given=given, deep=True)
    if tree is None or not list_given(tree):
        return join([given["street_address"], Pick(("\n",)), given["postcode"], Pick((" ",)), given["city"]])
    return _keep_fullest(tree)


def _keep_fullest(tree: Node) -> Node:
    """Of several formats those that hold the most of what is given: a name with both its parts, not only one."""
    if not isinstance(tree, Branch):
        return tree
    most = max(len(list_given(case)) for case in tree.cases)
    weights = tree.weights or (1.0,) * len(tree.cases)
    kept = [pair for pair in zip(tree.cases, weights, strict=True) if len(list_given(pair[0])) == most]
    return rules.choose([case for case, _ in kept], tuple(weight for _, weight in kept))


def _shift_years(day: date, years: int) -> date:
    """The birthday `years` before; who was born on 29 February has it on the 28th in other years."""
    try:
        return day.replace(year=day.year - years)
    except ValueError:
        return day.replace(year=day.year - years, day=28)
