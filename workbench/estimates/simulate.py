"""Memory and work of a training step, from a simulation where one is possible and from a formula where not.

A deep model costs as little as a shallow one: two shallow models are recorded and extrapolated. The peak is found in
two ways that share no code, operator by operator and by stretching the list of allocations; where they disagree the
layers do not simply repeat, and the model is recorded whole. Results are kept, since memory and work do not depend on
the GPU but for its attention kernels, and one simulation serves every row of a table.
"""

from __future__ import annotations

import contextlib
import json
import logging
import warnings
from collections import Counter, OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from workbench.estimates import hooks
from workbench.estimates.allocator import MIB, replay
from workbench.estimates.extrapolation import (
    Peak,
    Work,
    choose_depths,
    count_work,
    cut_layers,
    extrapolate_peak,
    extrapolate_work,
    find_peak,
)
from workbench.estimates.formula import estimate_memory, estimate_work
from workbench.estimates.recording import PARTS, Recording
from workbench.estimates.step import Prepare, Sizes, StepSettings, record_step
from workbench.estimates.stretching import find_peak_of_events, stretch

LOG = logging.getLogger("workbench.estimates")
_KEPT = 512
_AGREEMENT = 0.005  # of the peak; what operators use inside is seen by one of the two ways only
_RESULTS: OrderedDict[tuple[str, str, StepSettings], Simulation] = OrderedDict()


@dataclass(frozen=True, slots=True)
class Simulation:
    """What a step needs, whatever GPU of the same kind runs it.

    `peak_bytes` are those of tensors, `components` their parts by name at that moment. `reserved_bytes` is what the
    allocator holds for them. `work` is that of one pass forward and backward, `update` that of the optimizer. `layers`
    are those recorded. `reason` says why a formula was needed, "" for a simulation.
    """

    evidence: Literal["simulated", "formula"]
    peak_bytes: int
    components: dict[str, int]
    peak_during: str
    reserved_bytes: int
    sizes: Sizes
    work: Work
    update: Work
    layers: tuple[int, ...]
    reason: str = ""


def simulate(config: dict[str, Any], prepare: Prepare, method: str, settings: StepSettings) -> Simulation:
    """Simulate a step of the model that `config`, the content of its config.json, describes.

    `method` names what `prepare` does, with all that it depends on: simulations are kept under it. Raises ValueError
    where the installed transformers cannot build the model or the method cannot be applied to it.
    """
    key = (json.dumps(config, sort_keys=True), method, settings)
    if key in _RESULTS:
        _RESULTS.move_to_end(key)
        return _RESULTS[key]
    with _keep_quiet():
        result = _simulate(make_config(config), prepare, settings)
    _RESULTS[key] = result
    if len(_RESULTS) > _KEPT:
        _RESULTS.popitem(last=False)
    return result


def find_positions(config: dict[str, Any]) -> int | None:
    """The most tokens a row may have by a config.json; None where it sets no limit or cannot be understood."""
    try:
        with _keep_quiet():
            text = make_config(config).get_text_config()
    except ValueError:
        return None
    positions = getattr(text, "max_position_embeddings", None)
    return int(positions) if positions else None


def make_config(config: dict[str, Any]) -> Any:
    """The transformers config of a config.json. Raises ValueError for an architecture it does not know."""
    from transformers import AutoConfig

    values = dict(config)
    kind = values.pop("model_type", None)
    if not isinstance(kind, str):
        raise ValueError("its config.json has no “model_type”")
    try:
        made = AutoConfig.for_model(kind, **values)
    except Exception as error:  # a config validates itself in ways of its own
        raise ValueError(str(error) or type(error).__name__) from error
    if made.get_text_config().is_encoder_decoder:
        raise ValueError(f"{kind} is an encoder-decoder, and only causal language models are estimated so far")
    return made


@contextlib.contextmanager
def _keep_quiet() -> Iterator[None]:
    """transformers and PEFT warn about what a simulation does on purpose."""
    from transformers.utils import logging as transformers_logging

    before = transformers_logging.get_verbosity()
    transformers_logging.set_verbosity_error()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        transformers_logging.set_verbosity(before)


def _simulate(config: Any, prepare: Prepare, settings: StepSettings) -> Simulation:
    missing = hooks.find_missing_hooks()
    if missing:
        return _fall_back(config, prepare, settings, f"the installed releases lack {', '.join(missing)}")
    try:
        return _record(config, prepare, settings)
    except Exception as error:  # a model's or method's own code may fail on tensors without data in any way
        LOG.info("the simulation failed", exc_info=True)
        return _fall_back(config, prepare, settings, f"it cannot be simulated ({type(error).__name__}: {error})")


def _record(config: Any, prepare: Prepare, settings: StepSettings) -> Simulation:
    layers = int(config.get_text_config().num_hidden_layers)
    depths = choose_depths(config)
    if len(depths) == 2:
        (shallow, fewer), (deeper, more) = (record_step(cut_layers(config, n), prepare, settings) for n in depths)
        step = depths[1] - depths[0]
        times = (layers - depths[1]) // step
        peak = extrapolate_peak(shallow, deeper, times)
        whole = stretch(shallow, deeper, times)
        if abs(find_peak_of_events(whole) - sum(peak.live)) <= _AGREEMENT * sum(peak.live):
            work = extrapolate_work(count_work(shallow), count_work(deeper), times)
            return _finish(peak, whole, work, _extrapolate_sizes(fewer, more, times), settings, depths)
    recording, sizes = record_step(config, prepare, settings)
    return _finish(find_peak(recording), recording, count_work(recording), sizes, settings, (layers,))


def _finish(
    peak: Peak, recording: Recording, work: Work, sizes: Sizes, settings: StepSettings, layers: tuple[int, ...]
) -> Simulation:
    total = sum(peak.live)
    reserved = total if settings.kernels == "cpu" else max(replay(recording), total)
    return Simulation(
        evidence="simulated",
        peak_bytes=total,
        components=dict(zip(PARTS, peak.live, strict=True)),
        peak_during=f"{peak.phase}: {peak.operator}",
        reserved_bytes=reserved,
        sizes=sizes,
        work=work,
        update=make_update_work(sizes),
        layers=layers,
    )


def make_update_work(sizes: Sizes) -> Work:
    """Clipping and the fused AdamW step: two kernels over all gradients, and one for every 32 tensors trained.

    Clipping reads the gradients for their norm, then reads and writes them; AdamW reads weights, gradients and states
    and writes weights and states.
    """
    kernels = 2 + -(-sizes.tensors // 32)
    traffic = 6 * sizes.gradient_bytes + 2 * sizes.optimizer_bytes
    return Counter({(0, traffic // kernels, True): kernels})


def _fall_back(config: Any, prepare: Prepare, settings: StepSettings, reason: str) -> Simulation:
    sizes, components = estimate_memory(config, prepare, settings)
    total = sum(components.values())
    return Simulation(
        evidence="formula",
        peak_bytes=total,
        components=components,
        peak_during="",
        reserved_bytes=total if settings.kernels == "cpu" else round(1.05 * total) + MIB,
        sizes=sizes,
        work=estimate_work(config, sizes, settings),
        update=make_update_work(sizes),
        layers=(),
        reason=reason,
    )


def _extrapolate_sizes(fewer: Sizes, more: Sizes, times: int) -> Sizes:
    def extend(name: str) -> int:
        low, high = getattr(fewer, name), getattr(more, name)
        return int(high + times * (high - low))

    return Sizes(*(extend(name) for name in Sizes.__slots__))
