"""How a row of a table becomes a training example: the templates of the spec's `training` block over its columns.

The templates are Jinja in a sandbox, since a spec may come from anywhere, and strict: a column that does not exist is
an error with its name, never an empty text that a model would then learn.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from jinja2 import StrictUndefined, TemplateError, TemplateSyntaxError, meta
from jinja2.sandbox import ImmutableSandboxedEnvironment

from workbench.errors import UsageError
from workbench.files import clean_text
from workbench.spec.model import TrainingConfig
from workbench.spec.problems import suggest

if TYPE_CHECKING:
    import pandas as pd

MAX_LABEL_VALUES = 64

_ENVIRONMENT = ImmutableSandboxedEnvironment(undefined=StrictUndefined, autoescape=False, keep_trailing_newline=True)
_Render = Callable[[Mapping[str, Any]], str]


@dataclass(frozen=True, slots=True)
class TrainingRow:
    """One example: `messages` of (role, content), or `text`, or `prompt` with its answer or answers.

    These are `completion`, or `chosen` and `rejected`. What the task does not have is None. `label` is the value of
    the label's column as text, None if the spec names no label or the value is missing.
    """

    messages: tuple[tuple[str, str], ...] | None = None
    prompt: str | None = None
    completion: str | None = None
    text: str | None = None
    label: str | None = None
    chosen: str | None = None
    rejected: str | None = None

    @property
    def answer(self) -> str:
        """What the model is to say: the completion, the last turn, the better answer, or the whole text."""
        return self.messages[-1][1] if self.messages else self.completion or self.chosen or self.text or ""


def render(training: TrainingConfig, frame: pd.DataFrame) -> list[TrainingRow]:
    """One `TrainingRow` per row of `frame`, in its order.

    Raises `UsageError` naming the column where a template asks for one that `frame` lacks, and the row where a
    template fails on a value.
    """
    renderers = _compile_templates(training, [str(name) for name in frame.columns])
    return [_render_row(training, renderers, record) for record in _read_records(frame)]


def find_columns(training: TrainingConfig) -> set[str]:
    """Names of the columns that the templates and the label ask for."""
    names = {training.label} if training.label else set()
    for place, template in _list_templates(training).items():
        names |= _names_in(template, place)
    return names


def render_choices(training: TrainingConfig, frame: pd.DataFrame, values: Sequence[Any]) -> list[list[TrainingRow]]:
    """For each row of `frame`, the row once with each of `values` in the label's column: all answers it could have."""
    by_value = [render(training, frame.assign(**{str(training.label): value})) for value in values]
    return [list(choices) for choices in zip(*by_value, strict=True)]


def label_values(training: TrainingConfig, frame: pd.DataFrame) -> list[Any]:
    """The different values of the label's column, most frequent first, missing ones left out.

    Raises `UsageError` where the column is missing, or has one value or too many to choose among.
    """
    label = str(training.label)
    if label not in frame.columns:
        raise _missing_column(label, [str(name) for name in frame.columns])
    counts = Counter(value for value in map(_plain, frame[label]) if value is not None)
    values = sorted(counts, key=lambda value: (-counts[value], str(value)))
    if len(values) < 2:
        said = f"only the value “{clean_text(str(values[0]))}”" if values else "no value"
        raise UsageError(
            f"The label “{label}” has {said}, so there is nothing to tell apart.",
            "Generate rows with at least two values of it, or leave “label” out.",
        )
    if len(values) > MAX_LABEL_VALUES:
        raise UsageError(
            f"The label “{label}” has {len(values):,} different values; {MAX_LABEL_VALUES} is the limit.",
            "Choose a column with few values as label, or leave “label” out.",
        )
    return values


