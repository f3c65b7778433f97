"""The run kind `tune`: read, measure, train, measure again, save. Each stage is short here and lives in its own module.

Started again after a stop or a kill it measures nothing twice and goes on from the last whole checkpoint; started again
after its end it returns what it returned.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.datasets.gates import check_gate
from workbench.datasets.store import open_dataset
from workbench.errors import StopRequested, UsageError
from workbench.files import make_folder, write_json
from workbench.progress import RunContext
from workbench.spec.problems import suggest
from workbench.tuning.data import TuningData, read_tuning_data
from workbench.tuning.methods import choose_learning_rate, find_method, parse_settings
from workbench.tuning.models import resolve_model

if TYPE_CHECKING:
    from workbench.tuning.encoding import EncodedRows
    from workbench.tuning.loading import LoadedModel
    from workbench.tuning.methods import MethodSettings
    from workbench.tuning.scoring import Question, Score

_SUMMARY = "tuning.json"
_TRAIN_ON = ("synthetic", "real")


def run(arguments: Mapping[str, Any], context: RunContext) -> dict[str, Any]:
    """Tune a model on a dataset. `arguments`: dataset, model, method, settings, train_on ("synthetic" or "real").

    Returns model, method, train_on, output (folder of the result), steps, rows, seconds, parameters, and the scores
    before and after. Raises `StopRequested` once a stop is committed, `WorkbenchError` for what the user can put right.
    """
    output = context.folder / "result"
    checkpoints = make_folder(context.folder / "checkpoints")
    finished = _read_finished(output / _SUMMARY)
    if finished is not None:
        return finished
    context.stage("load")
    train_on = arguments.get("train_on", "synthetic")
    if train_on not in _TRAIN_ON:
        raise UsageError(f"Rows to train on cannot be “{train_on}”.", suggest(str(train_on), _TRAIN_ON))
    method = find_method(arguments["method"])
    settings = parse_settings(method.name, arguments.get("settings") or {})
    reference = resolve_model(arguments["model"], context.log)
    dataset = open_dataset(arguments["dataset"], context.workspace)
    check_gate(dataset.folder)
    data = read_tuning_data(dataset, train_on, context)

    # torch and transformers take seconds to import: everything that can be wrong before is found before.
    from workbench.tuning.applying import apply_method
    from workbench.tuning.loading import load_model
    from workbench.tuning.memory import measure_peak_memory
    from workbench.tuning.result import save_result
    from workbench.tuning.scoring import measure_loss
    from workbench.tuning.training import train

    loaded = load_model(reference, method, settings)
    rate = settings.learning_rate or choose_learning_rate(method, loaded.parameters)
    rows, held_out, questions = _encode(loaded, data, settings, context)
    context.log(
        f"{len(rows.rows):,} rows to train on, {sum(row.learned_tokens for row in rows.rows):,} tokens to learn; "
        f"measured on {len(held_out.rows):,} rows ({data.evaluated_on}); learning rate {rate:g}."
    )

    context.stage("evaluate before")
    before = _remember(checkpoints / "before.json", lambda: _score(loaded, loaded.model, held_out, questions, context))

    context.stage("train")
    model = apply_method(method, loaded, settings)
    trainable = sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)
    total = sum(parameter.numel() for parameter in model.parameters())
    trained = train(
        loaded,
        model,
        rows.rows,
        settings,
        rate,
        checkpoints,
        context,
        measure=lambda: measure_loss(model, held_out.rows, loaded.padding),
    )

    context.stage("evaluate after")
    after = _score(loaded, model, held_out, questions, context)

    context.stage("save")
    summary = {
        "model": reference.name,
        "dataset": dataset.reference,
        "method": method.name,
        "train_on": train_on,
        "generation": dataset.manifest.generation if train_on == "synthetic" else None,
        "output": str(output),
        "steps": trained.steps,
        "train_rows": len(rows.rows),
        "train_seconds": round(trained.seconds, 3),
        "trainable_parameters": trainable,
        "total_parameters": total,
        "evaluated_on": data.evaluated_on,
        "evaluated_rows": len(held_out.rows),
        "before": before,
        "after": after.as_json(),
        "learning_rate": rate,
        "settings": settings.model_dump(mode="json") | {"learning_rate": rate},
        "truncated_rows": rows.truncated,
        "rows_without_answer": rows.without_answer,
        "label_values": data.values,
        "peak_memory_bytes": measure_peak_memory(),
    }
    save_result(output, loaded, model, summary, data.sources, reference.location)
    write_json(output / _SUMMARY, summary)  # last: it marks the result as whole
    return summary


def _read_finished(path: Path) -> dict[str, Any] | None:
    """The summary of a result that is whole, None if there is none yet."""
    try:
        summary = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return dict(summary)


def _encode(
    loaded: LoadedModel, data: TuningData, settings: MethodSettings, context: RunContext
) -> tuple[EncodedRows, EncodedRows, list[Question]]:
    """Rows to train on, held-out rows, and the questions of those whose possible answers all fit."""
    from workbench.tuning.encoding import encode_rows
    from workbench.tuning.scoring import build_question

    positions = getattr(loaded.model.config.get_text_config(), "max_position_embeddings", None)
    max_length = min(settings.max_length, positions or settings.max_length)
    rows = encode_rows(loaded.tokenizer, data.train, max_length)
    held_out = encode_rows(loaded.tokenizer, data.held_out, max_length)
    for what, encoded in (("training", rows), ("held-out", held_out)):
        if encoded.truncated:
            context.log(
                f"{encoded.truncated:,} {what} rows are longer than {max_length} tokens and lose their end.", "warning"
            )
        if encoded.without_answer:
            context.log(
                f"{encoded.without_answer:,} {what} rows are left out: they have no answer to learn.",
                "warning",
            )
        if not encoded.rows:
            raise UsageError(
                f"No {what} row has a token to learn from within {max_length} tokens.",
                "Raise max_length, shorten the prompt, or check that the completion is not empty.",
            )
    if not data.choices:
        return rows, held_out, []
    choices = encode_rows(
        loaded.tokenizer, [each for place in held_out.kept for each in data.choices[place]], max_length
    )
    width = len(data.values)
    if choices.truncated or choices.without_answer:
        raise UsageError(
            f"Some held-out rows leave no room for their answer within {max_length} tokens, so they cannot be scored.",
            "Raise max_length, or shorten the prompt.",
        )
    places = {value: place for place, value in enumerate(data.values)}
    questions = [
        build_question(choices.rows[n * width : (n + 1) * width], places.get(data.held_out[place].label or ""))
        for n, place in enumerate(held_out.kept)
    ]
    return rows, held_out, questions


def _score(
    loaded: LoadedModel, model: Any, held_out: EncodedRows, questions: list[Question], context: RunContext
) -> Score:
    from workbench.tuning.memory import explain_memory
    from workbench.tuning.scoring import Score, measure_accuracy, measure_loss

    def stop_if_asked() -> None:
        if context.should_stop():
            raise StopRequested

    with explain_memory("measuring on the held-out rows"):
        loss = measure_loss(model, held_out.rows, loaded.padding, stop_if_asked)
        if not questions:
            return Score(loss)
        accuracy, balanced = measure_accuracy(model, questions, loaded.padding, stop_if_asked)
        return Score(loss, accuracy, balanced)


def _remember(path: Path, measure: Callable[[], Score]) -> dict[str, float | None]:
    """What was measured in an earlier attempt, or is measured now: the base does not change in between."""
    try:
        remembered: dict[str, float | None] = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        remembered = measure().as_json()
        write_json(path, remembered)
    return remembered
