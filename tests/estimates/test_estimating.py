"""Estimates of methods as screens and commands ask for them: shape, arithmetic, and what is refused."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from workbench.datasets.training_rows import TrainingRow
from workbench.errors import UsageError
from workbench.tuning.estimating import EstimateRequest, estimate_methods
from workbench.tuning.lengths import RowSample, find_shapes
from workbench.tuning.methods import METHODS

DESIGN_KEYS = {
    "method", "fits", "peak_bytes", "components", "step_seconds", "tokens_per_second", "total_seconds", "cost_usd",
    "trainable_parameters", "evidence", "assumptions",
}  # fmt: skip


def estimate(sample: RowSample | None = None, **fields: Any) -> dict[str, Any]:
    return estimate_methods(EstimateRequest(**fields), sample)


def test_all_methods_of_the_registry_have_a_row_that_is_json() -> None:
    answer = estimate(gpu="cpu", batch_size=2, sequence_length=32)
    assert json.loads(json.dumps(answer, allow_nan=False)) == answer
    assert [row["method"] for row in answer["rows"]] == METHODS.names()
    assert (answer["model"], answer["device"]) == ("workbench-base", "cpu")
    for row in answer["rows"]:
        assert row.keys() >= DESIGN_KEYS
        assert row["fits"] is True
        assert row["evidence"] == "simulated"
        assert sum(row["components"].values()) == row["peak_bytes"] <= row["reserved_bytes"] < row["needed_bytes"]
        assert row["step_seconds_range"][0] < row["step_seconds"] < row["step_seconds_range"][1]
        assert row["assumptions"]


def test_a_method_with_settings_is_a_row_of_its_own() -> None:
    rows = estimate(methods=("lora", "lora:rank=64"), gpu="L4", batch_size=2, sequence_length=32)["rows"]
    assert [row["method"] for row in rows] == ["lora", "lora:rank=64"]
    assert rows[1]["trainable_parameters"] == 4 * rows[0]["trainable_parameters"]
    assert rows[1]["peak_bytes"] > rows[0]["peak_bytes"]


def test_time_and_money_follow_from_steps_and_rate() -> None:
    row = estimate(methods=("full",), gpu="H100", rate=3.0, settings={"max_steps": "1800"}, sequence_length=64)["rows"][
        0
    ]
    assert row["steps"] == 1800
    assert row["total_seconds"] == pytest.approx(1800 * row["step_seconds"], rel=1e-3)
    assert row["cost_usd"] == pytest.approx(row["total_seconds"] / 1200, rel=1e-3)
    assert row["kilowatt_hours"] > 0


def test_without_rows_or_steps_no_total_is_made_up() -> None:
    row = estimate(methods=("full",), gpu="H100", sequence_length=64)["rows"][0]
    assert row["steps"] is row["total_seconds"] is row["cost_usd"] is None


def test_without_a_price_no_cost_is_made_up() -> None:
    answer = estimate(methods=("full",), gpu="MI300X", sequence_length=64, settings={"max_steps": 5})
    assert answer["price_usd_per_hour"] is answer["rows"][0]["cost_usd"] is None


def test_a_large_model_fits_by_method_and_card() -> None:
    request = {"model": "llama-3.1-8b", "batch_size": 2, "sequence_length": 1024, "checkpointing": True}
    verdicts = {
        gpu: [row["verdict"] for row in estimate(gpu=gpu, methods=("full", "lora"), **request)["rows"]]
        for gpu in ("T4", "L4", "H100", "B200")
    }
    assert verdicts == {"T4": ["no", "no"], "L4": ["no", "tight"], "H100": ["no", "fits"], "B200": ["fits", "fits"]}
    row = estimate(gpu="H100", methods=("full",), **request)["rows"][0]
    assert row["fits"] is False
    assert row["binds"] == "optimizer"
    assert row["peak_bytes"] > 16 * 8.03e9  # float32 weights, gradients and two means


def test_another_card_or_rate_is_answered_from_what_is_known() -> None:
    request = {"model": "qwen3-8b", "batch_size": 1, "sequence_length": 256, "methods": ("lora",)}
    estimate(gpu="H100", **request)
    start = time.process_time()
    for gpu in ("L4", "A100", "B200", "H200"):
        estimate(gpu=gpu, rate=1.0, **request)
    assert (
        time.process_time() - start < 4
    )  # a simulation takes about a second, an answer that is known some milliseconds


def test_rows_decide_about_length_and_number(tmp_path: Path) -> None:
    rows = [TrainingRow(prompt="Is it fraud? " + "word " * (n % 20), completion="yes") for n in range(40)]
    answer = estimate(RowSample(rows, 400), methods=("full",), gpu="L4", batch_size=4, settings={"epochs": 3})
    row = answer["rows"][0]
    assert row["steps"] == 300
    text = " ".join(row["assumptions"])
    assert "a sample of 40 of 400 rows" in text
    assert "every token is learned" not in text
    longer = estimate(methods=("full",), gpu="L4", batch_size=4)["rows"][0]
    assert longer["peak_bytes"] > row["peak_bytes"]


def test_the_longest_batch_is_for_memory_and_the_mean_for_time() -> None:
    lengths = (*[(10, 2)] * 30, (50, 7), (40, 3))
    shapes = find_shapes(lengths, batch_size=4, accumulation=1, seed=0)
    assert (shapes.longest.tokens, shapes.longest.answers, shapes.longest.padded) == (50, 7, True)
    assert 10 <= shapes.mean.tokens < 20
    assert shapes.tokens == pytest.approx((30 * 10 + 90) / 8)
    assert shapes.rows == 32


def test_accumulation_multiplies_time_and_keeps_gradients() -> None:
    common = {"methods": ("full",), "gpu": "L4", "batch_size": 4, "sequence_length": 64}
    once = estimate(**common)["rows"][0]
    four = estimate(**common, settings={"gradient_accumulation": 4})["rows"][0]
    assert 3 * once["step_seconds"] < four["step_seconds"] < 4.3 * once["step_seconds"]
    assert four["peak_bytes"] >= once["peak_bytes"]
    assert four["components"]["gradients"] > 0


def test_a_method_that_does_not_suit_the_model_says_so_beside_the_others() -> None:
    rows = estimate(methods=("lora:target_modules=nowhere", "full"), gpu="L4", sequence_length=32)["rows"]
    assert rows[0]["fits"] is rows[0]["peak_bytes"] is rows[0]["step_seconds"] is None
    assert rows[0]["evidence"] == "none"
    assert "nowhere" in rows[0]["assumptions"][0]
    assert rows[1]["evidence"] == "simulated"


def test_a_folder_with_a_config_alone_is_enough(tmp_path: Path) -> None:
    shape = {"model_type": "gpt2", "n_layer": 2, "n_embd": 32, "n_head": 2, "n_positions": 64, "vocab_size": 99}
    (tmp_path / "config.json").write_text(json.dumps(shape))
    answer = estimate(model=str(tmp_path), methods=("full", "lora"), gpu="cpu", batch_size=2)
    assert [row["evidence"] for row in answer["rows"]] == ["simulated", "simulated"]
    assert "64 tokens" in answer["rows"][0]["assumptions"][0]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"gpu": "H1000"}, "H100"),
        ({"model": "lama-3.1-8b"}, "llama-3.1-8b"),
        ({"model": "someone/nothing"}, "downloads nothing"),
        ({"model": "/nowhere/at/all"}, "config.json"),
        ({"model": ""}, "config.json"),
        ({"methods": ("lorra",)}, "lora"),
        ({"methods": ("lora:rank",)}, "lora:rank=64"),
        ({"methods": ("lora:rnak=3",)}, "rank"),
        ({"methods": ("full:rank=3",)}, ""),
        ({"methods": ()}, "full"),
        ({"settings": {"rnak": 3}}, "rank"),
        ({"settings": {"rank": -3}}, ""),
        ({"dataset": Path("/nowhere")}, "generate"),
    ],
    ids=str,
)
def test_what_does_not_exist_is_a_usage_error_that_helps(fields: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError) as caught:
        estimate(**({"gpu": "L4", "sequence_length": 32} | fields))
    assert said in f"{caught.value.cause} {caught.value.solution}"


@pytest.mark.parametrize("config", ["{}", '{"model_type": "t5"}', '{"model_type": "brand-new"}', "[1]", "nonsense"])
def test_a_strange_config_is_a_sentence_never_a_traceback(config: str, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(config)
    try:
        rows = estimate(model=str(tmp_path), gpu="L4", sequence_length=32)["rows"]
    except UsageError:
        return
    assert all(row["evidence"] == "none" and row["assumptions"] for row in rows)
