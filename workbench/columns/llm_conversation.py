"""`llm_conversation`: a talk between a user that a model plays and an assistant, turn by turn, as a list of messages.

{name: chat, type: llm_conversation, opening: "{{ question }}", turns: 4, stop_when: "(?i)goodbye",
 user: {system_prompt: "You are an impatient customer."}, assistant: {model: writer, system_prompt: "Help briefly."}}

The opening is the user's first message. Each further message is asked for with all before it; to the model that plays
the user the roles are swapped, so that it, too, answers as an assistant does.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field, field_validator

from workbench.calls.failures import Rejected
from workbench.columns.answered import collect
from workbench.columns.answers import EMPTY_REASONS, clean_answer
from workbench.columns.column_type import Maker, Row, TableContext, register
from workbench.columns.generated import (
    ColumnModel,
    NullSkippedConfig,
    Texts,
    compile_skip,
    compile_texts,
    find_template_names,
)
from workbench.columns.streams import Draws
from workbench.columns.texts import matches
from workbench.columns.values import Values
from workbench.columns.writing import check_pattern
from workbench.providers.requests import Answer, TextRequest, Turn
from workbench.spec.model import Name, StrictModel

_BEGIN = Turn("user", "Begin the conversation.")
"""What the model that plays the user seems to have been told first: models expect a user to begin."""

_PLAYED = (
    "You play the user of an assistant. Write only the user's next message, in the user's own words, "
    "and never answer as the assistant."
)
Role = Literal["user", "assistant"]


class SpeakerConfig(StrictModel):
    """One side of the conversation."""

    model: Name | None = Field(None, description="Which of the spec's models speaks; that of the column if left out")
    system_prompt: str = Field("", description="What the model is told before, in Jinja over columns of the row")

    @field_validator("system_prompt")
    @classmethod
    def validate_template(cls, template: str) -> str:
        find_template_names(template)
        return template


class LlmConversationConfig(NullSkippedConfig):
    """A conversation of several turns between a played user and an assistant."""

    type: Literal["llm_conversation"]
    opening: Annotated[str, Field(min_length=1)] = Field(
        description="The user's first message, in Jinja over columns of the row; an empty text makes no conversation"
    )
    user: SpeakerConfig = Field(SpeakerConfig(), description="Who plays the user")
    assistant: SpeakerConfig = Field(SpeakerConfig(), description="Who answers")
    turns: Annotated[int, Field(ge=1, le=50)] = Field(3, description="Most answers of the assistant")
    stop_when: Annotated[str, Field(min_length=1)] | None = Field(
        None, description="Regular expression or phrase; the conversation ends with the first message that holds it"
    )
    max_chars: Annotated[int, Field(ge=1, le=20_000)] = Field(1_000, description="A longer message is cut here")

    @field_validator("opening")
    @classmethod
    def validate_template(cls, template: str) -> str:
        find_template_names(template)
        return template

    @field_validator("stop_when")
    @classmethod
    def validate_pattern(cls, pattern: str | None) -> str | None:
        return check_pattern(pattern)

    def templates(self) -> tuple[str, ...]:
        return (self.opening, self.user.system_prompt, self.assistant.system_prompt)


@dataclass(slots=True)
class _Talk:
    """The conversation of one row. `over` also where a message could not be had: then `lost` is True."""

    turns: list[Turn]
    over: bool = False
    lost: bool = False
    systems: dict[Role, str] = field(default_factory=dict)


class _Speaker:
    """One side, with its model and what it is told."""

    def __init__(self, role: Role, config: LlmConversationConfig, context: TableContext) -> None:
        own: SpeakerConfig = getattr(config, role)
        chosen = config if own.model is None else config.model_copy(update={"model": own.model})
        self.role = role
        self.model = ColumnModel(chosen, context, "text")
        self.systems: Texts = compile_texts(config, own.system_prompt, context)

    def write_request(self, talk: _Talk, seed: int, max_chars: int) -> TextRequest:
        """The request for this side's next message."""
        system = talk.systems[self.role]
        if self.role == "assistant":
            *before, last = talk.turns
            return TextRequest(last.content, seed, system, max_chars=max_chars, history=tuple(before))
        swapped = [Turn("user" if turn.role == "assistant" else "assistant", turn.content) for turn in talk.turns]
        told = f"{system.rstrip()}\n\n{_PLAYED}".strip()
        history = (_BEGIN, *swapped[:-1])
        return TextRequest(swapped[-1].content, seed, told, max_chars=max_chars, history=history)


def make(config: LlmConversationConfig, context: TableContext) -> Maker:
    """One list of messages a row, each {role, content}; null where a message could not be had."""
    speakers = (_Speaker("assistant", config, context), _Speaker("user", config, context))
    openings = compile_texts(config, config.opening, context)
    is_asked = compile_skip(config, context)

    def accept(answer: Answer) -> str:
        message = clean_answer(answer.text)[: config.max_chars].rstrip()
        if not message:
            raise Rejected("empty answer", EMPTY_REASONS[answer.finish])
        return message

    def speak(speaker: _Speaker, turn: int, draws: Draws, talks: list[_Talk]) -> None:
        """Add the speaker's message to every talk that goes on."""
        number = turn // 2
        going = [place for place, talk in enumerate(talks) if not talk.over]
        chosen = draws.select(np.array(going, np.int64))
        seeds = chosen.bits(f"{speaker.role} {number}").tolist()
        requests = [
            speaker.write_request(talks[place], seed, config.max_chars)
            for place, seed in zip(going, seeds, strict=True)
        ]
        messages = speaker.model.ask(chosen, requests, [accept] * len(requests), part=turn)
        for place, message in zip(going, messages, strict=True):
            talk = talks[place]
            if message is None:
                talk.over = talk.lost = True
                continue
            talk.turns.append(Turn(speaker.role, message))
            talk.over = config.stop_when is not None and matches(config.stop_when, message)

    def values(draws: Draws, inputs: Row) -> Values:
        asked = is_asked(draws, inputs)
        chosen, rows = draws.select(asked), {name: column.take(asked) for name, column in inputs.items()}
        talks = [
            _Talk([Turn("user", opening.strip())], not opening.strip(), not opening.strip())
            for opening in openings(chosen, rows)
        ]
        for speaker in speakers:
            for talk, system in zip(talks, speaker.systems(chosen, rows), strict=True):
                talk.systems[speaker.role] = system
        for turn in range(2 * config.turns - 1):
            speak(speakers[turn % 2], turn, chosen, talks)
        found: list[Any] = [None] * len(draws)
        for position, talk in zip(np.flatnonzero(asked).tolist(), talks, strict=True):
            if not talk.lost:
                found[position] = [{"role": turn.role, "content": turn.content} for turn in talk.turns]
        return collect("nested", found)

    return Maker(
        "nested",
        values,
        nested=({"role": "string", "content": "string"},),
        find_lost=speakers[0].model.dropper,
        costly=any(speaker.model.is_costly for speaker in speakers),
        calls=2 * config.turns - 1,
    )


register(
    LlmConversationConfig,
    make,
    group="generated",
    example='{name: chat, type: llm_conversation, opening: "My parcel is late.", turns: 2, user: {system_prompt: '
    '"You are a customer."}, assistant: {system_prompt: "You are a kind helper."}}',
)
