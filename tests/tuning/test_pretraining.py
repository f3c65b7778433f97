"""The script behind the shipped model: its parts on a few documents, and its corpus without the held-out subjects."""

from pathlib import Path

import numpy as np
import pytest
import torch

from workbench.tuning.base_model.card import write_card
from workbench.tuning.base_model.corpus import Document, build_corpus, describe_sources
from workbench.tuning.base_model.pretrain import LENGTH, encode, measure, take_batch, train, train_tokenizer

DOCUMENTS = [
    *(
        Document("prose", (f"Return the sorted list number {number} of the given values, as a new list.",))
        for number in range(300)
    ),
    *(Document("numbers", (f"Which is larger, {number} or 7?", str(max(number, 7)))) for number in range(60)),
]


def test_pretraining_goes_on_from_its_checkpoint_and_writes_a_card(tmp_path: Path) -> None:
    tokenizer = train_tokenizer(DOCUMENTS)
    stream = encode(tokenizer, DOCUMENTS)
    assert tokenizer.decode(stream[:6]).startswith("<|start|>Return the")
    checkpoint = tmp_path / "checkpoint.pt"
    first = train(tokenizer, stream, 2, checkpoint)
    again = train(tokenizer, stream, 2, checkpoint)  # finished: nothing is trained
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), again.parameters(), strict=True))
    figures = measure(again, tokenizer, DOCUMENTS[::40])
    assert figures["all"]["tokens"] == figures["prose"]["tokens"] + figures["numbers"]["tokens"]
    write_card(tmp_path / "README.md", again, 4096, len(stream), figures)
    assert "| numbers |" in (tmp_path / "README.md").read_text("utf-8")


def test_an_epoch_of_blocks_is_the_whole_stream_once() -> None:
    stream = np.arange(LENGTH * 24, dtype=np.int32)
    epochs = [
        torch.cat([take_batch(stream, step + 3 * epoch, LENGTH).flatten() for step in range(3)]) for epoch in (0, 1)
    ]
    assert all(sorted(epoch.tolist()) == stream.tolist() for epoch in epochs)
    assert not torch.equal(*epochs)


def test_every_source_states_a_version_and_a_licence() -> None:
    assert all(licence for _, _, licence in describe_sources())


@pytest.mark.slow
def test_the_corpus_holds_nothing_of_what_the_demo_measures_on() -> None:
    documents = build_corpus(1)
    text = "\n".join("\n".join(document.turns) for document in documents).lower()
    assert not [word for word in ("breast", "malignant", "benign", "chatterbot") if word in text]
    assert 0.01 < sum(document.held_out for document in documents) / len(documents) < 0.03
