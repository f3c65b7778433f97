"""The catalogue of GPUs: what is in it, and how a name finds its card."""

import pytest

from workbench.errors import UsageError
from workbench.estimates.gpus import GIB, Device, find_gpu, list_gpus, measure_cpu


def test_the_catalogue_has_the_cards_people_rent() -> None:
    names = {device.name for device in list_gpus()}
    assert {"T4", "L4", "A10", "A10G", "L40S", "RTX3090", "RTX4090", "A6000"} <= names
    assert {"A100-40GB", "A100-80GB", "H100", "H200", "B200", "MI300X"} <= names


@pytest.mark.parametrize("device", list_gpus(), ids=lambda device: device.name)
def test_figures_of_a_card_are_in_the_right_units(device: Device) -> None:
    assert 30 <= device.half_tflops <= 5000
    assert 5 <= device.float32_tflops < device.half_tflops
    assert 200 <= device.bandwidth_gb_s <= 20_000
    assert 10 * GIB <= device.usable_bytes <= 300 * GIB
    assert 50 <= device.watts <= 1500
    assert device.evidence == "published"
    assert device.source
    if device.price is not None:
        assert 0.05 <= device.price.low <= device.price.high <= 20
        assert "noted" in device.price.source


def test_only_the_card_without_bf16_lacks_flash_attention() -> None:
    assert (
        {d.name for d in list_gpus() if not d.bfloat16}
        == {d.name for d in list_gpus() if d.kernels != "cuda"}
        == {"T4"}
    )


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("h100", "H100"),
        ("NVIDIA H100", "H100"),
        ("A100", "A100-80GB"),
        ("a100 40gb", "A100-40GB"),
        ("GeForce RTX 4090", "RTX4090"),
        ("4090", "RTX4090"),
        ("Tesla T4", "T4"),
        ("AMD Instinct MI300X", "MI300X"),
    ],
)
def test_a_name_is_found_however_it_is_written(written: str, meant: str) -> None:
    assert find_gpu(written).name == meant


@pytest.mark.parametrize(("written", "near"), [("H10", "H100"), ("l40", "L40S"), ("mi300", "MI300X"), ("cp", "cpu")])
def test_an_unknown_gpu_names_the_nearest(written: str, near: str) -> None:
    with pytest.raises(UsageError) as caught:
        find_gpu(written)
    assert near in caught.value.solution


def test_cpu_is_this_machine_and_measured() -> None:
    device = find_gpu("CPU")
    assert device is measure_cpu()
    assert device.evidence == "measured"
    assert device.kernels == "cpu"
    assert 1 <= device.float32_tflops * 1000 < 100_000
    assert device.usable_bytes > GIB
