"""`persona`: who speaks or is spoken to in a row, as one phrase for a prompt, so that a model's texts differ in voice.

{name: writer, type: persona}
{name: writer, type: persona, aspects: [occupation, mood], lists: {occupation: [a nurse, a paramedic]}}

The phrase is put together from lists, each drawn by itself: with all aspects there are 691,200 persons. The lists
name no country, sex, origin, belief, health or family, and join no mood to a trade or an age. No model is asked.
"""

from __future__ import annotations

from typing import Annotated, Literal, get_args

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator, model_validator

from workbench.columns.column_type import Maker, Row, TableContext, register
from workbench.columns.sampling import SamplerConfig, drop_missing
from workbench.columns.streams import Draws
from workbench.columns.values import Values, make_text_array

Aspect = Literal["occupation", "age_band", "region", "mood", "knowledge"]

_ASPECTS: tuple[Aspect, ...] = get_args(Aspect)
"""In the order in which a phrase names them."""

_Phrase = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f]*\S[^\x00-\x1f]*$")]

_LISTS: dict[Aspect, tuple[str, ...]] = {
    "occupation": (
        "an accountant", "an actor", "an air traffic controller", "an archivist", "an architect", "a baker",
        "a bank clerk", "a barber", "a beekeeper", "a biologist", "a bookseller", "a bricklayer", "a bus driver",
        "a butcher", "a call-centre agent", "a care worker", "a carpenter", "a chemist", "a civil engineer",
        "a cleaner", "a cook", "a courier", "a crane operator", "a customs officer", "a dental assistant", "a dentist",
        "an electrician", "an estate agent", "an event planner", "a farmer", "a firefighter", "a fisher", "a florist",
        "a forester", "a gardener", "a geologist", "a glazier", "a graphic designer", "a hotel receptionist",
        "an insurance adjuster", "an interpreter", "a journalist", "a judge", "a kindergarten teacher",
        "a laboratory technician", "a landlord", "a language teacher", "a lawyer", "a librarian", "a lift mechanic",
        "a machine operator", "a market trader", "a mathematician", "a mechanic", "a midwife", "a museum guide",
        "a musician", "a network administrator", "a notary", "a nurse", "an office manager", "an optician", "a painter",
        "a paramedic", "a pharmacist", "a photographer", "a physiotherapist", "a pilot", "a plumber",
        "a police officer", "a postal worker", "a product manager", "a programmer", "a psychologist", "a radiographer",
        "a science teacher",
        "a roofer", "a sailor", "a school caretaker", "a security guard", "a ship's engineer", "a shop owner",
        "a social worker", "a statistician", "a student", "a surgeon", "a surveyor", "a tailor", "a tax adviser",
        "a taxi driver", "a tour guide", "a train driver", "a translator", "a vet", "a waiter", "a warehouse worker",
        "a watchmaker", "a web designer", "a welder", "a youth worker",
    ),
    "age_band": (
        "in their twenties", "in their thirties", "in their forties", "in their fifties",
        "in their sixties", "in their seventies",
    ),
    "region": (
        "from a capital city", "from a large city", "from a suburb", "from a university town", "from a harbour town",
        "from a small town", "from a mountain village", "from a farming village", "from an island",
        "from a border region", "from an industrial region", "from a holiday resort",
    ),
    "mood": (
        "calm and to the point", "friendly and talkative", "polite and formal", "impatient and brief",
        "worried and full of questions", "cheerful and informal", "sceptical but fair", "tired and distracted",
        "curious and thorough", "disappointed but civil", "hesitant and apologetic", "confident and direct",
        "dryly humorous", "angry but factual", "grateful and warm", "in a great hurry",
    ),
    "knowledge": (
        "new to the subject", "with a vague idea of the subject", "with everyday knowledge of the subject",
        "well read in the subject", "with years of practice in the subject", "an expert in the subject",
    ),
}  # fmt: skip


class PersonaConfig(SamplerConfig):
    """A person in one phrase for a prompt: occupation, age band, region, mood and knowledge."""

    type: Literal["persona"]
    aspects: Annotated[list[Aspect], Field(min_length=1)] = Field(
        list(_ASPECTS), description="What the phrase tells: occupation, age_band, region, mood, knowledge"
    )
    lists: dict[Aspect, Annotated[list[_Phrase], Field(min_length=1)]] = Field(
        {}, description="Phrases of your own for an aspect, in place of those that are built in"
    )

    @field_validator("aspects")
    @classmethod
    def validate_aspects(cls, aspects: list[Aspect]) -> list[Aspect]:
        if len(set(aspects)) < len(aspects):
            raise ValueError("name each aspect only once")
        return aspects

    @model_validator(mode="after")
    def validate_lists(self) -> PersonaConfig:
        for aspect, phrases in self.lists.items():
            if aspect not in self.aspects:
                raise ValueError(f"there is a list of {aspect}, which is not among the aspects")
            if len({phrase.casefold() for phrase in phrases}) < len(phrases):
                raise ValueError(f"a phrase stands twice in the list of {aspect}")
        return self


def make(config: PersonaConfig, context: TableContext) -> Maker:
    """A phrase of each aspect by its own uniform number, joined into one."""
    aspects = [aspect for aspect in _ASPECTS if aspect in config.aspects]
    lists = {aspect: tuple(config.lists.get(aspect, _LISTS[aspect])) for aspect in aspects}

    def compose(draws: Draws, inputs: Row) -> Values:
        chosen = [_pick(lists[aspect], draws.uniform(aspect)) for aspect in aspects]
        texts = [_join(dict(zip(aspects, row, strict=True))) for row in zip(*chosen, strict=True)]
        return drop_missing(config, draws, make_text_array(texts))

    return Maker("string", compose)


def _pick(phrases: tuple[str, ...], uniform: NDArray[np.float64]) -> list[str]:
    return [phrases[place] for place in (uniform * len(phrases)).astype(np.int64).tolist()]


def _join(phrases: dict[Aspect, str]) -> str:
    """The phrases as one: who, of what age and from where without a comma between, the others after one each."""
    who = [phrases.get("occupation", "a person"), *(phrases[name] for name in _CLOSE if name in phrases)]
    return ", ".join([" ".join(who), *(phrases[name] for name in _LOOSE if name in phrases)])


_CLOSE: tuple[Aspect, ...] = ("age_band", "region")
_LOOSE: tuple[Aspect, ...] = ("mood", "knowledge")


register(
    PersonaConfig,
    make,
    group="samplers",
    example="{name: writer, type: persona, aspects: [occupation, age_band, mood]}",
)
