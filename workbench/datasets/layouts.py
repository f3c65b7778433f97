"""Layouts of training examples, as trainers read them, and which of them each training task can give.

    messages           {"messages": [{"role", "content"}, …]}
    sharegpt           {"conversations": [{"from": "system" | "human" | "gpt", "value"}, …]}
    alpaca             {"instruction", "input", "output"}, with "system" and "history" where the chat has them
    prompt_completion  {"prompt", "completion"}: texts, or for a chat lists of messages, the completion its last turn
    preference         {"prompt", "chosen", "rejected"}
    text               {"text"}

Texts are what the templates say, to the character.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from workbench.datasets.training_rows import TrainingRow
from workbench.spec.model import TrainingConfig

if TYPE_CHECKING:
    import pyarrow as pa

_FROM = {"system": "system", "user": "human", "assistant": "gpt"}


@dataclass(frozen=True, slots=True)
class Layout:
    """`tasks` maps the training tasks that can give it to how a row is written."""

    name: str
    tasks: Mapping[str, Callable[[TrainingRow], dict[str, Any]]]


def find_layout_problem(training: TrainingConfig, name: str) -> str | None:
    """Why the training block cannot give the layout, as a sentence, or None if it can."""
    layout = LAYOUTS.get(name)
    if layout is None:
        return f"There is no layout “{name}”."
    if training.task not in layout.tasks:
        known = ", ".join(list_layouts(training))
        reason = _REASONS.get((training.task, name), "")
        return f"The task {training.task} cannot give the layout {name}{reason}. It gives: {known}."
    if name == "alpaca" and training.task == "chat" and not _alternates(training):
        return "The layout alpaca needs one system message at most, at the start, and then user and assistant in turns."
    return None


def list_layouts(training: TrainingConfig) -> list[str]:
    """The layouts that the training block can give, the one nearest to its task first."""
    own = {"chat": "messages"}.get(training.task, training.task)
    able = [name for name, layout in LAYOUTS.items() if training.task in layout.tasks]
    able = [name for name in able if name != "alpaca" or training.task != "chat" or _alternates(training)]
    return sorted(able, key=lambda name: name != own)


def write_rows(training: TrainingConfig, name: str, rows: list[TrainingRow]) -> pa.Table:
    """The rows in a layout. All tables of one training block and layout have the same schema, also without rows."""
    import pyarrow as pa

    write = LAYOUTS[name].tasks[training.task]
    records = [write(row) for row in rows]
    sample = write(_make_sample(training))
    schema = pa.schema([(key, _arrow_type(value)) for key, value in sample.items()])
    return pa.Table.from_pylist(records, schema=schema)


def _make_sample(training: TrainingConfig) -> TrainingRow:
    """A row with all that the task has, to read the fields from."""
    turns = tuple((message.role, "") for message in training.messages) if training.messages else None
    return TrainingRow(messages=turns, prompt="", completion="", text="", chosen="", rejected="")


def _arrow_type(value: Any) -> pa.DataType:
    import pyarrow as pa

    if isinstance(value, str):
        return pa.string()
    if value and isinstance(value[0], dict):
        return pa.list_(pa.struct([(key, pa.string()) for key in value[0]]))
    return pa.list_(pa.list_(pa.string()))


def _alternates(training: TrainingConfig) -> bool:
    roles = [message.role for message in training.messages or []]
    turns = roles[1:] if roles[:1] == ["system"] else roles
    return turns == ["user", "assistant"] * (len(turns) // 2) and bool(turns)


def _turns(row: TrainingRow) -> list[dict[str, str]]:
    if row.messages is not None:
        return [{"role": role, "content": content} for role, content in row.messages]
    return [{"role": "user", "content": row.prompt or ""}, {"role": "assistant", "content": row.completion or ""}]


def _write_messages(row: TrainingRow) -> dict[str, Any]:
    return {"messages": _turns(row)}


def _write_sharegpt(row: TrainingRow) -> dict[str, Any]:
    return {"conversations": [{"from": _FROM[turn["role"]], "value": turn["content"]} for turn in _turns(row)]}


def _write_alpaca(row: TrainingRow) -> dict[str, Any]:
    turns = _turns(row)
    system = {"system": turns.pop(0)["content"]} if turns[0]["role"] == "system" else {}
    said = [turn["content"] for turn in turns]
    history = [list(pair) for pair in zip(said[:-2:2], said[1:-2:2], strict=True)]
    earlier = {"history": history} if history else {}
    return {"instruction": said[-2], "input": "", "output": said[-1], **system, **earlier}


def _write_pair(row: TrainingRow) -> dict[str, Any]:
    return {"prompt": row.prompt or "", "completion": row.completion or ""}


def _write_turn_pair(row: TrainingRow) -> dict[str, Any]:
    turns = _turns(row)
    return {"prompt": turns[:-1], "completion": turns[-1:]}


def _write_preference(row: TrainingRow) -> dict[str, Any]:
    return {"prompt": row.prompt or "", "chosen": row.chosen or "", "rejected": row.rejected or ""}


def _write_text(row: TrainingRow) -> dict[str, Any]:
    return {"text": row.text or ""}


def _write_joined(row: TrainingRow) -> dict[str, Any]:
    return {"text": (row.prompt or "") + (row.completion or "")}


LAYOUTS: dict[str, Layout] = {
    layout.name: layout
    for layout in (
        Layout("messages", {"chat": _write_messages, "prompt_completion": _write_messages}),
        Layout("alpaca", {"chat": _write_alpaca, "prompt_completion": _write_alpaca}),
        Layout("sharegpt", {"chat": _write_sharegpt, "prompt_completion": _write_sharegpt}),
        Layout("prompt_completion", {"chat": _write_turn_pair, "prompt_completion": _write_pair}),
        Layout("preference", {"preference": _write_preference}),
        Layout("text", {"text": _write_text, "prompt_completion": _write_joined}),
    )
}
_REASONS = {
    ("chat", "text"): ", since a chat becomes text by the chat template of a model",
    ("text", "prompt_completion"): ", since a text has no prompt",
}
