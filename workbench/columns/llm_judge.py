"""`llm_judge`: scores that a model gives to other columns of the row, each one of a few named options.

{name: verdict, type: llm_judge, target: note, scores: [{name: realism, options: {1: made up, 3: unsure, 5: real}}]}
"""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from workbench.columns.answered import Question, make_answered
from workbench.columns.column_type import Maker, Row, TableContext, register
from workbench.columns.generated import ColumnModel, NullSkippedConfig, compile_texts, find_template_names
from workbench.columns.media import read_media
from workbench.columns.records import compile_schema
from workbench.columns.streams import Draws
from workbench.providers.requests import TextRequest
from workbench.spec.model import Name, StrictModel

_REASONING_CHARS = 500


class ScoreConfig(StrictModel):
    """One thing that is judged."""

    name: Name = Field(description="Name of the score inside the value")
    description: str = Field("", description="What is judged")
    options: dict[int | float | str, str] = Field(
        description="What can be given, each with its meaning, for instance {1: made up, 5: real}"
    )

    @field_validator("options")
    @classmethod
    def validate_options(cls, options: dict[int | float | str, str]) -> dict[int | float | str, str]:
        if len(options) < 2:
            raise ValueError("it needs at least two options")
        return options

    @property
    def choices(self) -> list[Any]:
        """What can be given: numbers where all are, else texts."""
        keys = list(self.options)
        return [str(key) for key in keys] if any(isinstance(key, str) for key in keys) else keys


class LlmJudgeConfig(NullSkippedConfig):
    """Scores that a model gives to other columns of the row."""

    type: Literal["llm_judge"]
    target: Name | None = Field(None, description="The column that is judged")
    targets: list[Name] | None = Field(None, description="The columns that are judged together")
    images: list[Name] = Field([], description="Columns of pictures that are shown to the model, which must see")
    scores: Annotated[list[ScoreConfig], Field(min_length=1)] = Field(description="What is judged, and how")
    prompt: str = Field("", description="What else the judge should know, in Jinja over columns of the row")
    system_prompt: str = Field(
        "You are a strict and fair judge.", description="What the model is told before, in Jinja over columns"
    )
    reasoning: bool = Field(False, description="Also keep why, as a text beside each score")

    @field_validator("prompt", "system_prompt")
    @classmethod
    def validate_template(cls, template: str) -> str:
        find_template_names(template)
        return template

    @model_validator(mode="after")
    def validate_targets(self) -> LlmJudgeConfig:
        if self.target is not None and self.targets is not None:
            raise ValueError("give either target or targets")
        if not self.judged and not self.images:
            raise ValueError("it needs a target: the column that is judged")
        names = [score.name for score in self.scores]
        if len(set(names)) < len(names):
            raise ValueError("two scores have the same name")
        return self

    @property
    def judged(self) -> list[str]:
        """The columns of texts and values that are judged."""
        return list(self.targets or ()) if self.target is None else [self.target]

    def templates(self) -> tuple[str, ...]:
        return (self.prompt, self.system_prompt)

    def references(self) -> frozenset[str]:
        return super().references() | frozenset(self.judged) | frozenset(self.images)


def make(config: LlmJudgeConfig, context: TableContext) -> Maker:
    """One struct a row: a member for each score. Null where all that is judged is missing."""
    model = ColumnModel(config, context, "text")
    record = compile_schema(_write_schema(config))
    hints = compile_texts(config, config.prompt, context)
    systems = compile_texts(config, config.system_prompt, context)
    question = _describe_scores(config)

    def ask(draws: Draws, inputs: Row) -> list[Question | None]:
        count = len(draws)
        targets = [inputs[name].to_list() for name in config.judged]
        pictures = [read_media(context.session, inputs[name].to_list()) for name in config.images]
        rows = zip(hints(draws, inputs), systems(draws, inputs), draws.bits().tolist(), strict=True)
        questions: list[Question | None] = []
        for place, (hint, system, seed) in zip(range(count), rows, strict=True):
            parts = {name: column[place] for name, column in zip(config.judged, targets, strict=True)}
            images = tuple(column[place] or b"" for column in pictures if column[place])
            if not images and all(value in (None, "") for value in parts.values()):
                questions.append(None)
                continue
            shown = [f"<{name}>\n{_show(value)}\n</{name}>" for name, value in parts.items()]
            prompt = "\n\n".join([*filter(None, [hint.strip()]), *shown, question])
            request = TextRequest(prompt, seed, system, schema=record.text, images=images)
            questions.append((request, record.read))
        return questions

    return make_answered(config, context, model, ask, record.kind, record.members, record.nested)


def _write_schema(config: LlmJudgeConfig) -> dict[str, Any]:
    """The reason comes before its score, since a model that has to say why first judges better."""
    properties: dict[str, Any] = {}
    for score in config.scores:
        if config.reasoning:
            properties[f"{score.name}_reasoning"] = {"type": "string", "minLength": 1, "maxLength": _REASONING_CHARS}
        properties[score.name] = {"enum": score.choices}
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def _describe_scores(config: LlmJudgeConfig) -> str:
    lines = ["Judge it by the following scores. Answer with one JSON object."]
    for score in config.scores:
        said = f": {score.description.rstrip('.')}" if score.description else ""
        lines.append(f"- {score.name}{said}. Give one of:")
        lines += [
            f"  {json.dumps(choice, ensure_ascii=False)} = {meaning}"
            for choice, meaning in zip(score.choices, score.options.values(), strict=True)
        ]
        if config.reasoning:
            lines.append(f"  Say why in one or two sentences under {score.name}_reasoning.")
    return "\n".join(lines)


def _show(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str) if isinstance(value, (dict, list, tuple)) else str(value)


register(
    LlmJudgeConfig,
    make,
    group="generated",
    example="{name: verdict, type: llm_judge, target: merchant, scores: [{name: realism, options: {1: made up, "
    "3: unsure, 5: real}}], reasoning: true}",
)
