"""The shipped shapes are those of the models they are named after."""

import pytest

from workbench.estimates.shapes import find_shape, list_shapes
from workbench.estimates.simulate import find_positions, make_config

# Parameters as the publishers state them, embeddings that are tied counted once.
PARAMETERS = {
    "gemma-3-270m": 268_098_176,
    "llama-3.1-8b": 8_030_261_248,
    "llama-3.2-1b": 1_235_814_400,
    "llama-3.2-3b": 3_212_749_824,
    "mistral-7b": 7_248_023_552,
    "phi-3-mini": 3_821_079_552,
    "qwen3-0.6b": 596_049_920,
    "qwen3-4b": 4_022_468_096,
    "qwen3-8b": 8_190_735_360,
    "smollm2-135m": 134_515_008,
}


@pytest.mark.parametrize("name", list_shapes())
def test_a_shape_has_the_parameters_of_its_model(name: str) -> None:
    import torch
    from transformers import AutoModelForCausalLM

    shape = find_shape(name)
    assert shape is not None
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(make_config(shape))
    assert sum(parameter.numel() for parameter in model.parameters()) == PARAMETERS[name]
    assert find_positions(shape)


def test_a_shape_is_found_by_its_hub_id_too() -> None:
    assert find_shape("meta-llama/Llama-3.1-8B") == find_shape("llama-3.1-8b")
    assert find_shape("someone-else/Llama-3.1-8B") is None
    assert find_shape("") is None


def test_changing_a_shape_changes_no_other() -> None:
    first = find_shape("gemma-3-270m")
    assert first is not None
    first["layer_types"].clear()
    assert find_shape("gemma-3-270m") != first
