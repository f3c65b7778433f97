"""Writes the card of the shipped model: what it is, what it was trained on, how well it does, what not to expect."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from workbench.tuning.base_model.corpus import describe_sources

_CARD = """\
---
license: apache-2.0
language: en
library_name: transformers
pipeline_tag: text-generation
---
# workbench-base

A Llama-architecture language model of {parameters:,} parameters ({shape}), with a byte-level
BPE tokenizer of {vocabulary:,} entries that writes each digit as a token of its own, and a chat template. It is there
so that tuning can be tried, taught and tested on a laptop without a network. It writes plausible fragments of
technical English and has no knowledge to speak of: for real work, tune a real model.

Pretrained from random weights by `python -m workbench.tuning.base_model.pretrain` on {tokens:,} tokens ({epochs:.1f}
passes over the corpus below); that takes about 40 minutes on one core. Positions: up to 512. Weights: float32.

## Corpus

Only text that Python and this project's own dependencies install. Paragraphs that mention breast cancer were dropped
and the chatterbot corpus was not read, since the workbench's demo measures on those. Wine, iris and diabetes were
read, so they are no fair test of this model.

| source | version | licence |
| --- | --- | --- |
{sources}

## Held-out figures

Two percent of the documents, chosen by a hash of their text, were kept out of training.

| documents | loss (nats per token) | perplexity | bits per byte | tokens |
| --- | --- | --- | --- | --- |
{figures}

`prose` are docstrings, `questions` ask what a function does, `topics` ask which package a paragraph is about,
`tables` are rows of wine, iris and diabetes (a row may stand on both sides in other words, so this figure flatters),
`numbers` are comparisons of two numbers.
"""


def write_card(path: Path, model: Any, tokens: int, corpus_tokens: int, figures: dict[str, dict[str, float]]) -> None:
    """Write the card of `model`, a LlamaForCausalLM, to `path`. `figures` come from `pretrain.measure`."""
    config = model.config
    card = _CARD.format(
        parameters=model.num_parameters(),
        shape=f"{config.num_hidden_layers} layers, hidden size {config.hidden_size}",
        vocabulary=config.vocab_size,
        tokens=tokens,
        epochs=tokens / corpus_tokens,
        sources="\n".join(f"| {source} | {version} | {licence} |" for source, version, licence in describe_sources()),
        figures="\n".join(
            "| {} | {loss:.3f} | {perplexity:.2f} | {bits_per_byte:.3f} | {tokens:,.0f} |".format(kind, **row)
            for kind, row in figures.items()
        ),
    )
    path.write_text(card, encoding="utf-8")
