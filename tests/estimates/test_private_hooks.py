"""Each private name that the simulation leans on still does what is asked of it; a new release shows here first."""

from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from workbench.estimates import hooks
from workbench.estimates.attention import choose_kernel, count_flops, make_attention


def test_nothing_is_missing() -> None:
    assert hooks.find_missing_hooks() == []


def test_a_name_that_is_gone_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    from transformers import masking_utils

    monkeypatch.delattr(masking_utils, "fast_all")
    monkeypatch.delattr(torch._C, "_storage_Use_Count")
    assert hooks.find_missing_hooks() == ["torch._C._storage_Use_Count", "transformers.masking_utils.fast_all"]


@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_users_of_a_storage_are_counted(device: str) -> None:
    tensor = torch.empty(3, device=device)
    alone = hooks.count_storage_users(tensor)
    other = tensor.view(3, 1)
    assert (alone, hooks.count_storage_users(tensor)) == (2, 3)
    del other
    assert hooks.count_storage_users(tensor) == 2


def test_flops_of_a_product_count_a_multiply_add_as_two() -> None:
    a, b = torch.empty(3, 5, device="meta"), torch.empty(5, 7, device="meta")
    assert hooks.count_flops(torch.ops.aten.mm.default, (a, b), {}, a @ b) == 2 * 3 * 5 * 7
    assert hooks.count_flops(torch.ops.aten.add.Tensor, (a, a), {}, a) == 0


def test_masks_are_made_without_reading_values() -> None:
    from transformers import LlamaConfig, masking_utils

    config = LlamaConfig(num_hidden_layers=1, hidden_size=8, num_attention_heads=1, intermediate_size=8, vocab_size=9)
    config._attn_implementation = "sdpa"
    embedded = torch.empty(2, 6, 8, device="meta")
    positions = torch.empty(1, 6, dtype=torch.long, device="meta")
    common = {"config": config, "inputs_embeds": embedded, "past_key_values": None, "position_ids": positions}
    with hooks.read_no_values():
        padded = masking_utils.create_causal_mask(attention_mask=torch.empty(2, 6, device="meta"), **common)
        assert masking_utils.create_causal_mask(attention_mask=None, **common) is None
    assert padded.shape == (2, 1, 6, 6)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("autocast", [True, False])
def test_adapters_on_meta_have_the_dtypes_of_real_ones(dtype: torch.dtype, autocast: bool, tiny_llama: Any) -> None:
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    def build(device: str) -> dict[str, Any]:
        with torch.device(device), hooks.cast_adapters_on_meta() if device == "meta" else torch.device(device):
            base = AutoModelForCausalLM.from_config(tiny_llama(), dtype=dtype)
            lora = LoraConfig(r=2, target_modules="all-linear", task_type="CAUSAL_LM")
            model = get_peft_model(base, lora, autocast_adapter_dtype=autocast)
        return {name: (p.shape, p.dtype, p.requires_grad) for name, p in model.named_parameters()}

    assert build("meta") == build("cpu")


def test_every_replacement_is_taken_back_even_after_an_error() -> None:
    class Owner:
        value = 1

    def fail() -> None:
        with hooks.replace(Owner, "value", 2):
            assert Owner.value == 2
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert Owner.value == 1


def make_heads(heads: int, rows: int = 24, dtype: torch.dtype = torch.float32, device: str = "meta") -> torch.Tensor:
    return torch.empty(2, heads, rows, 16, dtype=dtype, device=device, requires_grad=True)


@pytest.mark.parametrize("heads", [4, 2])
@pytest.mark.parametrize("masked", [True, False])
@pytest.mark.parametrize("dropout", [0.0, 0.1])
def test_the_kernel_chosen_for_a_cpu_is_torchs_own_choice(heads: int, masked: bool, dropout: float) -> None:
    query, key = make_heads(4, device="cpu"), make_heads(heads, device="cpu")
    mask = torch.ones(2, 1, 24, 24, dtype=torch.bool) if masked else None
    own = torch._fused_sdp_choice(query, key, key, mask, dropout, not masked, enable_gqa=heads < 4)
    chosen = choose_kernel("cpu", query, key, key, mask, dropout, heads < 4)
    assert chosen == {0: "math", 1: "cpu"}[own]


@pytest.mark.parametrize(
    ("kernels", "dtype", "heads", "masked", "expected"),
    [
        ("cuda", torch.bfloat16, 2, False, "flash"),
        ("cuda", torch.bfloat16, 4, True, "efficient"),
        ("cuda", torch.float32, 4, False, "efficient"),
        ("cuda", torch.float32, 2, False, "math"),
        ("cuda_without_flash", torch.float16, 4, False, "efficient"),
        ("cuda_without_flash", torch.float16, 2, False, "math"),
    ],
)
def test_the_kernel_chosen_for_cuda(kernels: Any, dtype: torch.dtype, heads: int, masked: bool, expected: str) -> None:
    query, key = make_heads(4, dtype=dtype), make_heads(heads, dtype=dtype)
    mask = torch.empty(2, 1, 24, 24, dtype=torch.bool, device="meta") if masked else None
    assert choose_kernel(kernels, query, key, key, mask, 0.0, heads < 4) == expected


class Names(TorchDispatchMode):
    """Notes the operators that run, with their FLOPs."""

    def __init__(self) -> None:
        super().__init__()
        self.flops: dict[str, int | None] = {}

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.flops[func._schema.name] = count_flops(func, args, kwargs or {})
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize(
    ("kernels", "dtype", "operator"),
    [
        ("cuda", torch.bfloat16, "aten::_scaled_dot_product_flash_attention"),
        ("cuda", torch.float32, "aten::_scaled_dot_product_efficient_attention"),
        ("cpu", torch.float32, "aten::_scaled_dot_product_flash_attention_for_cpu"),
    ],
)
def test_kernels_run_forward_and_backward_without_data(kernels: Any, dtype: torch.dtype, operator: str) -> None:
    query, key, value = (make_heads(4, dtype=dtype) for _ in range(3))
    with Names() as seen:
        make_attention(kernels)(query, key, value, is_causal=True).sum().backward()
    products = 4 * 2 * 4 * 24 * 24 * 16
    assert seen.flops[operator] == products // 2
    assert seen.flops[f"{operator}_backward"] == products * 5 // 4
    assert query.grad is not None
    assert query.grad.shape == query.shape


def test_a_mask_is_added_in_the_rows_own_type() -> None:
    query, key, value = (make_heads(4, dtype=torch.bfloat16) for _ in range(3))
    mask = torch.empty(2, 1, 24, 24, dtype=torch.bool, device="meta")
    out = make_attention("cuda")(query, key, value, attn_mask=mask)
    assert out.dtype == torch.bfloat16
    assert out.shape == query.shape
