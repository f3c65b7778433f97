"""Prose around a prompt: its phrases and values, set into the sentences of the kind of text that its words suggest.

Phrases are the runs of words between stop words and marks, as in RAKE (Rose, Engel, Cramer, Cowley: Automatic Keyword
Extraction from Individual Documents, 2010). Nothing is understood; the same prompt gives hundreds of texts.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from workbench.providers.offline.chance import Chance
from workbench.providers.offline.code import describe_exercise
from workbench.providers.offline.exercises import find_exercise
from workbench.providers.offline.grammars import GENERAL, GRAMMARS, TONES, Grammar
from workbench.providers.requests import TextRequest

_STOP = frozenset(
    re.findall(
        r"[a-z]+",
        """
    a about above after all also am an and any are as at be because been before being below between both but by
    can could did do does each every few for from had has have he her him his how i if in into is it its just
    let like make many may me might more most much must my no not of off on one only or other our out over own
    per please shall she should so some such than that the their them then there these they this those through
    to too two three four five under until up upon us use using very was we were what when where which while who
    whose why will with within without would you your yes someone something nothing none null true false write
    writes written writing create generate compose describe describes explain give tell say make produce invent
    short brief long concise realistic plausible natural simple plain style tone language english words word
    sentence sentences paragraph line lines message text note title headline summary email letter caption
    description comment review complaint reply answer question response report entry ticket prompt output
    exactly least most around mention mentions mentioning include including contains named called sounding voice
    summarise summarize against since year years old new asks asking wants about tells opens during
    """,
    )
)
_NUMBER_WORDS = {"a": 1, "one": 1, "single": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7,
                 "eight": 8, "nine": 9, "ten": 10}  # fmt: skip
_SENTENCES = re.compile(
    r"\b(a|one|single|two|three|four|five|six|seven|eight|nine|ten|\d{1,2})\s+(?:short\s+)?sentences?\b"
)
_QUOTED = re.compile(r"[“\"]([^“”\"\n]{2,60})[”\"]")
_VALUE = re.compile(
    r"(?<![\w.])[$€£]?\d[\d.,:/-]*(?:\s?(?:%|°C|km/h|mmHg|(?:EUR|USD|GBP|CHF|kg|mg|g|ml|km|cm|mm|m|ms|s|min|h|bpm|GB|MB)\b))?"
)
_TOKEN = re.compile(r"[.,;:!?()\[\]{}“”\"\n]|[\w'’%€$£-]+")
_CHOICE = re.compile(r"\[([^\[\]]*)\]")
_LONGEST_PHRASE = 4
_MOST_SENTENCES = 400


@dataclass(frozen=True, slots=True)
class _Reading:
    """What a prompt gives to write about."""

    grammar: Grammar
    phrases: tuple[str, ...]
    values: tuple[str, ...]
    tones: tuple[str, ...]
    sentences: int | None
    title: bool
    wants_exercise: bool


def write_prose(request: TextRequest) -> str:
    """One to three sentences, or as many as the prompt or `min_chars` ask for, within `max_chars`."""
    chance = Chance("prose", request.system_prompt, request.prompt, request.seed)
    reading = _read(request.prompt, request.system_prompt)
    if reading.wants_exercise:
        exercise = find_exercise(request.prompt)
        if exercise is not None:
            return cut_text(describe_exercise(exercise, chance), request.min_chars, request.max_chars)
    if reading.title:
        title = " ".join(chance.sample(reading.phrases, chance.between(2, 3))) or "untitled"
        return cut_text(title[0].upper() + title[1:], request.min_chars, request.max_chars)
    count = reading.sentences or chance.between(2, 3)
    sentences = _compose(reading, count, chance)
    length = len(" ".join(sentences))
    for _ in range(_MOST_SENTENCES):
        if length >= request.min_chars:
            break
        sentence = _say_any(reading.grammar.middles + GENERAL.middles, reading, chance)
        sentences.append(sentence)
        length += len(sentence) + 1
    return cut_text(" ".join(sentences), request.min_chars, request.max_chars)


def cut_text(text: str, low: int, high: int) -> str:
    """`text` in at most `high` characters: cut after a sentence, else a word, where at least `low` remain."""
    if len(text) <= high:
        return text
    head = text[:high]
    for marks in (". ", "! ", "? "):
        end = head.rfind(marks) + 1
        if end >= max(low, high // 3, 1):
            return head[:end]
    end = head.rfind(" ")
    return head[:end] if end >= max(low, 1) else head


def _compose(reading: _Reading, count: int, chance: Chance) -> list[str]:
    grammar = reading.grammar
    openings = tuple(form for form in grammar.openings if "{a}" in form) if reading.phrases else grammar.openings
    sentences = [_say_any(openings, reading, chance) or _say_any(grammar.openings, reading, chance)]
    if reading.tones and count > 1:
        sentences.append(_say_any(TONES[chance.pick(reading.tones)], reading, chance))
    middles = chance.sample(grammar.middles, len(grammar.middles))
    for middle in middles:
        if len(sentences) >= count - (count > 2):
            break
        sentence = _say(middle, reading, chance)
        if sentence:
            sentences.append(sentence)
    if len(sentences) < count:
        sentences.append(_say_any(grammar.endings, reading, chance))
    while len(sentences) < count:
        sentences.append(_say_any(GENERAL.middles, reading, chance))
    return sentences


def _say_any(forms: tuple[str, ...], reading: _Reading, chance: Chance) -> str:
    """One of the forms that the prompt can fill; every list has one that needs nothing."""
    for form in chance.sample(forms, len(forms)):
        sentence = _say(form, reading, chance)
        if sentence:
            return sentence
    return ""


def _say(form: str, reading: _Reading, chance: Chance) -> str:
    """The form with its choices made and its places filled; empty where the prompt has nothing for a place."""
    text = _CHOICE.sub(lambda found: chance.pick(found[1].split("|")), form)
    if ("{v}" in text and not reading.values) or ("{a}" in text and not reading.phrases):
        return ""
    phrases = chance.sample(reading.phrases, 2)
    if "{b}" in text and len(phrases) < 2:
        return ""
    slots = {"{a}": phrases[0] if phrases else "", "{b}": phrases[-1] if phrases else "",
             "{v}": chance.pick(reading.values) if "{v}" in text else ""}  # fmt: skip
    text = re.sub(r"\{[abv]\}", lambda found: slots[found[0]], text).replace(" .", ".").strip()
    return text[0].upper() + text[1:]


@lru_cache(maxsize=4096)
def _read(prompt: str, system_prompt: str) -> _Reading:
    words = re.findall(r"[a-z]+", prompt.lower())
    known = set(words) | set(re.findall(r"[a-z]+", system_prompt.lower()))
    scores = [2 * sum(word in grammar.words for word in words) + len(known & grammar.words) for grammar in GRAMMARS]
    best = max(scores)
    asked = _SENTENCES.search(prompt.lower())
    count = asked[1] if asked else None
    grammar = GRAMMARS[scores.index(best)] if best else GENERAL
    return _Reading(
        grammar,
        _find_phrases(prompt, grammar.words),
        tuple(dict.fromkeys(found.strip().rstrip(".,:/-") for found in _VALUE.findall(prompt)))[:12],
        tuple(sorted(TONES.keys() & {word.removesuffix("ly") for word in words} | TONES.keys() & set(words))),
        None if count is None else max(1, int(count) if count.isdigit() else _NUMBER_WORDS[count]),
        bool({"title", "headline"} & set(words)),
        bool({"exercise", "exercises", "task", "kata"} & known),
    )


def _find_phrases(prompt: str, kind: frozenset[str]) -> tuple[str, ...]:
    """Quoted parts, then runs of words that carry meaning, at most four words each.

    Values, tones and phrases that only name the kind of text, of the words `kind`, are left out.
    """
    phrases = list(_QUOTED.findall(prompt))
    run: list[str] = []
    for token in [*_TOKEN.findall(_VALUE.sub(" , ", _QUOTED.sub(" , ", prompt))), "."]:
        plain = token.lower().strip("'’-")
        means = plain[:1].isalpha() and plain not in _STOP and plain.removesuffix("ly") not in TONES
        if not means or len(run) == _LONGEST_PHRASE:
            if not {word.lower() for word in run} <= kind:
                phrases.append(" ".join(run))
            run = []
        if means:
            run.append(token)
    return tuple(dict.fromkeys(phrases))[:24]
