"""Pretrains the shipped model from scratch: `python -m workbench.tuning.base_model.pretrain --out FOLDER`.

One file, read top to bottom: tokenizer, packed blocks, AdamW with warm-up and linear decay, held-out loss, save. The
order of the blocks depends on the seed and the step alone, and a checkpoint holds everything else, so a run that was
stopped goes on as if it had not been. The recipe takes about 40 minutes of one core.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from workbench.tuning.base_model.card import write_card
from workbench.tuning.base_model.corpus import Document, build_corpus

SEED = 1
VOCABULARY = 2048
START, END, PAD = "<|start|>", "<|end|>", "<|pad|>"
ROLES = ("<|system|>", "<|user|>", "<|assistant|>")
CHAT_TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}{% if message['role'] == 'assistant' %}<|assistant|>"
    "{% generation %}{{ message['content'] }}{{ eos_token }}{% endgeneration %}"
    "{% else %}{{ '<|' + message['role'] + '|>' + message['content'] + eos_token }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
SHAPE = {
    "hidden_size": 192,
    "intermediate_size": 384,
    "num_hidden_layers": 4,
    "num_attention_heads": 6,
    "num_key_value_heads": 2,
    "max_position_embeddings": 512,
}
TOKENS_PER_STEP = 2048
LENGTH, LONG_LENGTH, LONG_SHARE = 256, 512, 0.1  # the last tenth of the steps teaches the longer positions
PEAK_RATE, WARMUP_STEPS, WEIGHT_DECAY, CLIP = 2.5e-3, 100, 0.1, 1.0
SAVE_EVERY = 100


def main() -> int:
    """Pretrain, or go on with a run that was stopped. Prints the loss as it goes."""
    parser = argparse.ArgumentParser(description="Pretrain the small base model that the package ships.")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent, help="where the model's files go")
    parser.add_argument("--work", type=Path, default=Path("build/base_model"), help="where the checkpoint is kept")
    parser.add_argument("--steps", type=int, default=3200, help=f"of {TOKENS_PER_STEP} tokens each")
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    arguments.work.mkdir(parents=True, exist_ok=True)

    documents = build_corpus(SEED)
    learning = [document for document in documents if not document.held_out]
    held_out = [document for document in documents if document.held_out]
    tokenizer = train_tokenizer(learning)
    stream = encode(tokenizer, learning)
    say(f"{len(learning):,} documents, {len(stream):,} tokens; {len(held_out):,} documents held out")

    model = train(tokenizer, stream, arguments.steps, arguments.work / "checkpoint.pt")
    figures = measure(model, tokenizer, held_out)
    say(json.dumps(figures, indent=1))
    arguments.out.mkdir(parents=True, exist_ok=True)
    model.save_pretrained(arguments.out)
    tokenizer.save_pretrained(arguments.out)
    write_card(arguments.out / "README.md", model, arguments.steps * TOKENS_PER_STEP, len(stream), figures)
    return 0


def train_tokenizer(documents: list[Document]) -> PreTrainedTokenizerFast:
    """Byte-level BPE: any text can be written, and each digit is a token of its own so that numbers stay readable."""
    core = Tokenizer(models.BPE())
    core.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(Regex(r"\d"), "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    core.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=[PAD, START, END, *ROLES],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    core.train_from_iterator((turn for document in documents for turn in document.turns), trainer)
    core.post_processor = processors.TemplateProcessing(
        single=f"{START} $A", pair=f"{START} $A {START} $B", special_tokens=[(START, core.token_to_id(START))]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=core,
        bos_token=START,
        eos_token=END,
        pad_token=PAD,
        additional_special_tokens=list(ROLES),
        chat_template=CHAT_TEMPLATE,
        model_max_length=SHAPE["max_position_embeddings"],
        clean_up_tokenization_spaces=False,
    )


def encode(tokenizer: PreTrainedTokenizerFast, documents: list[Document]) -> NDArray[np.int32]:
    """All documents as one stream of token ids; questions and answers in the form of the chat template."""
    texts = []
    for document in documents:
        if len(document.turns) == 1:
            texts.append(f"{START}{document.turns[0]}{END}")
        else:
            question, answer = document.turns
            texts.append(f"{START}<|user|>{question}{END}<|assistant|>{answer}{END}")
    return np.concatenate(
        [np.asarray(ids, dtype=np.int32) for ids in tokenizer(texts, add_special_tokens=False)["input_ids"]]
    )


def train(
    tokenizer: PreTrainedTokenizerFast, stream: NDArray[np.int32], steps: int, checkpoint: Path
) -> LlamaForCausalLM:
    """The trained model, from the checkpoint if there is one."""
    torch.manual_seed(SEED)
    model = LlamaForCausalLM(
        LlamaConfig(
            **SHAPE,
            vocab_size=len(tokenizer),
            tie_word_embeddings=True,
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
    )
    matrices = [parameter for parameter in model.parameters() if parameter.ndim == 2]
    scales = [parameter for parameter in model.parameters() if parameter.ndim == 1]
    optimizer = torch.optim.AdamW(
        [{"params": matrices, "weight_decay": WEIGHT_DECAY}, {"params": scales, "weight_decay": 0.0}],
        lr=PEAK_RATE,
        betas=(0.9, 0.95),
    )
    first, spent = 0, 0.0
    if checkpoint.exists():
        state = torch.load(checkpoint, weights_only=True)
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        first, spent = state["step"], state["seconds"]
        say(f"goes on at step {first}")
    started, recent = time.monotonic(), 0.0
    for step in range(first, steps):
        rate = PEAK_RATE * min((step + 1) / WARMUP_STEPS, (steps - step) / (steps - WARMUP_STEPS))
        for group in optimizer.param_groups:
            group["lr"] = rate
        batch = take_batch(stream, step, LENGTH if step < steps * (1 - LONG_SHARE) else LONG_LENGTH)
        loss = model(input_ids=batch, labels=batch).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), CLIP)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        recent = loss.item() if not recent else 0.98 * recent + 0.02 * loss.item()
        if (step + 1) % SAVE_EVERY == 0 or step + 1 == steps:
            seconds = spent + time.monotonic() - started
            say(f"step {step + 1}/{steps}  loss {recent:.3f}  {seconds / 60:.1f} min")
            temporary = checkpoint.with_suffix(".tmp")
            values: dict[str, Any] = {"model": model.state_dict(), "optimizer": optimizer.state_dict()}
            torch.save(values | {"step": step + 1, "seconds": seconds}, temporary)
            temporary.replace(checkpoint)
    return model


def take_batch(stream: NDArray[np.int32], step: int, length: int) -> torch.Tensor:
    """The blocks of one step, shape (TOKENS_PER_STEP / length, length), in an order drawn anew for each epoch."""
    blocks, rows = len(stream) // length, TOKENS_PER_STEP // length
    wanted = np.arange(step * rows, (step + 1) * rows)
    chosen = [
        np.random.default_rng((SEED, length, n // blocks)).permutation(blocks)[n % blocks] for n in wanted.tolist()
    ]
    return torch.from_numpy(np.stack([stream[b * length : (b + 1) * length] for b in chosen]).astype(np.int64))


@torch.no_grad()
def measure(
    model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast, documents: list[Document]
) -> dict[str, dict[str, float]]:
    """Held-out loss in nats per token, perplexity, and bits per byte of text, for each kind of document and for all."""
    model.eval()
    totals: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0, 0.0])
    for document in documents:
        ids = torch.from_numpy(encode(tokenizer, [document]).astype(np.int64))[None, : SHAPE["max_position_embeddings"]]
        loss = float(model(input_ids=ids, labels=ids).loss)
        size = len(tokenizer.decode(ids[0], skip_special_tokens=True).encode())
        for kind in (document.kind, "all"):
            count = ids.shape[1] - 1
            totals[kind] = [a + b for a, b in zip(totals[kind], (loss * count, count, size), strict=True)]
    return {
        kind: {
            "loss": round(loss / count, 3),
            "perplexity": round(math.exp(loss / count), 2),
            "bits_per_byte": round(loss / math.log(2) / size, 3),
            "tokens": count,
        }
        for kind, (loss, count, size) in sorted(totals.items())
    }


def say(message: str) -> None:
    """One line of narration."""
    print(message, file=sys.stderr, flush=True)  # noqa: T201 - a script


if __name__ == "__main__":
    sys.exit(main())
