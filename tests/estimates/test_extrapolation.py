"""From shallow models to deep ones: equal to recording the deep one, in memory, work and order of allocations."""

from collections import Counter
from typing import Any

import pytest

from workbench.estimates.allocator import replay
from workbench.estimates.extrapolation import (
    choose_depths,
    count_work,
    cut_layers,
    extrapolate_peak,
    extrapolate_work,
    find_peak,
    find_period,
)
from workbench.estimates.recording import Recording
from workbench.estimates.shapes import find_shape
from workbench.estimates.simulate import make_config
from workbench.estimates.step import StepSettings, record_step
from workbench.estimates.stretching import find_peak_of_events, stretch

CASES = [
    ("full", 200, StepSettings(2, 128, kernels="cuda")),
    ("lora", 20_000, StepSettings(2, 128, kernels="cuda")),
    ("full", 200, StepSettings(2, 128, checkpointing=True, kernels="cuda")),
    ("full", 20_000, StepSettings(2, 128, checkpointing=True, kernels="cuda")),
    ("lora", 200, StepSettings(2, 128, 20, padded=True, autocast="bfloat16", kernels="cuda")),
    ("lora", 200, StepSettings(1, 700, checkpointing=True, dtype="float32", kernels="cpu")),
    ("full", 200, StepSettings(2, 64, accumulating=True, kernels="cuda_without_flash")),
]


@pytest.mark.parametrize(("method", "vocabulary", "settings"), CASES, ids=str)
def test_two_shallow_models_tell_all_of_a_deep_one(
    tiny_llama: Any, make_prepare: Any, method: str, vocabulary: int, settings: StepSettings
) -> None:
    prepare = make_prepare(method)
    shallow, deeper, deep = (
        record_step(tiny_llama(layers, vocab_size=vocabulary), prepare, settings)[0] for layers in (2, 3, 7)
    )
    assert extrapolate_peak(shallow, deeper, 4).live == find_peak(deep).live
    assert extrapolate_work(count_work(shallow), count_work(deeper), 4) == count_work(deep)
    stretched = stretch(shallow, deeper, 4)
    assert find_peak_of_events(stretched) == find_peak_of_events(deep)
    assert count_sizes(stretched) == count_sizes(deep)
    assert replay(stretched) == pytest.approx(replay(deep), rel=0.03, abs=4 << 20)


def count_sizes(recording: Recording) -> Counter[int]:
    return Counter(recording.sizes[event] for event in recording.events if event >= 0)


def test_layers_of_several_kinds_are_extrapolated_by_whole_groups(make_prepare: Any) -> None:
    config = make_config(find_shape("gemma-3-270m"))
    assert find_period(config) == 6
    assert choose_depths(config) == (6, 12)
    settings = StepSettings(1, 64, checkpointing=True)
    shallow, deeper, deep = (
        record_step(cut_layers(config, layers), make_prepare("full"), settings)[0] for layers in (6, 12, 18)
    )
    assert extrapolate_peak(shallow, deeper, 1).live == find_peak(deep).live
    assert find_peak_of_events(stretch(shallow, deeper, 1)) == pytest.approx(sum(find_peak(deep).live), rel=0.005)


def test_a_model_of_few_layers_is_recorded_whole(base_config: Any) -> None:
    assert choose_depths(base_config()) == (4,)


def test_a_stack_without_a_period_is_recorded_whole(tiny_llama: Any) -> None:
    config = tiny_llama(12)
    config.some_sizes = [1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233]
    assert find_period(config) is None
    assert choose_depths(config) == (12,)


@pytest.mark.parametrize(("layers", "depths"), [(9, (2, 3)), (32, (2, 3)), (80, (2, 3))])
def test_two_and_three_layers_stand_for_any_number(tiny_llama: Any, layers: int, depths: tuple[int, int]) -> None:
    assert choose_depths(tiny_llama(layers)) == depths


def test_what_is_left_over_of_a_period_is_kept() -> None:
    shape = find_shape("gemma-3-270m") | {"num_hidden_layers": 26}
    shape["layer_types"] = [("full_attention" if i % 6 == 5 else "sliding_attention") for i in range(26)]
    config = make_config(shape)
    assert choose_depths(config) == (8, 14)
    assert cut_layers(config, 8).layer_types == shape["layer_types"][:8]
