"""New identifiers: texts such as names or codes, made anew in the shapes that the real ones have.

A shape is the sequence of a text's character classes with the marks between them, for instance `Aa-00`. A new text has
a real shape, its letters and digits drawn at random, so it says nothing about a real one beyond its shape; a shape of
few texts is not used. A letter or digit that many texts of a shape have, all at the same place, is kept: the prefix of
customer numbers, say. A text that is a real one by chance is drawn again.

To know the real ones again without keeping them, a model keeps a hash of each that is so short that about one in
eight of all other texts has one of them too (as in Bloom, CACM 1970): who tries all numbers of a shape against a stolen
model learns next to nothing of which were real.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from workbench.columns.values import Values, make_text_array

FEWEST_TEXTS = 5
"""Shapes of fewer texts could point to one of them."""

FEWEST_ALIKE = 20
"""A character that all texts of a shape share is kept where there are at least so many of these."""

_MOST_SHAPES = 200
_MOST_CHARACTERS = 40
_MOST_TRIES = 50
_OTHERS_PER_HIT = 8
_PLAIN = "Aaaaaaaa"
_ALPHABETS = {"0": "0123456789", "a": "abcdefghijklmnopqrstuvwxyz", "A": "ABCDEFGHIJKLMNOPQRSTUVWXYZ"}


@dataclass(frozen=True, slots=True)
class IdentifierShapes:
    """`shapes` with their `weights` (summing to 1), and the share of nulls.

    A shape is a tuple with the characters that each place of the text is drawn from, one where it is the same always.
    `taken` are hashes of the real texts, each of `bits` bits.
    """

    shapes: tuple[tuple[str, ...], ...]
    weights: tuple[float, ...]
    missing: float = 0.0
    taken: frozenset[int] = field(default_factory=frozenset, repr=False)
    bits: int = 0

    def draw(self, generator: Generator, count: int) -> Values:
        """`count` new texts."""
        chosen = generator.choice(len(self.shapes), count, p=self.weights)
        texts = [_fill(self.shapes[shape], generator) for shape in chosen.tolist()]
        for place, shape in enumerate(chosen.tolist()):
            for _ in range(_MOST_TRIES):
                if hash_text(texts[place], self.bits) not in self.taken:
                    break
                texts[place] = _fill(self.shapes[shape], generator)
        valid: NDArray[np.bool_] | None = None
        if self.missing:
            valid = generator.random(count) >= self.missing
        return Values(make_text_array(texts), valid)


def learn_shapes(texts: Sequence[str], missing: float, *, private: bool = False) -> IdentifierShapes:
    """The shapes of `texts`. If `private`, one fixed shape is used, so that nothing at all is learned of them."""
    if private:
        return IdentifierShapes((_spell(_PLAIN, ()),), (1.0,), missing)
    alike: dict[str, list[str]] = {}
    for text in texts:
        alike.setdefault(_find_shape(text), []).append(text)
    common = sorted((each for each in alike.items() if len(each[1]) >= FEWEST_TEXTS), key=lambda each: -len(each[1]))
    common = common[:_MOST_SHAPES] or [(_PLAIN, [_PLAIN])]
    total = sum(len(members) for _, members in common)
    weights = tuple(len(members) / total for _, members in common)
    bits = (_OTHERS_PER_HIT * len(texts)).bit_length()
    taken = frozenset(hash_text(text, bits) for text in texts)
    shapes = tuple(_spell(shape, members) for shape, members in common)
    return IdentifierShapes(shapes, weights, missing, taken, bits)


def hash_text(text: str, bits: int) -> int:
    """The first `bits` of a text's hash, at most 64, the same in every process."""
    digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest) >> (64 - bits)


def _find_shape(text: str) -> str:
    return "".join(map(_find_class, text[:_MOST_CHARACTERS]))


def _find_class(character: str) -> str:
    if character.isdigit():
        return "0"
    if character.isalpha():
        return "A" if character.isupper() else "a"
    return character if character.isprintable() else " "


def _spell(shape: str, texts: Sequence[str]) -> tuple[str, ...]:
    """The characters that each place of a shape is drawn from, as `texts` of that shape have them."""
    many = len(texts) >= FEWEST_ALIKE
    spelled = []
    for place, mark in enumerate(shape):
        seen = {text[place] for text in texts} if many else set()
        spelled.append(seen.pop() if len(seen) == 1 else _ALPHABETS.get(mark, mark))
    return tuple(spelled)


def _fill(shape: tuple[str, ...], generator: Generator) -> str:
    places = generator.random(len(shape)).tolist()
    return "".join(characters[int(place * len(characters))] for characters, place in zip(shape, places, strict=True))
