"""Time and energy from work: the limits that hold for any device, and the order of devices and methods."""

from collections import Counter

import pytest

from workbench.estimates.gpus import find_gpu
from workbench.estimates.roofline import SLOWEST, add_times, count_kilowatt_hours, time_step


def test_arithmetic_is_limited_by_the_peak_rate() -> None:
    device = find_gpu("H100")
    step = time_step(Counter({(10**15, 1, False): 1}), device)
    assert step.low == pytest.approx(10**15 / (device.half_tflops * 1e12) / 0.75)
    assert step.busy == pytest.approx(1)
    assert step.low < step.likely < step.high == SLOWEST * step.low


def test_traffic_is_limited_by_the_bandwidth() -> None:
    device = find_gpu("L4")
    assert time_step(Counter({(1, 3 * 10**11, False): 2}), device).low == pytest.approx(2 / 0.82)


def test_many_small_kernels_wait_for_the_host() -> None:
    step = time_step(Counter({(1, 1, False): 10_000}), find_gpu("B200"))
    assert step.low == pytest.approx(0.08)
    assert step.busy == pytest.approx(0.5)


def test_float32_arithmetic_takes_longer() -> None:
    device = find_gpu("A100")
    narrow, wide = (time_step(Counter({(10**14, 1, kind): 1}), device) for kind in (False, True))
    assert wide.low == pytest.approx(narrow.low * 312 / 19.5)


def test_a_step_of_several_passes_has_one_update() -> None:
    device = find_gpu("T4")
    one_pass, update = (time_step(Counter({(flops, 1, False): 1}), device) for flops in (10**13, 10**12))
    assert add_times(one_pass, 4, update).low == pytest.approx(4 * one_pass.low + update.low)


def test_energy_is_between_idle_and_the_power_limit() -> None:
    device = find_gpu("H100")
    hour = [count_kilowatt_hours(3600, busy, device) for busy in (0.0, 0.5, 1.0)]
    assert 0.1 < hour[0] < hour[1] < hour[2] < 0.7
