"""Every private name of torch, transformers and PEFT that the simulated step leans on, in one place.

Private names may go away with any release. `find_missing_hooks` names those that are gone, and the estimate then falls
back to a formula and says why. Each hook has a test that shows it still does what is asked of it here.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import torch


def find_missing_hooks() -> list[str]:
    """The private names that the installed releases lack; empty where everything is as tested."""
    wanted: dict[str, Callable[[], Any]] = {
        "torch._C._storage_Use_Count": lambda: torch._C._storage_Use_Count,
        "torch.utils.flop_counter.flop_registry": _get_flop_registry,
        "torch.ops.aten._scaled_dot_product_flash_attention": lambda: _aten("_scaled_dot_product_flash_attention"),
        "torch.ops.aten._scaled_dot_product_efficient_attention": lambda: _aten(
            "_scaled_dot_product_efficient_attention"
        ),
        "torch.ops.aten._scaled_dot_product_flash_attention_for_cpu": lambda: _aten(
            "_scaled_dot_product_flash_attention_for_cpu"
        ),
        "torch.ops.aten._scaled_dot_product_attention_math": lambda: _aten("_scaled_dot_product_attention_math"),
        "transformers.masking_utils.fast_all": lambda: _get_masking().fast_all,
        "transformers.masking_utils.find_packed_sequence_indices": lambda: _get_masking().find_packed_sequence_indices,
        "peft.tuners.tuners_utils.BaseTunerLayer._move_adapter_to_device_of_base_layer": lambda: (
            _get_tuner_layer()._move_adapter_to_device_of_base_layer
        ),
        "peft.tuners.tuners_utils.BaseTunerLayer._get_base_layer_device_and_dtype": lambda: (
            _get_tuner_layer()._get_base_layer_device_and_dtype
        ),
    }
    missing = []
    for name, look in wanted.items():
        try:
            look()
        except (AttributeError, ImportError):
            missing.append(name)
    return missing


def count_storage_users(tensor: torch.Tensor) -> int:
    """How many tensors share the storage of `tensor`, plus one for the storage's own Python object."""
    count: int = torch._C._storage_Use_Count(tensor.untyped_storage()._cdata)
    return count


def count_flops(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any], out: Any) -> int:
    """Floating-point operations of one call by torch's own registry (a multiply-add is two), 0 where it has none."""
    formula = _get_flop_registry().get(function._overloadpacket)
    return int(formula(*args, **kwargs, out_val=out)) if formula else 0


@contextlib.contextmanager
def replace(owner: Any, name: str, stand_in: Any) -> Iterator[None]:
    """Let `owner.name` be `stand_in` for a while."""
    original = getattr(owner, name)
    setattr(owner, name, stand_in)
    try:
        yield
    finally:
        setattr(owner, name, original)


@contextlib.contextmanager
def read_no_values() -> Iterator[None]:
    """Keep transformers from reading values of the mask, which tensors on `meta` do not have.

    A mask that is handed in counts as one with padding; rows that are not handed a mask count as not packed.
    """
    masking = _get_masking()
    with (
        replace(masking, "fast_all", lambda mask: False),
        replace(masking, "find_packed_sequence_indices", lambda position_ids: None),
    ):
        yield


@contextlib.contextmanager
def cast_adapters_on_meta() -> Iterator[None]:
    """Let PEFT give a new adapter the base layer's dtype although it is on `meta`, as it does on any other device.

    PEFT skips adapters on `meta` altogether: a bf16 LoRA came out 7 % too large.
    """
    with replace(_get_tuner_layer(), "_move_adapter_to_device_of_base_layer", _cast_adapter):
        yield


def _cast_adapter(layer: Any, adapter_name: str, device: torch.device | None = None) -> None:
    base = layer.get_base_layer()
    if isinstance(base, torch.nn.MultiheadAttention):
        base = base.out_proj
    _, dtype = layer._get_base_layer_device_and_dtype(base)
    if dtype is None or not (dtype.is_floating_point or dtype.is_complex):
        return
    for attribute in (*layer.adapter_layer_names, *layer.other_param_names):
        found = getattr(layer, attribute, None)
        adapters: Any = found if isinstance(found, torch.nn.Module) else {}  # others are plain dicts of settings
        if adapter_name not in adapters:
            continue
        adapter = adapters[adapter_name]
        own = getattr(adapter, "dtype", None)
        if own is None or own.is_floating_point or own.is_complex:
            adapters[adapter_name] = adapter.to(dtype=dtype)


def _get_flop_registry() -> dict[Any, Any]:
    from torch.utils.flop_counter import flop_registry

    return flop_registry


def _get_masking() -> Any:
    from transformers import masking_utils

    return masking_utils


def _get_tuner_layer() -> Any:
    from peft.tuners.tuners_utils import BaseTunerLayer

    return BaseTunerLayer


def _aten(name: str) -> Any:
    return getattr(torch.ops.aten, name)
