"""The run kind `tune` end to end: it learns, its result loads elsewhere, and it survives stops and damage exactly."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer
from tuning_support import SPEC, RecordingContext, make_context, make_dataset

from workbench.errors import StopRequested, UsageError, WorkbenchError
from workbench.tuning.models import BASE_MODEL, resolve_model
from workbench.tuning.run import run
from workbench.workspace import Workspace

FAST = {"batch_size": "8", "epochs": "2", "learning_rate": "1e-2"}


def tune(
    context: RecordingContext,
    dataset: str,
    model: str,
    method: str = "full",
    train_on: str = "synthetic",
    settings: Mapping[str, Any] = FAST,
) -> dict[str, Any]:
    return run(
        {"dataset": dataset, "model": model, "method": method, "settings": settings, "train_on": train_on}, context
    )


@pytest.mark.parametrize("method", ["full", "lora"])
def test_the_shipped_model_learns_a_small_task_by_each_method(
    context: RecordingContext, dataset: str, method: str
) -> None:
    result = tune(context, dataset, BASE_MODEL, method, settings={"epochs": "3", "batch_size": "8"})
    assert context.stages == ["load", "evaluate before", "train", "evaluate after", "save"]
    assert context.steps == (result["steps"], result["steps"])
    assert result["evaluated_on"] == "synthetic test split"
    assert result["train_rows"] + result["evaluated_rows"] == 120
    assert result["after"]["loss"] < 0.2 * result["before"]["loss"]
    assert result["after"]["balanced_accuracy"] > 0.9
    assert context.losses[-1] < 0.5 * context.losses[0]
    assert set(context.figures[2]) == {
        "loss", "grad_norm", "learning_rate", "step_seconds", "tokens_per_second", "samples",
    }  # fmt: skip
    assert context.figures[2]["samples"] == 16
    shared = result["trainable_parameters"] < result["total_parameters"] / 4
    assert shared == (method == "lora")


def test_a_real_source_is_what_the_measure_is_on_and_may_be_trained_on(
    workspace: Workspace, tiny_model: str, tmp_path: Path
) -> None:
    rows = [f"{kind},{weight}" for weight in range(40) for kind in ("bird", "fish")]
    (tmp_path / "real.csv").write_text("\n".join(["kind,weight", *rows]))
    spec = SPEC.replace("and lives in {{ place }}", "").replace("{{ weight }}", "{{ weight }} g")
    spec += "sources: {real: {path: real.csv, holdout: 0.25, stratify_by: kind}}"
    dataset = make_dataset(workspace, spec, tmp_path)
    synthetic = tune(make_context(workspace, "a"), dataset, tiny_model)
    real = tune(make_context(workspace, "b"), dataset, tiny_model, train_on="real")
    assert (synthetic["train_rows"], real["train_rows"]) == (120, 60)
    assert synthetic["evaluated_on"] == real["evaluated_on"] == "real holdout"
    assert synthetic["evaluated_rows"] == real["evaluated_rows"] == 20
    assert synthetic["before"] == real["before"]
    card = (Path(real["output"]) / "README.md").read_text("utf-8")
    assert "real.csv, 80 rows, licence not stated" in card
    assert "on 60 real rows" in card


def test_plain_peft_loads_the_adapter_with_the_weights_that_were_trained(
    context: RecordingContext, dataset: str, tiny_model: str
) -> None:
    result = tune(context, dataset, tiny_model, "lora")
    output = Path(result["output"])
    base = AutoModelForCausalLM.from_pretrained(tiny_model)
    plain = PeftModel.from_pretrained(base, output).eval()
    tokenizer = AutoTokenizer.from_pretrained(output)
    ids = tokenizer("It weighs 3 and lives in a nest:", return_tensors="pt")["input_ids"]
    with torch.no_grad():
        loaded = plain(input_ids=ids).logits
        merged = plain.merge_and_unload()(input_ids=ids).logits
        untouched = AutoModelForCausalLM.from_pretrained(tiny_model)(input_ids=ids).logits
    torch.testing.assert_close(loaded, merged, atol=1e-4, rtol=1e-4)
    assert (loaded - untouched).abs().max() > 0.1
    last = load_file(context.folder / "checkpoints" / f"checkpoint-{result['steps']}" / "adapter_model.safetensors")
    saved = load_file(output / "adapter_model.safetensors")
    assert saved.keys() == last.keys()
    assert all(torch.equal(saved[name], last[name]) for name in saved)


def test_plain_transformers_loads_the_fully_tuned_model(
    context: RecordingContext, dataset: str, tiny_model: str
) -> None:
    output = tune(context, dataset, tiny_model)["output"]
    model, tokenizer = AutoModelForCausalLM.from_pretrained(output), AutoTokenizer.from_pretrained(output)
    ids = tokenizer("It weighs 3 and lives in a nest:", return_tensors="pt")
    said = model.generate(**ids, max_new_tokens=2, do_sample=False)
    assert tokenizer.decode(said[0, ids["input_ids"].shape[1] :]).strip()


@pytest.mark.parametrize("method", ["full", "lora"])
def test_a_stopped_and_resumed_run_has_the_loss_curve_of_an_undisturbed_one(
    workspace: Workspace, dataset: str, tiny_model: str, method: str
) -> None:
    settings = FAST | {"gradient_accumulation": "2"}
    undisturbed = make_context(workspace, "undisturbed")
    expected = tune(undisturbed, dataset, tiny_model, method, settings=settings)
    stopped = make_context(workspace, "stopped", stop_at=9)
    with pytest.raises(StopRequested):
        tune(stopped, dataset, tiny_model, method, settings=settings)
    assert not (stopped.folder / "result" / "tuning.json").exists()
    resumed = make_context(workspace, "stopped", attempt=2)
    result = tune(resumed, dataset, tiny_model, method, settings=settings)
    assert min(resumed.figures) == 10
    assert stopped.losses + resumed.losses == pytest.approx(undisturbed.losses, abs=1e-6)
    assert result["after"] == pytest.approx(expected["after"], abs=1e-6)
    assert result["train_rows"] == expected["train_rows"]


def test_a_damaged_checkpoint_falls_back_to_the_one_before(workspace: Workspace, dataset: str, tiny_model: str) -> None:
    settings = FAST | {"save_every": "5"}
    stopped = make_context(workspace, "stopped", stop_at=13)
    with pytest.raises(StopRequested):
        tune(stopped, dataset, tiny_model, settings=settings)
    folder = stopped.folder / "checkpoints"
    optimizer = folder / "checkpoint-13" / "optimizer.pt"
    optimizer.write_bytes(optimizer.read_bytes()[:-1] + b"?")
    (folder / "checkpoint-14").mkdir()  # what a kill in the middle of saving leaves
    resumed = make_context(workspace, "stopped", attempt=2)
    tune(resumed, dataset, tiny_model, settings=settings)
    assert min(resumed.figures) == 11
    assert [line.split()[0] for line in resumed.lines if "not whole" in line] == ["checkpoint-14", "checkpoint-13"]
    assert "Goes on from checkpoint-10." in resumed.lines


def test_a_finished_run_returns_its_result_without_training_again(
    workspace: Workspace, dataset: str, tiny_model: str
) -> None:
    first = tune(make_context(workspace, "done"), dataset, tiny_model)
    again = make_context(workspace, "done", attempt=2)
    assert tune(again, dataset, tiny_model) == first
    assert again.stages == []
    (again.folder / "result" / "tuning.json").unlink()  # killed after the last step, before the result was whole
    recovered = tune(again, dataset, tiny_model)
    assert again.figures == {}
    assert {**recovered, "peak_memory_bytes": 0} == {**first, "peak_memory_bytes": 0}


def test_the_held_out_loss_is_told_while_training_where_asked_for(
    context: RecordingContext, dataset: str, tiny_model: str
) -> None:
    result = tune(context, dataset, tiny_model, settings=FAST | {"evaluate_every": "10", "max_steps": "20"})
    assert [step for step in context.figures if "held_out_loss" in context.figures[step]] == [10, 20]
    assert context.figures[20]["held_out_loss"] == pytest.approx(result["after"]["loss"], abs=1e-6)


def test_checkpointing_and_chats_are_trained_too(workspace: Workspace, tiny_model: str) -> None:
    start = SPEC.index("training:")
    chat = (
        'training: {task: chat, label: kind, messages: [{role: user, content: "{{ weight }} in {{ place }}"},'
        ' {role: assistant, content: "A {{ kind }}."}]}'
    )
    dataset = make_dataset(workspace, SPEC[:start] + chat)
    losses = []
    for checkpointing in ("true", "false"):
        context = make_context(workspace, checkpointing)
        tune(context, dataset, tiny_model, "lora", settings=FAST | {"checkpointing": checkpointing})
        losses.append(context.losses)
    assert losses[0] == pytest.approx(losses[1], abs=1e-5)


def test_a_diverging_run_says_so_instead_of_ending_well(
    context: RecordingContext, dataset: str, tiny_model: str
) -> None:
    with pytest.raises(WorkbenchError) as caught:
        tune(context, dataset, tiny_model, settings={"learning_rate": "10", "epochs": "30", "dtype": "float16"})
    assert "diverged" in caught.value.cause
    assert "learning_rate=" in caught.value.solution


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        ({"dataset": "animols"}, "There is no dataset “animols”"),
        ({"model": "workbench-bose"}, "There is no model “workbench-bose”"),
        ({"method": "lara"}, "There is no method “lara”"),
        ({"settings": {"epoch": 1}}, "full has no setting “epoch”"),
        ({"train_on": "reel"}, "Rows to train on cannot be “reel”"),
        ({"train_on": "real"}, "names no real data to train on"),
        ({"settings": {"max_length": 8}}, "No training row has a token to learn from within 8 tokens"),
        ({"method": "lora", "settings": {"target_modules": "wings"}}, "lora cannot be put on this model"),
    ],
)
def test_what_is_wrong_is_refused_before_training(
    context: RecordingContext, dataset: str, tiny_model: str, change: dict[str, Any], cause: str
) -> None:
    arguments = {"dataset": dataset, "model": tiny_model, "method": "full", "settings": {}, "train_on": "synthetic"}
    with pytest.raises(UsageError) as caught:
        run(arguments | change, context)
    assert cause in caught.value.cause
    assert not (context.folder / "result").exists()


@pytest.mark.parametrize(
    ("old", "new", "cause"),
    [
        (SPEC[SPEC.index("training:") :], "", "does not say how a row becomes a training example"),
        ("values: [bird, fish]", "values: {bird: 1, fish: 0}", "only the value “bird”"),
        ("{{ place }}:", "{{ kind }}:", "the question would hold the answer"),
    ],
)
def test_a_dataset_that_cannot_be_learned_from_is_refused(
    context: RecordingContext, workspace: Workspace, tiny_model: str, old: str, new: str, cause: str
) -> None:
    assert old in SPEC
    dataset = make_dataset(workspace, SPEC.replace(old, new))
    with pytest.raises(UsageError, match=cause):
        tune(context, dataset, tiny_model)


def test_the_base_is_found_again_from_the_adapter_alone(context: RecordingContext, dataset: str) -> None:
    output = Path(tune(context, dataset, BASE_MODEL, "lora", settings={"max_steps": "1"})["output"])
    config = json.loads((output / "adapter_config.json").read_text())
    assert config["base_model_name_or_path"] == resolve_model(BASE_MODEL).location
    moved = shutil.copytree(output, output.parent / "moved")
    base = AutoModelForCausalLM.from_pretrained(config["base_model_name_or_path"])
    assert PeftModel.from_pretrained(base, moved).peft_config["default"].r == 16
