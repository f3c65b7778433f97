"""The simulated step held against real steps on this machine's CPU, and against published figures."""

from typing import Any

import pytest
import torch

from workbench.estimates.extrapolation import find_peak
from workbench.estimates.measuring import measure_step
from workbench.estimates.recording import PARTS
from workbench.estimates.shapes import find_shape
from workbench.estimates.simulate import simulate
from workbench.estimates.step import Prepare, StepSettings, record_step

GIB = 1 << 30


def simulate_peak(config: Any, prepare: Prepare, settings: StepSettings) -> int:
    recording, _ = record_step(config, prepare, settings)
    return sum(find_peak(recording).live)


@pytest.mark.parametrize("checkpointing", [False, True])
@pytest.mark.parametrize("method", ["full", "lora"])
def test_the_peak_of_the_demos_own_step_is_that_of_a_real_one(
    base_config: Any, make_prepare: Any, method: str, checkpointing: bool
) -> None:
    # The longest batch of the demo's table: 16 rows of up to 61 tokens, of which 5 are the answer.
    settings = StepSettings(16, 61, 5, checkpointing, dtype="float32", padded=True, kernels="cpu")
    prepare = make_prepare(method)
    true = measure_step(base_config(), prepare, settings, repeats=1).peak_bytes
    assert simulate_peak(base_config(), prepare, settings) == pytest.approx(true, rel=0.001)


@pytest.mark.parametrize(
    "changes",
    [
        {"padded": False},
        {"answer_tokens": None},
        {"seq_len": 300, "batch_size": 2},  # other tiles of the attention kernel
        {"accumulating": True},
        {"accumulating": True, "checkpointing": True},
    ],
    ids=str,
)
@pytest.mark.parametrize("method", ["full", "lora"])
def test_the_peak_is_right_for_other_steps_too(
    tiny_llama: Any, make_prepare: Any, method: str, changes: dict[str, Any]
) -> None:
    base = {"batch_size": 3, "seq_len": 40, "answer_tokens": 7, "dtype": "float32", "padded": True, "kernels": "cpu"}
    settings = StepSettings(**(base | changes))
    true = measure_step(tiny_llama(), make_prepare(method), settings, repeats=1).peak_bytes
    assert simulate_peak(tiny_llama(), make_prepare(method), settings) == pytest.approx(true, rel=0.001)


@pytest.mark.parametrize("checkpointing", [False, True])
def test_dropout_and_another_rank_are_seen(tiny_llama: Any, make_prepare: Any, checkpointing: bool) -> None:
    prepare = make_prepare("lora", rank=4, dropout=0.1)
    settings = StepSettings(2, 64, checkpointing=checkpointing, dtype="float32", kernels="cpu")
    true = measure_step(tiny_llama(), prepare, settings, repeats=1).peak_bytes
    assert simulate_peak(tiny_llama(), prepare, settings) == pytest.approx(true, rel=0.001)


