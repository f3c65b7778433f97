"""Personas: one phrase of the aspects that are asked for, from lists that are built in or the user's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from pydantic import ValidationError

from workbench.columns.persona import PersonaConfig
from workbench.columns.values import Values


def test_personas_are_many_and_the_same_for_any_row_alone(make: Callable[..., Values]) -> None:
    whole = make("{name: a, type: persona}", 5_000).to_list()
    assert len(set(whole)) > 4_900
    assert make("{name: a, type: persona}", (70, 75)).to_list() == whole[70:75]
    assert all(len(text) < 200 and text.startswith(("a ", "an ")) for text in whole)


def test_a_persona_tells_only_the_aspects_asked_for(make: Callable[..., Values]) -> None:
    texts = make("{name: a, type: persona, aspects: [mood]}", 3_000).to_list()
    counts = Counter(texts)
    assert all(text.startswith("a person, ") for text in counts)
    assert len(counts) == 16
    assert min(counts.values()) > 100


def test_an_aspect_keeps_its_values_when_others_come_and_go(make: Callable[..., Values]) -> None:
    moods = make("{name: a, type: persona, aspects: [mood]}", 50).to_list()
    both = make("{name: a, type: persona, aspects: [mood, region]}", 50).to_list()
    assert [text.split(", ")[1] for text in moods] == [text.split(", ")[1] for text in both]


def test_lists_of_the_user_stand_in_for_those_built_in(make: Callable[..., Values]) -> None:
    line = "{name: a, type: persona, aspects: [occupation, mood], lists: {occupation: [a nurse, a vet], mood: [glad]}}"
    assert set(make(line, 200).to_list()) == {"a nurse, glad", "a vet, glad"}


def test_missing_makes_nulls(make: Callable[..., Values]) -> None:
    assert 30 < make("{name: a, type: persona, missing: 0.5}", 100).count_nulls() < 70


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"aspects": []}, "at least 1"),
        ({"aspects": ["mood", "mood"]}, "only once"),
        ({"aspects": ["mood"], "lists": {"region": ["from here"]}}, "not among the aspects"),
        ({"lists": {"mood": []}}, "at least 1"),
        ({"lists": {"mood": ["Glad", "glad"]}}, "stands twice"),
        ({"lists": {"mood": [" "]}}, "match"),
    ],
)
def test_configs_that_cannot_work_say_why(fields: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        PersonaConfig.model_validate({"name": "a", "type": "persona", **fields})