def _compile_templates(training: TrainingConfig, known: Sequence[str]) -> dict[str, _Render]:
    """A renderer for each template, keyed by its place in the `training` block; all columns checked first."""
    templates = _list_templates(training)
    for place, template in templates.items():
        for name in sorted(_names_in(template, place)):
            if name not in known:
                raise _missing_column(name, known, f"training.{place}")
    _check_label(training, templates, known)
    return {place: _ENVIRONMENT.from_string(template).render for place, template in templates.items()}


def _list_templates(training: TrainingConfig) -> dict[str, str]:
    """Each template by its place in the `training` block."""
    places = {name: getattr(training, name) for name in ("prompt", "completion", "chosen", "rejected", "text")}
    places |= {f"messages[{index}]": message.content for index, message in enumerate(training.messages or [])}
    return {place: template for place, template in places.items() if template is not None}


def _check_label(training: TrainingConfig, templates: Mapping[str, str], known: Sequence[str]) -> None:
    """The label must exist, be said in the answer, and must not stand in the question."""
    if training.label is None:
        return
    if training.label not in known:
        raise _missing_column(training.label, known, "training.label")
    if training.task in ("text", "preference"):
        raise UsageError(
            f"A label needs one answer to compare, and the task {training.task} has none.", "Use prompt_completion."
        )
    answer = _answer_template(training)
    if training.label not in _names_in(answer):
        raise UsageError(
            f"The answer does not state the label “{training.label}”.",
            f"Write {{{{ {training.label} }}}} in the completion, or in the assistant's last message.",
        )
    last = f"messages[{len(training.messages) - 1}]" if training.messages else "completion"
    for place, template in templates.items():
        if place != last and training.label in _names_in(template):
            raise UsageError(
                f"training.{place} names the label “{training.label}”: the question would hold the answer.",
                "Take it out of the question.",
            )


def _answer_template(training: TrainingConfig) -> str:
    return training.messages[-1].content if training.messages else str(training.completion)


def _names_in(template: str, place: str = "template") -> set[str]:
    try:
        return set(meta.find_undeclared_variables(_ENVIRONMENT.parse(template)))
    except TemplateSyntaxError as error:
        raise UsageError(
            f"training.{place} is not a valid template: {clean_text(error.message or 'syntax error')}.",
            "Write columns as {{ name }}.",
        ) from error


def _render_row(training: TrainingConfig, renderers: Mapping[str, _Render], record: Mapping[str, Any]) -> TrainingRow:
    said = {}
    for place, renderer in renderers.items():
        try:
            said[place] = renderer(record)
        except (TemplateError, ArithmeticError, LookupError, TypeError, ValueError, OverflowError) as error:
            raise UsageError(
                f"training.{place} fails on a row: {clean_text(str(error)) or type(error).__name__}.",
                "Handle this value in the template, for instance {{ name or 'unknown' }}.",
            ) from error
    value = record[training.label] if training.label else None
    label = None if value is None else str(value)
    if training.messages:
        turns = tuple((message.role, said[f"messages[{n}]"]) for n, message in enumerate(training.messages))
        return TrainingRow(messages=turns, label=label)
    return TrainingRow(
        prompt=said.get("prompt"),
        completion=said.get("completion"),
        text=said.get("text"),
        label=label,
        chosen=said.get("chosen"),
        rejected=said.get("rejected"),
    )


def _read_records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    names = [str(name) for name in frame.columns]
    columns = [[_plain(value) for value in frame[name]] for name in frame.columns]
    return [dict(zip(names, values, strict=True)) for values in zip(*columns, strict=True)]


def _plain(value: Any) -> Any:
    """A cell as Python value; every mark of a missing one is None."""
    if isinstance(value, np.generic | np.ndarray):
        value = value.tolist()
    if isinstance(value, str):
        return value
    missing = value is None or str(value) in {"<NA>", "NaT"} or (isinstance(value, float) and math.isnan(value))
    return None if missing else value


def _missing_column(name: str, known: Sequence[str], place: str = "training.label") -> UsageError:
    return UsageError(
        f"{place} names the column “{clean_text(name)}”, which the rows do not have.", suggest(name, known)
    )
