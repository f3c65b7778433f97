"""Axolotl: `axolotl train axolotl.yaml` in the folder. Fields as in its schemas of datasets, PEFT and training."""

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

_DS_TYPES = {"jsonl": "json", "parquet": "parquet", "arrow": "arrow"}


def list_layouts(training: TrainingConfig) -> list[str]:
    """Chat templates for turns; a text as it is; pairs of answers for DPO."""
    return {
        "chat": ["messages", "sharegpt"],
        "prompt_completion": ["messages", "alpaca", "sharegpt"],
        "text": ["text"],
        "preference": ["preference"],
    }[training.task]


def write(request: ExportRequest) -> dict[str, str]:
    """`axolotl.yaml`: LoRA on all linear layers, loss on the assistant's turns alone."""
    preference = request.layout == "preference"
    config: dict[str, Any] = {"base_model": request.model, "load_in_4bit": False}
    if preference:
        config["rl"] = "dpo"
    if request.layout in ("messages", "sharegpt"):
        config["chat_template"] = "tokenizer_default"
    config["datasets"] = [_describe_data(request, request.files["train"])]
    if request.evaluation is not None:
        config["test_datasets"] = [_describe_data(request, request.evaluation)]
    else:
        config["val_set_size"] = 0.0 if preference else 0.05
    config |= {
        "dataset_prepared_path": "prepared",
        "output_dir": "output",
        "adapter": "lora",
        "lora_r": 32,
        "lora_alpha": 16,
        "lora_dropout": 0.05,
        "lora_target_linear": True,
        "sequence_len": MAX_LENGTH,
        "sample_packing": False,
        "micro_batch_size": 2,
        "gradient_accumulation_steps": 4,
        "num_epochs": 1 if preference else EPOCHS,
        "optimizer": "adamw_torch",
        "lr_scheduler": "cosine",
        "warmup_ratio": 0.1,
        "learning_rate": PREFERENCE_LEARNING_RATE if preference else LEARNING_RATE,
        "bf16": "auto",
        "gradient_checkpointing": True,
        "logging_steps": 10,
        "saves_per_epoch": 1,
        "seed": request.seed,
    }
    if request.evaluation is not None:
        config["evals_per_epoch"] = 1
    comments = [*request.origin, "Dry run: axolotl preprocess axolotl.yaml", "Then: axolotl train axolotl.yaml"]
    return {"axolotl.yaml": write_yaml(config, comments)}


def _describe_data(request: ExportRequest, path: str) -> dict[str, Any]:
    data: dict[str, Any] = {"path": path, "ds_type": _DS_TYPES[request.format], "split": "train"}
    if request.layout == "alpaca":
        return data | {"type": "alpaca"}
    if request.layout == "text":
        return data | {"type": "completion", "field": "text"}
    if request.layout == "preference":
        fields = {name: name for name in ("prompt", "chosen", "rejected")}
        kind = {f"field_{name}": name for name in fields} | {f"{name}_format": f"{{{name}}}" for name in fields}
        return data | {"type": kind}
    data |= {"type": "chat_template", "roles_to_train": ["assistant"], "train_on_eos": "turn"}
    if request.layout == "messages":
        return data | {
            "field_messages": "messages",
            "message_property_mappings": {"role": "role", "content": "content"},
        }
    return data | {
        "field_messages": "conversations",
        "message_property_mappings": {"role": "from", "content": "value"},
        "roles": {"system": ["system"], "user": ["human"], "assistant": ["gpt"]},
    }


EXPORTS.add("axolotl", ExportTarget("axolotl", "axolotl.yaml for `axolotl train`", list_layouts, write))
