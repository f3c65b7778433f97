"""What columns made by a model share: the model's name, rows that are skipped, and rows that get no answer.

A row's seed comes from its own draws, and a provider's answer depends on its request alone, so a generated value
obeys the same law as a drawn one as far as the model does; the offline provider does fully, others by their stored
answers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, ClassVar, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator

from workbench.calls.asking import Accept, ask
from workbench.calls.failures import Place
from workbench.calls.session import Model
from workbench.calls.trail import Written
from workbench.columns.column_type import Row, TableContext
from workbench.columns.expression_language.compiling import compile_expression
from workbench.columns.expression_language.parsing import find_names, parse_expression
from workbench.columns.streams import Draws
from workbench.columns.template import TemplateConfig
from workbench.columns.template import make as make_template
from workbench.columns.values import Values, make_text_array
from workbench.providers.requests import Modality, Request
from workbench.spec.model import ColumnConfig, Name, StrictModel

Texts = Callable[[Draws, Row], list[str]]
Mask = Callable[[Draws, Row], NDArray[np.bool_]]
T = TypeVar("T")


class SkipConfig(StrictModel):
    """Rows that the model is not asked about."""

    when: str = Field(description="Expression that is true for the rows to skip, for instance amount < 1")
    value: str | None = Field(None, description="What a skipped row gets; null if left out")

    @field_validator("when", mode="before")
    @classmethod
    def validate_when(cls, when: object) -> object:
        """YAML gives a lone true as no text."""
        if isinstance(when, bool):
            when = str(when)
        if isinstance(when, str):
            parse_expression(when)
        return when


class GeneratedConfig(ColumnConfig):
    """A column that a model makes."""

    model: Name | None = Field(
        None, description="Which of the spec's models makes it; the offline provider if left out"
    )
    skip: SkipConfig | None = Field(None, description="Rows that the model is not asked about")
    retries: Annotated[int, Field(ge=0, le=100)] = Field(
        2, description="How often a row is asked again, with another seed, when its answer cannot be used"
    )
    on_failure: Literal["missing", "drop"] = Field(
        "missing", description="What becomes of a row without an answer: its value is null, or the row is left out"
    )

    def templates(self) -> tuple[str, ...]:
        """The texts of the config that are Jinja over columns of the row."""
        return ()

    def references(self) -> frozenset[str]:
        names = frozenset[str]().union(*map(find_template_names, self.templates()))
        return names if self.skip is None else names | find_names(parse_expression(self.skip.when))


class ColumnModel:
    """The model of a column, opened: what the column asks."""

    def __init__(self, config: GeneratedConfig, context: TableContext, modality: Modality) -> None:
        """Raises ValueError with a sentence for the user where there is no such model, or it does not make that."""
        self.config = config
        self.session = context.session
        self.model: Model = context.session.open(context.models, config.model, modality)

    @property
    def languages(self) -> tuple[str, ...]:
        """The programming languages it writes, empty where any may be tried."""
        return self.model.provider.languages

    @property
    def voices(self) -> tuple[str, ...]:
        """The voices it has, empty where any may be tried."""
        return self.model.provider.voices

    @property
    def is_costly(self) -> bool:
        """Whether asking it costs time or money."""
        return not self.model.type.free

    def ask(
        self,
        draws: Draws,
        requests: Sequence[Request],
        accepts: Sequence[Accept[T]],
        *,
        counts: bool = True,
        part: int = 0,
    ) -> list[T | None]:
        """The value of each row of `draws`, None where there is none; see `workbench.calls.asking.ask`.

        `part` counts the answers that a value is made of, from 0.
        """
        place = Place(draws.table, draws.column)
        rows = draws.rows.tolist()
        trail, name, tries = self.session.trail, self.model.name, self.config.retries

        def note(row: int, key: str, attempt: int) -> None:
            assert trail is not None
            trail.note_answer(place, row, Written(key, attempt, name), part)

        noted = None if trail is None else note
        return ask(self.session, self.model, place, rows, requests, accepts, tries, counts=counts, note=noted)

    def find_lost(self, draws: Draws) -> NDArray[np.bool_]:
        """Which rows have no answer."""
        lost = self.session.find_lost(Place(draws.table, draws.column))
        return np.isin(draws.rows, np.fromiter(lost, np.int64, len(lost)))

    @property
    def dropper(self) -> Callable[[Draws], NDArray[np.bool_]] | None:
        """`find_lost` where the column leaves such rows out."""
        return self.find_lost if self.config.on_failure == "drop" else None


class NullSkippedConfig(GeneratedConfig):
    """A column that holds no texts: a skipped row is null, and cannot be given a value."""

    SKIPPED: ClassVar[str] = "a skipped row is null here"

    @field_validator("skip")
    @classmethod
    def validate_skip(cls, skip: SkipConfig | None) -> SkipConfig | None:
        if skip is not None and skip.value is not None:
            raise ValueError(f"{cls.SKIPPED}: take “value” out")
        return skip


def find_template_names(text: str) -> frozenset[str]:
    """Names of the columns that a template reads. Raises ValueError if it is none. Jinja is imported only now."""
    from workbench.columns.template_language.templates import find_names as find

    return find(text)


def compile_texts(config: GeneratedConfig, template: str, context: TableContext) -> Texts:
    """A function that gives the text of `template` for every row."""
    maker = make_template(TemplateConfig(name=config.name, type="template", template=template), context)

    def texts(draws: Draws, inputs: Row) -> list[str]:
        written: list[str] = maker.values(draws, inputs).data.tolist()
        return written

    return texts


def compile_skip(config: GeneratedConfig, context: TableContext) -> Mask:
    """A function that is True for the rows the model is asked about. An expression without a result skips nothing.

    Raises ValueError if the expression of `skip` is not of true and false.
    """
    if config.skip is None:
        return lambda draws, inputs: np.ones(len(draws), np.bool_)
    kinds = {name: maker.kind for name, maker in context.makers.items()}
    operand = compile_expression(parse_expression(config.skip.when), kinds)
    if operand.kind != "bool":
        raise ValueError("“when” of skip must be true or false, for instance amount < 1")

    def asked(draws: Draws, inputs: Row) -> NDArray[np.bool_]:
        result = operand.evaluate(inputs, len(draws))
        skipped = np.broadcast_to(np.asarray(result.data, np.bool_), (len(draws),))
        return ~skipped if result.valid is None else ~(skipped & result.valid)

    return asked


def spread(texts: Sequence[str | None]) -> Values:
    """`texts`, one for each row, None for null."""
    valid = np.array([text is not None for text in texts], np.bool_)
    return Values(make_text_array([text or "" for text in texts]), None if valid.all() else valid)