@pytest.mark.parametrize("family", ["GPT2Config", "Qwen3Config", "Gemma3TextConfig", "OPTConfig", "Phi3Config"])
def test_other_families_are_right_too(make_prepare: Any, family: str) -> None:
    import transformers

    shape = {"hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4, "vocab_size": 300}
    extra = {
        "GPT2Config": {"n_positions": 128},
        "OPTConfig": {"ffn_dim": 128, "word_embed_proj_dim": 64},
        "Phi3Config": {"intermediate_size": 128, "num_key_value_heads": 4, "pad_token_id": 0},
    }
    rest = extra.get(family, {"intermediate_size": 128, "num_key_value_heads": 2, "head_dim": 16})
    settings = StepSettings(2, 48, dtype="float32", padded=True, kernels="cpu")
    make = lambda: getattr(transformers, family)(**shape, **rest)  # noqa: E731
    true = measure_step(make(), make_prepare("full"), settings, repeats=1).peak_bytes
    assert simulate_peak(make(), make_prepare("full"), settings) == pytest.approx(true, rel=0.002)


@pytest.mark.parametrize("checkpointing", [False, True])
@pytest.mark.parametrize(("dtype", "method"), [("float32", "full"), ("bfloat16", "lora")])
def test_mixed_precision_is_that_of_a_real_autocast_region(
    tiny_llama: Any, make_prepare: Any, dtype: str, method: str, checkpointing: bool
) -> None:
    # The vocabulary is large enough for the loss to set the peak: CPU matrix products in bf16 take scratch memory that
    # CUDA's do not.
    from transformers import AutoModelForCausalLM

    from workbench.estimates.measuring import count_bytes, measure_allocations

    config = tiny_llama(vocab_size=8000)
    config.use_cache = False
    model = make_prepare(method)(AutoModelForCausalLM.from_config(config, dtype=getattr(torch, dtype))).train()
    if checkpointing:
        model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
    trained = [p for p in model.parameters() if p.requires_grad]
    ids = torch.zeros(2, 64, dtype=torch.long)

    def step() -> None:
        with torch.autocast("cpu", torch.bfloat16):
            outputs = model(input_ids=ids, labels=ids)
        loss = outputs.loss
        outputs.logits.float()
        del outputs
        loss.backward()
        model.zero_grad()

    step()
    states = 2 * sum(p.nbytes for p in trained) + 4 * len(trained)
    true = count_bytes([*model.parameters(), *model.buffers(), ids]) + states + measure_allocations(step)
    settings = StepSettings(2, 64, None, checkpointing, dtype, "bfloat16", kernels="cpu")
    assert simulate_peak(tiny_llama(vocab_size=8000), make_prepare(method), settings) == pytest.approx(true, rel=0.002)


PUBLISHED = [
    # GiB of tensors at the peak, 1,024 tokens, fused AdamW, all weights in bf16: an independent prototype's figures.
    ("llama-3.1-8b", "full", 2, {"checkpointing": True}, 59.85),
    ("llama-3.1-8b", "full", 2, {"checkpointing": True, "accumulating": True}, 63.33),
    ("llama-3.1-8b", "lora", 2, {"checkpointing": True}, 18.66),
    ("llama-3.1-8b", "lora", 2, {}, 29.40),
    ("llama-3.1-8b", "lora", 2, {"padded": True}, 30.28),
    ("qwen3-4b", "full", 2, {"checkpointing": True}, 31.42),
    ("qwen3-0.6b", "lora", 4, {"checkpointing": True}, 8.36),
    ("gemma-3-270m", "full", 4, {"checkpointing": True}, 13.61),
    ("smollm2-135m", "full", 4, {"checkpointing": True}, 3.15),
]


@pytest.mark.parametrize(("shape", "method", "batch", "changes", "gib"), PUBLISHED)
def test_large_models_come_out_as_an_independent_study_found(
    shape: str, method: str, batch: int, changes: dict[str, Any], gib: float
) -> None:
    from peft import LoraConfig, get_peft_model

    def prepare(model: Any) -> Any:
        if method == "full":
            return model
        lora = LoraConfig(r=16, target_modules="all-linear", task_type="CAUSAL_LM")
        return get_peft_model(model, lora, autocast_adapter_dtype=False)

    result = simulate(find_shape(shape), prepare, f"{method}-bf16", StepSettings(batch, 1024, **changes))
    assert result.evidence == "simulated"
    assert result.peak_bytes / GIB == pytest.approx(gib, rel=0.002)
    assert result.peak_bytes <= result.reserved_bytes <= 1.4 * result.peak_bytes


def test_the_parts_add_up_and_are_what_they_are_called(make_prepare: Any) -> None:
    shape = find_shape("llama-3.1-8b")
    settings = StepSettings(2, 1024, checkpointing=True, autocast="bfloat16")
    result = simulate(shape, make_prepare("lora"), "lora", settings)
    assert sum(result.components.values()) == result.peak_bytes
    assert set(result.components) == set(PARTS)
    assert result.components["weights"] == result.sizes.weight_bytes
    assert result.components["optimizer"] == result.sizes.optimizer_bytes
    logits = 2 * 1024 * 128_256 * 4
    assert result.components["logits"] == pytest.approx(3 * logits, rel=0.01)  # probabilities, their gradient, a copy


def test_a_simulation_is_kept(make_prepare: Any) -> None:
    config = {
        "model_type": "llama",
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "vocab_size": 99,
    }
    config |= {"num_attention_heads": 2, "num_key_value_heads": 1}
    first = simulate(config, make_prepare("full"), "full", StepSettings(1, 16))
    assert simulate(dict(config), make_prepare("full"), "full", StepSettings(1, 16)) is first
    assert simulate(config, make_prepare("full"), "full", StepSettings(1, 17)) is not first


def test_what_cannot_be_simulated_gets_a_formula_and_says_why(
    make_prepare: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from workbench.estimates import hooks

    config = find_shape("smollm2-135m")
    settings = StepSettings(4, 512, checkpointing=True, autocast="bfloat16")
    simulated = simulate(config, make_prepare("lora"), "lora", settings)
    monkeypatch.setattr(hooks, "find_missing_hooks", lambda: ["torch.nowhere"])
    result = simulate(config, make_prepare("lora"), "lora, by formula", settings)
    assert result.evidence == "formula"
    assert "torch.nowhere" in result.reason
    assert result.sizes == simulated.sizes
    assert result.peak_bytes == pytest.approx(simulated.peak_bytes, rel=0.5)


def test_a_step_that_fails_without_data_gets_a_formula(tiny_llama: Any) -> None:
    def prepare(model: Any) -> Any:
        model.register_forward_pre_hook(lambda module, args: bool(module.lm_head.weight.sum() > 0))
        return model

    config = tiny_llama().to_dict()
    result = simulate(config, prepare, "reads values", StepSettings(1, 16))
    assert result.evidence == "formula"
    assert "meta" in result.reason


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        ({}, "model_type"),
        ({"model_type": "no-such-model"}, "no-such-model"),
        ({"model_type": "t5"}, "encoder-decoder"),
        ({"model_type": "llama", "num_hidden_layers": 2, "hidden_size": 10, "num_attention_heads": 3}, "multiple"),
    ],
)
def test_a_model_that_cannot_be_built_is_a_reason_not_a_crash(
    make_prepare: Any, config: dict[str, Any], reason: str
) -> None:
    with pytest.raises(ValueError, match=reason):
        simulate(config, make_prepare("full"), "full", StepSettings(1, 16))


def test_a_method_that_trains_nothing_is_refused(tiny_llama: Any) -> None:
    with pytest.raises(ValueError, match="nothing to train"):
        simulate(tiny_llama().to_dict(), lambda model: model.requires_grad_(False), "nothing", StepSettings(1, 16))
