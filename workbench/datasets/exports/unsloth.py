"""Unsloth: a Python script that loads the model with its kernels and trains by TRL, run in the folder."""

from __future__ import annotations

from workbench.datasets.exports.target import (
    EPOCHS,
    EXPORTS,
    LEARNING_RATE,
    MAX_LENGTH,
    PREFERENCE_LEARNING_RATE,
    ExportRequest,
    ExportTarget,
)
from workbench.datasets.exports.trl import list_layouts

_LOADERS = {"jsonl": "json", "parquet": "parquet", "arrow": "arrow"}

_SCRIPT = """\
{comments}
# Run in this folder: python train.py
from unsloth import FastLanguageModel  # before trl, which it patches

from datasets import load_dataset
from trl import {config_class}, {trainer_class}

MODEL = {model!r}
MAX_LENGTH = {length}
SEED = {seed}

model, tokenizer = FastLanguageModel.from_pretrained(MODEL, max_seq_length=MAX_LENGTH, load_in_4bit=True)
model = FastLanguageModel.get_peft_model(
    model,
    r=16,
    lora_alpha=16,
    lora_dropout=0,
    bias="none",
    target_modules=["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"],
    use_gradient_checkpointing="unsloth",
    random_state=SEED,
)
data = load_dataset({loader!r}, data_files={files!r})

trainer = {trainer_class}(
    model=model,
    processing_class=tokenizer,
    train_dataset=data["train"],
    eval_dataset=data.get("validation"),
    args={config_class}(
        output_dir="output",
        max_length=MAX_LENGTH,
        {loss}per_device_train_batch_size=2,
        gradient_accumulation_steps=8,
        num_train_epochs={epochs},
        learning_rate={rate},
        lr_scheduler_type="cosine",
        eval_strategy={evaluate!r},
        logging_steps=10,
        save_strategy="epoch",
        report_to="none",
        seed=SEED,
    ),
)
trainer.train()
model.save_pretrained("output/adapter")
tokenizer.save_pretrained("output/adapter")
"""


def write(request: ExportRequest) -> dict[str, str]:
    """`train.py`: QLoRA, loss on the answers alone."""
    preference = request.layout == "preference"
    script = _SCRIPT.format(
        comments="\n".join(f"# {line}" for line in request.origin),
        config_class="DPOConfig" if preference else "SFTConfig",
        trainer_class="DPOTrainer" if preference else "SFTTrainer",
        model=request.model,
        length=MAX_LENGTH,
        seed=request.seed,
        loader=_LOADERS[request.format],
        files=dict(request.files),
        loss="assistant_only_loss=True,\n        " if request.layout == "messages" else "",
        epochs=1 if preference else EPOCHS,
        rate=PREFERENCE_LEARNING_RATE if preference else LEARNING_RATE,
        evaluate="no" if request.evaluation is None else "epoch",
    )
    return {"train.py": script}


EXPORTS.add("unsloth", ExportTarget("unsloth", "train.py, a script for Unsloth", list_layouts, write))
