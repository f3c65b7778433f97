"""What columns that ask a language model share: a prompt, what is told before it, and examples from real data.

Examples are turns of a conversation before the prompt, one of the user and one of the assistant each: models follow
what they seem to have said themselves more closely than a description.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator

from workbench.calls.failures import Place
from workbench.columns.column_type import Row, TableContext
from workbench.columns.frames import read_series
from workbench.columns.generated import GeneratedConfig, compile_texts, find_template_names
from workbench.columns.streams import Draws
from workbench.errors import WorkbenchError
from workbench.providers.requests import TextRequest, Turn
from workbench.spec.model import Name, StrictModel
from workbench.spec.problems import suggest

if TYPE_CHECKING:
    import pandas as pd

Template = Annotated[str, Field(min_length=1)]
Records = Callable[[Draws], list[list[dict[str, Any]]]]
NotePlaces = Callable[[Draws, NDArray[np.int64]], None]
MAX_EXAMPLES = 50


class ExamplesConfig(StrictModel):
    """Rows of real data that are shown to the model as answers it gave before."""

    source: Name = Field(description="Name of the source; rows of its holdout are never shown")
    count: Annotated[int, Field(ge=1, le=MAX_EXAMPLES)] = Field(3, description="How many rows are shown")
    prompt: Template = Field(description="What is asked in an example, in Jinja over columns of the source")
    answer: Template | None = Field(
        None,
        description="What is answered in an example, in Jinja over columns of the source; "
        "of a structured column by default its fields that are columns of the source",
    )
    same: bool = Field(False, description="Show the same rows to all rows of the table, instead of others to each")

    @field_validator("prompt", "answer")
    @classmethod
    def validate_template(cls, template: str | None) -> str | None:
        if template is not None:
            find_template_names(template)
        return template


class PromptedConfig(GeneratedConfig):
    """A column for which a language model is prompted."""

    prompt: Template = Field(description="What is asked, in Jinja over columns of the row")
    system_prompt: str = Field("", description="What the model is told before, in Jinja over columns of the row")
    examples: ExamplesConfig | None = Field(None, description="Few-shot examples from real data")

    @field_validator("prompt", "system_prompt")
    @classmethod
    def validate_template(cls, template: str) -> str:
        find_template_names(template)
        return template

    def templates(self) -> tuple[str, ...]:
        return (self.prompt, self.system_prompt)


@dataclass(frozen=True, slots=True)
class Prompts:
    """The requests of a column, without what is particular to its type."""

    prompts: Callable[[Draws, Row], list[str]]
    systems: Callable[[Draws, Row], list[str]]
    histories: Callable[[Draws], list[tuple[Turn, ...]]]

    def ask(self, draws: Draws, inputs: Row) -> list[TextRequest]:
        """One request for each row."""
        rows = zip(
            self.prompts(draws, inputs),
            draws.bits().tolist(),
            self.systems(draws, inputs),
            self.histories(draws),
            strict=True,
        )
        return [TextRequest(prompt, seed, system, history=history) for prompt, seed, system, history in rows]


def compile_prompts(
    config: PromptedConfig, context: TableContext, answer: Callable[[dict[str, Any]], str] | None = None
) -> Prompts:
    """The requests of a column; `answer` writes that of an example where its config has no template for it.

    Raises ValueError where the source of the examples, or a column of it, does not exist.
    """
    return Prompts(
        compile_texts(config, config.prompt, context),
        compile_texts(config, config.system_prompt, context),
        _compile_history(config, context, answer),
    )


def note_examples(context: TableContext, source: str) -> NotePlaces:
    """What notes the rows of a source that were shown for rows of the table, while anybody wants to know them."""
    number = context.number_source(source)

    def note(draws: Draws, places: NDArray[np.int64]) -> None:
        trail = context.session.trail
        if trail is not None:
            numbers = places if number is None else number[places]
            trail.note_seeds(Place(draws.table, draws.column), source, draws.rows, numbers)

    return note


def pick_records(
    frame: pd.DataFrame, count: int, *, same: bool = False, note: NotePlaces = lambda draws, places: None
) -> Records:
    """A function that gives `count` different rows of a source for each row of draws, as plain values by column.

    `note` is told their places, shape (rows, count).
    """
    columns = {str(name): read_series(frame[name]) for name in frame.columns}
    size = len(frame)

    def pick(draws: Draws) -> list[list[dict[str, Any]]]:
        asking = replace(draws, rows=np.zeros(1, np.int64), family=None) if same else draws
        places = np.empty((len(asking), min(count, size)), np.int64)
        for number in range(places.shape[1]):
            # The k-th choice among the rows not yet taken: step over those that are, lowest first.
            left = size - number
            place = np.minimum((asking.uniform(f"example {number}") * left).astype(np.int64), left - 1)
            for taken in np.sort(places[:, :number], axis=1).T:
                place += place >= taken
            places[:, number] = place
        note(draws, np.repeat(places, len(draws), axis=0) if same else places)
        records = []
        for chosen in places:
            lists = [values.take(chosen).to_list() for values in columns.values()]
            records.append([dict(zip(columns, row, strict=True)) for row in zip(*lists, strict=True)])
        return records * len(draws) if same else records

    return pick


def _compile_history(
    config: PromptedConfig, context: TableContext, answer: Callable[[dict[str, Any]], str] | None
) -> Callable[[Draws], list[tuple[Turn, ...]]]:
    examples = config.examples
    if examples is None:
        return lambda draws: [()] * len(draws)
    frame = context.read_source(examples.source)
    ask = _compile_example(config.name, examples.source, examples.prompt, frame)
    if examples.answer is not None:
        answer = _compile_example(config.name, examples.source, examples.answer, frame)
    elif answer is None:
        raise ValueError("its examples need an answer, for instance answer: '{{ body }}'")
    tell = answer
    pick = pick_records(frame, examples.count, same=examples.same, note=note_examples(context, examples.source))

    def histories(draws: Draws) -> list[tuple[Turn, ...]]:
        return [
            tuple(turn for each in records for turn in (Turn("user", ask(each)), Turn("assistant", tell(each))))
            for records in pick(draws)
        ]

    return histories


def _compile_example(name: str, source: str, template: str, frame: pd.DataFrame) -> Callable[[dict[str, Any]], str]:
    """A function that writes a template for a row of the source."""
    from workbench.columns.template_language.templates import CompiledTemplate, TemplateTextError

    compiled = CompiledTemplate(template)
    known = [str(column) for column in frame.columns]
    for column in sorted(compiled.names):
        if column not in known:
            raise ValueError(f"“{source}” has no column “{column}”. {suggest(column, known)}".strip().rstrip("."))

    def write(record: dict[str, Any]) -> str:
        try:
            return compiled.render(record)
        except TemplateTextError as error:
            raise WorkbenchError(
                f"An example of “{name}” cannot be written for a row of “{source}”: {error}.",
                "Change the template, for instance with “if”, so that it holds for these values.",
            ) from None

    return write
