"""LLaMA-Factory: `llamafactory-cli train train.yaml` in the folder, with the data described in `dataset_info.json`."""

from __future__ import annotations

import json
from pathlib import PurePosixPath
from typing import Any

from workbench.datasets.exports.target import (
    EPOCHS,
    EXPORTS,
    MAX_LENGTH,
    PREFERENCE_LEARNING_RATE,
    ExportRequest,
    ExportTarget,
    write_yaml,
)
from workbench.spec.model import TrainingConfig

_TEMPLATES = (
    ("qwen3", "qwen3_nothink"), ("qwen", "qwen"), ("llama-4", "llama4"), ("llama-3", "llama3"), ("llama-2", "llama2"),
    ("gemma-3", "gemma3"), ("gemma-2", "gemma2"), ("gemma", "gemma"), ("ministral", "ministral"),
    ("mistral-small", "mistral_small"), ("mistral", "mistral"), ("phi-4-mini", "phi4_mini"), ("phi-4", "phi4"),
    ("phi-3", "phi"), ("glm-4", "glm4"), ("deepseek-r1", "deepseekr1"), ("deepseek-v3", "deepseek3"),
    ("deepseek", "deepseek"), ("granite-3", "granite3"), ("granite-4", "granite4"), ("falcon", "falcon"),
    ("gpt-oss", "gpt_oss"), ("smollm", "chatml"), ("olmo", "olmo"), ("command", "cohere"),
)  # fmt: skip
"""Part of a model's name to its template in LLaMA-Factory; the first that fits. `default` for all others."""


def list_layouts(training: TrainingConfig) -> list[str]:
    """Turns, in either form; a text for pre-training; pairs of answers for DPO."""
    return {
        "chat": ["messages", "sharegpt", "alpaca"],
        "prompt_completion": ["messages", "sharegpt", "alpaca"],
        "text": ["text"],
        "preference": ["preference"],
    }[training.task]


def write(request: ExportRequest) -> dict[str, str]:
    """`dataset_info.json` with an entry for each split, and `train.yaml`: LoRA on all linear layers."""
    names = {split: f"{request.manifest.name}_{split}" for split in request.files}
    info = {name: _describe_data(request, request.files[split]) for split, name in names.items()}
    stage = {"text": "pt", "preference": "dpo"}.get(request.layout or "", "sft")
    config: dict[str, Any] = {
        "model_name_or_path": request.model,
        "stage": stage,
        "do_train": True,
        "finetuning_type": "lora",
        "lora_rank": 8,
        "lora_target": "all",
    }
    if stage == "dpo":
        config |= {"pref_beta": 0.1, "pref_loss": "sigmoid"}
    config |= {"dataset": names["train"], "dataset_dir": ".", "cutoff_len": MAX_LENGTH}
    if stage != "pt":
        config["template"] = find_template(request.model)
    config |= {
        "output_dir": "output",
        "logging_steps": 10,
        "save_steps": 500,
        "per_device_train_batch_size": 1,
        "gradient_accumulation_steps": 8,
        "learning_rate": PREFERENCE_LEARNING_RATE if stage == "dpo" else 1e-4,
        "num_train_epochs": float(EPOCHS),
        "lr_scheduler_type": "cosine",
        "warmup_ratio": 0.1,
        "bf16": True,
        "report_to": "none",
        "seed": request.seed,
    }
    if request.evaluation is not None:
        config |= {
            "eval_dataset": names["validation"],
            "per_device_eval_batch_size": 1,
            "eval_strategy": "steps",
            "eval_steps": 500,
            "eval_accumulation_steps": 1,  # evaluation otherwise runs out of memory (LLaMA-Factory#5419)
        }
    comments = [*request.origin, "Run in this folder: llamafactory-cli train train.yaml"]
    if config.get("template") == "default":
        comments.append("The template of this model is not known here: check “template” before training.")
    return {
        "dataset_info.json": json.dumps(info, indent=2) + "\n",
        "train.yaml": write_yaml(config, comments),
    }


def find_template(model: str) -> str:
    """The name of the chat template of a model in LLaMA-Factory, by the last part of the model's name."""
    name = PurePosixPath(model.lower()).name
    return next((template for part, template in _TEMPLATES if part in name), "default")


def _describe_data(request: ExportRequest, path: str) -> dict[str, Any]:
    if request.layout == "messages":
        tags = {"role_tag": "role", "content_tag": "content", "user_tag": "user", "assistant_tag": "assistant"}
        columns = {"messages": "messages"}
        return {
            "file_name": path,
            "formatting": "sharegpt",
            "columns": columns,
            "tags": tags | {"system_tag": "system"},
        }
    if request.layout == "sharegpt":
        return {"file_name": path, "formatting": "sharegpt", "columns": {"messages": "conversations"}}
    if request.layout == "preference":
        columns = {"prompt": "prompt", "chosen": "chosen", "rejected": "rejected"}
        return {"file_name": path, "ranking": True, "columns": columns}
    if request.layout == "text":
        return {"file_name": path, "columns": {"prompt": "text"}}
    columns = {"prompt": "instruction", "query": "input", "response": "output"}
    roles = [message.role for message in (request.training.messages if request.training else None) or []]
    if "system" in roles:
        columns["system"] = "system"
    if roles.count("assistant") > 1:
        columns["history"] = "history"
    return {"file_name": path, "formatting": "alpaca", "columns": columns}


EXPORTS.add(
    "llamafactory",
    ExportTarget("llamafactory", "dataset_info.json and train.yaml for `llamafactory-cli`", list_layouts, write),
)
