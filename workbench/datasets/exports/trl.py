"""TRL: `trl sft --config sft.yaml` (or `trl dpo --config dpo.yaml`) in the folder.

TRL takes the loss on the completion alone where the data is prompts and completions, with any model. On messages it
needs a chat template with generation marks, so a chat with one answer is given as prompt and completion.
"""

from __future__ import annotations

from typing import Any

from workbench.datasets.exports.target import (
    EPOCHS,
    EXPORTS,
    LEARNING_RATE,
    MAX_LENGTH,
    PREFERENCE_LEARNING_RATE,
    ExportRequest,
    ExportTarget,
    write_yaml,
)
from workbench.spec.model import TrainingConfig


def list_layouts(training: TrainingConfig) -> list[str]:
    """Prompt and completion where there is one answer, else messages."""
    if training.task == "chat":
        answers = sum(message.role == "assistant" for message in training.messages or [])
        return ["prompt_completion", "messages"] if answers == 1 else ["messages", "prompt_completion"]
    if training.task == "prompt_completion":
        return ["prompt_completion", "messages", "text"]
    return [training.task]


def write(request: ExportRequest) -> dict[str, str]:
    """`sft.yaml` or `dpo.yaml`, as TrlParser reads them: LoRA on all linear layers."""
    script = "dpo" if request.layout == "preference" else "sft"
    config: dict[str, Any] = {
        "model_name_or_path": request.model,
        "dataset_name": "data",
        "dataset_train_split": "train",
    }
    if request.evaluation is not None:
        config |= {"dataset_test_split": "validation", "eval_strategy": "epoch"}
    if request.layout == "messages":
        config["assistant_only_loss"] = True
    config |= {
        "use_peft": True,
        "lora_r": 32,
        "lora_alpha": 16,
        "lora_dropout": 0.05,
        "lora_target_modules": "all-linear",
        "learning_rate": PREFERENCE_LEARNING_RATE if script == "dpo" else LEARNING_RATE,
        "lr_scheduler_type": "cosine",
        "num_train_epochs": 1 if script == "dpo" else EPOCHS,
        "per_device_train_batch_size": 2,
        "gradient_accumulation_steps": 8,
        "gradient_checkpointing": True,
        "max_length": MAX_LENGTH,
        "logging_steps": 10,
        "save_strategy": "epoch",
        "output_dir": "output",
        "report_to": "none",
        "seed": request.seed,
    }
    comments = [*request.origin, f"Run in this folder: trl {script} --config {script}.yaml"]
    return {f"{script}.yaml": write_yaml(config, comments)}


EXPORTS.add("trl", ExportTarget("trl", "sft.yaml or dpo.yaml for the command `trl`", list_layouts, write))
