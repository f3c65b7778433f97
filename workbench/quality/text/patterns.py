"""What a model leaves in a text that nobody asked for, and what breaks on the way: patterns by kind.

Each kind is one regular expression, searched for without backtracking over long stretches.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from workbench.columns.prompts import PromptedConfig
from workbench.spec.model import ColumnConfig

_REFUSAL = (
    r"\bas an? (?:ai|artificial intelligence|large language model|language model)\b",
    r"\bi(?:'|’)?m (?:just |only )?an ai\b",
    r"\bi am (?:just |only )?an ai (?:language )?(?:model|assistant)\b",
    r"\bi(?:'|’)?m (?:sorry|afraid),? (?:but )?(?:i|as an)\b[^.\n]{0,20}\b(?:can(?:'|’)?t|can ?not|unable|not able)\b",
    r"\bi (?:can(?:'|’)?t|can ?not|am unable to|am not able to|won(?:'|’)?t) "
    r"(?:help (?:you|with)|help[.,!]|assist|fulfill?|comply|provide|generate|create|engage|produce)\b",
    r"\b(?:violates?|against) (?:my|our|openai(?:'|’)?s) (?:guidelines|policies|policy|programming)\b",
    r"\bmy (?:knowledge cut-?off|training data)\b",
)
_LEFTOVER = (
    r"\A\s*```",
    r"```\s*\Z",
    r"\A\s*[*_\"“]{0,3}(?:sure|certainly|of course|absolutely|okay|great)[,!.:]{1,2}\s+"
    r"(?:here (?:is|are)|here(?:'|’)s|i(?:'|’)?d be (?:happy|glad)|i can help|i(?:'|’)ll (?:help|write|create))\b",
    r"\A\s*here(?:'|’)?s? (?:is|are|(?:a|an|the|your|some|one)\b)[^.\n]{0,80}:\s*(?:\n|\Z)",
    r"\A\s*(?:output|answer|response|assistant|rewritten|revised)(?: text| message)?:\s",
    r"<\|(?:im_start|im_end|endoftext|eot_id|assistant|user)\|>|</?s>\s*\Z|\[/?INST\]",
    r"\b(?:i hope this helps|let me know if you(?:'|’)?(?:d| would)? (?:like|need|want))\b[^\n]{0,80}\Z",
    r"\A\s*(?:#{1,6} |\*\*[^*\n]{1,60}\*\*:?\s*\n)",
)
_PLACEHOLDER = (
    r"\[(?:your|my|the|insert|customer|company|recipient|sender|client|user|product|agent|first|last|full)?[ _]?"
    r"(?:name|date|address|email|e-mail|phone|phone number|company|title|city|order number|number|product|signature|"
    r"here)\]",
    r"\[insert [^\]\n]{1,40}\]",
    r"\{\{.{0,60}?\}\}|\{%.{0,60}?%\}|\$\{[a-z_]{1,40}\}",
    r"\{(?:[a-z]+_)*(?:name|date|product|topic|text|city|email)\}",
    r"\bTODO\b|\bTBD\b|\bFIXME\b|\bXXXX+\b",
    r"\blorem ipsum\b",
    r"<(?:name|date|product|insert[^>\n]{0,30}|your [^>\n]{1,30})>",
)
_CONTROL = (r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]", r"\x1b\[")
_ENCODING = (
    r"�",
    r"Ã[\u0080-\u00bf¡-¿]|Â[\u0080-\u009f\u00a0-¿]|â€[\u0080-\u00bfœ˜™“”¢¦]|â[\u0080-\u0082][\u0080-\u00bf]",
    r"&(?:amp|lt|gt|quot|nbsp|#\d{2,5});",
    r"\\u[0-9a-fA-F]{4}",
)
_CUT = (
    r"(?:[,;(\-–—/&]|\b(?:and|or|but|the|a|an|of|to|with|for|in|at|by|from|because|that|which|my|your|our|is|are|was))"
    r"\s*\Z",
)

KINDS: dict[str, tuple[str, re.Pattern[str]]] = {
    "refusals": ("refusals", re.compile("|".join(_REFUSAL), re.IGNORECASE)),
    "leftovers": ("words around the answer, or Markdown fences", re.compile("|".join(_LEFTOVER), re.IGNORECASE)),
    "placeholders": ("places nobody filled in", re.compile("|".join(_PLACEHOLDER))),
    "control": ("control characters", re.compile("|".join(_CONTROL))),
    "encoding": ("broken encoding", re.compile("|".join(_ENCODING))),
    "cut": ("cut ends", re.compile("|".join(_CUT), re.IGNORECASE)),
}
ECHO = "the prompt's own words"
_OF_CODE = ("refusals", "leftovers", "control")
"""Braces, open ends and escapes belong into code."""

_LITERAL = 5
"""A literal part of a prompt of so many words is not in an answer by chance."""
_FILLED = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", re.DOTALL)
_GAPS = re.compile(r"\s+")

Search = Callable[[Sequence[str]], list[int]]


def list_searches(config: ColumnConfig | None, *, code: bool) -> dict[str, tuple[str, Search]]:
    """By kind its words, and what gives the places of the texts that have it; `echo` where the column has a prompt."""
    searches = {
        kind: (words, _make_search(pattern)) for kind, (words, pattern) in KINDS.items() if not code or kind in _OF_CODE
    }
    if isinstance(config, PromptedConfig):
        parts = list(_list_literals([config.prompt, config.system_prompt]))
        if parts:
            pattern = re.compile("|".join(parts), re.IGNORECASE)
            searches["echo"] = (ECHO, _make_search(pattern))
    return searches


def _list_literals(templates: Sequence[str]) -> set[str]:
    """The first words of each long enough literal part of the templates, as regular expressions."""
    found = set()
    for template in templates:
        for part in re.split(r"(?<=[.!?:])\s+|\n", _FILLED.sub("\n", template)):
            words = _GAPS.split(part.strip())
            if len(words) >= _LITERAL:
                found.add(r"\s+".join(map(re.escape, words[: 2 * _LITERAL])))
    return found


def _make_search(pattern: re.Pattern[str]) -> Search:
    search = pattern.search
    return lambda texts: [place for place, text in enumerate(texts) if search(text)]
