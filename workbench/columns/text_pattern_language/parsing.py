"""Reading a pattern, by recursive descent, with the place of what is wrong in every message.

Patterns come from people and from files of strangers, so a pattern has bounds: how deep groups nest, how long its
texts may get and how much work a text may be. `a{1000}{1000}` is refused while it is read, before anything is made.
"""

from __future__ import annotations

from typing import NoReturn

from workbench.columns.text_pattern_language.nodes import Chars, Choice, Joined, Node, Repeat

MAX_LENGTH = 1_000
"""Longest text, and longest pattern, in characters."""
UNBOUNDED = 8
"""What * and + go up to."""

_MOST_WORK = 4_000
_DEEPEST = 20
_WIDEST_RANGE = 30_000

_VISIBLE = "".join(map(chr, range(0x21, 0x7F)))
_DIGITS = "0123456789"
_WORD = _DIGITS + "ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz"
_NAMED = {"d": _DIGITS, "w": _WORD, "s": " "}
_LOOKING = {"=": "look-ahead", "!": "look-ahead", "<": "look-behind or a named group", "P": "a named group"}


def parse_pattern(pattern: str) -> Node:
    """The node of the whole pattern. Raises ValueError with a sentence that names the place."""
    return _Parser(pattern).parse()


class _Parser:
    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.place = 0
        self.depth = 0

    def parse(self) -> Node:
        if len(self.pattern) > MAX_LENGTH:
            raise ValueError(f"the pattern has more than {MAX_LENGTH:,} characters")
        if self.peek() == "^":
            self.place += 1
        node = self.parse_choice()
        if self.place < len(self.pattern):
            self.fail("the “)” closes no group; write \\) for the character itself")
        self.check_size(node, 0)
        return node

    def peek(self) -> str:
        """The next character, empty at the end."""
        return self.pattern[self.place : self.place + 1]

    def take(self) -> str:
        character = self.peek()
        self.place += 1
        return character

    def fail(self, sentence: str, place: int | None = None) -> NoReturn:
        raise ValueError(f"at character {(self.place if place is None else place) + 1} of the pattern: {sentence}")

    def check_size(self, node: Node, place: int) -> None:
        if node.lengths[1] > MAX_LENGTH:
            self.fail(f"the texts could have more than {MAX_LENGTH:,} characters", place)
        if node.work > _MOST_WORK:
            self.fail(f"this takes more than {_MOST_WORK:,} steps for one text; repeat less", place)

    def parse_choice(self) -> Node:
        branches = [self.parse_joined()]
        while self.peek() == "|":
            self.place += 1
            branches.append(self.parse_joined())
        return branches[0] if len(branches) == 1 else Choice(tuple(branches))

    def parse_joined(self) -> Node:
        parts = []
        while self.peek() not in ("", "|", ")"):
            if self.peek() == "$" and self.place == len(self.pattern) - 1:
                self.place += 1
                break
            start = self.place
            part = self.parse_quantifier(self.parse_atom(), start)
            self.check_size(part, start)
            parts.append(part)
        return parts[0] if len(parts) == 1 else Joined(tuple(parts))

    def parse_atom(self) -> Node:
        character = self.peek()
        if character == "(":
            return self.parse_group()
        if character == "[":
            return self.parse_class()
        if character in "^$":
            word = "start" if character == "^" else "end"
            self.fail(f"“{character}” may only stand at the {word} of the pattern; write \\{character} for itself")
        if character in "?*+{":
            self.fail(f"there is nothing before “{character}” to repeat; write \\{character} for itself")
        if character in "]}":
            self.fail(f"“{character}” closes nothing; write \\{character} for itself")
        if character == "\\":
            return Chars(self.parse_escape())
        if character == ".":
            self.place += 1
            return Chars(_VISIBLE)
        return Chars(self.take_printable())

    def take_printable(self) -> str:
        if not self.peek().isprintable():
            self.fail("a control character cannot stand in a pattern")
        return self.take()

    def parse_escape(self) -> str:
        """The characters that an escape stands for."""
        start = self.place
        self.place += 1
        character = self.take()
        if not character:
            self.fail("a “\\” at the end stands for nothing; write \\\\ for itself", start)
        if character in _NAMED:
            return _NAMED[character]
        if character.lower() in _NAMED:
            return _leave_out(_NAMED[character.lower()])
        if character in "123456789":
            self.fail("references back to a group are not supported", start)
        if character in "bBAZzG":
            self.fail(f"“\\{character}” is not supported, as it stands for a place and not for a character", start)
        if character.isalnum() or not character.isprintable():
            self.fail(
                "this escape is not known; there are \\d \\w \\s \\D \\W \\S, or write the character itself", start
            )
        return character

    def parse_group(self) -> Node:
        start = self.place
        self.place += 1
        if self.peek() == "?":
            mark = self.pattern[self.place + 1 : self.place + 2]
            if mark != ":":
                self.fail(f"{_LOOKING.get(mark, 'a group with flags')} is not supported; use ( ) or (?: )", start)
            self.place += 2
        self.depth += 1
        if self.depth > _DEEPEST:
            self.fail(f"groups are nested deeper than {_DEEPEST}", start)
        node = self.parse_choice()
        if self.take() != ")":
            self.fail("this “(” has no “)”", start)
        self.depth -= 1
        return node

    def parse_class(self) -> Node:
        start = self.place
        self.place += 1
        negated = self.peek() == "^"
        self.place += negated
        chosen: set[str] = set()
        while self.peek() != "]":
            if not self.peek():
                self.fail("this “[” has no “]”", start)
            chosen |= self.parse_span()
        self.place += 1
        characters = _leave_out("".join(chosen)) if negated else "".join(sorted(chosen))
        if not characters:
            self.fail("no character is left in this class", start)
        return Chars(characters)

    def parse_span(self) -> set[str]:
        """A character of a class, or a range of them."""
        start = self.place
        first = self.parse_class_character()
        if self.peek() != "-" or self.pattern[self.place + 1 : self.place + 2] in ("]", ""):
            return set(first)
        self.place += 1
        last = self.parse_class_character()
        if len(first) > 1 or len(last) > 1:
            self.fail("a range needs one character at each end; write \\- for the character itself", start)
        if first > last:
            self.fail(f"the range {first}-{last} runs backwards", start)
        if ord(last) - ord(first) >= _WIDEST_RANGE:
            self.fail(f"a range may hold at most {_WIDEST_RANGE:,} characters", start)
        return {chr(code) for code in range(ord(first), ord(last) + 1) if chr(code).isprintable()}

    def parse_class_character(self) -> str:
        return self.parse_escape() if self.peek() == "\\" else self.take_printable()

    def parse_quantifier(self, part: Node, start: int) -> Node:
        place = self.place
        mark = self.peek()
        if mark not in ("?", "*", "+", "{"):
            return part
        self.place += 1
        if mark == "{":
            low, high = self.parse_counts(place)
        else:
            low, high = int(mark == "+"), 1 if mark == "?" else UNBOUNDED
        if self.peek() in ("?", "*", "+", "{"):
            self.fail("a repetition cannot follow another one directly; put the first into a group")
        return Repeat(part, low, high)

    def parse_counts(self, place: int) -> tuple[int, int]:
        closing = self.pattern.find("}", self.place)
        ends = self.pattern[self.place : closing].split(",") if closing > 0 else []
        if not 1 <= len(ends) <= 2 or not all(end.isascii() and end.isdigit() and len(end) <= 9 for end in ends):
            self.fail("give how often as {3} or {2,5}, with both ends; write \\{ for the character itself", place)
        low, high = int(ends[0]), int(ends[-1])
        if low > high:
            self.fail(f"{{{low},{high}}} runs backwards", place)
        if high > MAX_LENGTH:
            self.fail(f"nothing can be repeated more than {MAX_LENGTH:,} times", place)
        self.place = closing + 1
        return low, high


def _leave_out(characters: str) -> str:
    """The visible ASCII characters but these."""
    return "".join(character for character in _VISIBLE if character not in characters)
