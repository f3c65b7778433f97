"""A dataset in a workspace, and a model that trains in a second."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tuning_support import RecordingContext, make_context, make_dataset

from workbench.tuning.models import BASE_MODEL, resolve_model
from workbench.workspace import Workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """An empty workspace."""
    return Workspace(tmp_path / "workspace")


@pytest.fixture
def context(workspace: Workspace) -> RecordingContext:
    """A run's context with a folder of its own."""
    return make_context(workspace, "first")


@pytest.fixture
def dataset(workspace: Workspace) -> str:
    """The folder of the dataset of SPEC."""
    return make_dataset(workspace)


@pytest.fixture(scope="session")
def tokenizer() -> Any:
    """The tokenizer that the package ships."""
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(resolve_model(BASE_MODEL).location)


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory, tokenizer: Any) -> str:
    """The folder of a Llama of 2 layers and random weights that trains at once."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("tiny")
    config = LlamaConfig(
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        vocab_size=len(tokenizer),
        max_position_embeddings=256,
        tie_word_embeddings=True,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return str(folder)
