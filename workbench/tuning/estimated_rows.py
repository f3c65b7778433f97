"""One row of the table of estimates: memory from the longest batch, time from the mean one, money, and what is assumed.

`fits` is true, false or None where nothing is known; `verdict` says `tight` where it should fit but may not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from workbench.estimates.fit import Fit, judge
from workbench.estimates.gpus import GIB, Device
from workbench.estimates.roofline import StepTime, add_times, count_kilowatt_hours, time_step
from workbench.estimates.simulate import Simulation, find_positions, simulate
from workbench.estimates.step import StepSettings
from workbench.tuning.lengths import BatchShape, BatchShapes, RowLengths, find_shapes
from workbench.tuning.methods import Method, MethodSettings, count_steps

_FIGURES = (
    "peak_bytes", "reserved_bytes", "needed_bytes", "components", "peak_during", "binds", "step_seconds",
    "step_seconds_range", "tokens_per_second", "steps", "total_seconds", "total_seconds_range", "cost_usd",
    "cost_usd_range", "kilowatt_hours", "trainable_parameters", "total_parameters", "trained_bytes",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Plan:
    """A run to estimate. Without `lengths` every row has `settings.max_length` tokens, all of them learned.

    `total_rows` may be more than there are lengths, where these are a sample; None where it is not known.
    """

    name: str
    method: Method
    settings: MethodSettings
    config: dict[str, Any]
    lengths: RowLengths | None
    total_rows: int | None
    rate: float | None


def make_row(plan: Plan, device: Device) -> dict[str, Any]:
    """The row of `plan` on `device`; without figures, and with the reason, where the model or method refuses."""
    try:
        return _make_row(plan, device)
    except ValueError as error:
        reason = f"{plan.method.name} cannot be estimated on this model: {str(error).rstrip('.') or 'no reason given'}."
        unknown = dict.fromkeys(_FIGURES)
        return {"method": plan.name, "fits": None, "verdict": "unknown", **unknown} | {
            "components": {},
            "evidence": "none",
            "time_evidence": "none",
            "assumptions": [reason],
        }


def _make_row(plan: Plan, device: Device) -> dict[str, Any]:
    shapes = _find_shapes(plan)
    fullest = _simulate(plan, device, shapes.longest)
    typical = _simulate(plan, device, shapes.mean)
    fit = judge(fullest, device)
    passes = plan.settings.gradient_accumulation
    step = add_times(time_step(typical.work, device), passes, time_step(typical.update, device))
    steps = _count_steps(plan)
    return {
        "method": plan.name,
        "fits": fit.verdict != "no",
        "verdict": fit.verdict,
        "binds": fit.binds,
        "peak_bytes": fullest.peak_bytes,
        "reserved_bytes": fullest.reserved_bytes,
        "needed_bytes": fit.needed_bytes,
        "components": fullest.components,
        "peak_during": fullest.peak_during,
        "step_seconds": _round(step.likely),
        "step_seconds_range": [_round(step.low), _round(step.high)],
        "tokens_per_second": _round(passes * shapes.tokens / step.likely),
        **_price(plan, device, step, steps),
        "trainable_parameters": fullest.sizes.trainable,
        "total_parameters": fullest.sizes.parameters,
        "trained_bytes": fullest.sizes.gradient_bytes,
        "evidence": fullest.evidence,
        "time_evidence": "formula",
        "assumptions": _list_assumptions(plan, device, shapes, fullest, fit),
    }


def _simulate(plan: Plan, device: Device, shape: BatchShape) -> Simulation:
    method, settings = plan.method, plan.settings
    arithmetic = _choose_arithmetic(settings, device)
    own = settings.model_dump(mode="json", exclude=set(MethodSettings.model_fields))
    return simulate(
        plan.config,
        lambda model: method.apply(model, settings),
        f"{method.name} {own}",
        StepSettings(
            batch_size=settings.batch_size,
            seq_len=shape.tokens,
            answer_tokens=shape.answers,
            checkpointing=settings.checkpointing and method.checkpointing,
            dtype=arithmetic if method.frozen_base else "float32",
            autocast=None if arithmetic == "float32" else arithmetic,
            padded=shape.padded,
            accumulating=settings.gradient_accumulation > 1,
            kernels=device.kernels,
        ),
    )


def _find_shapes(plan: Plan) -> BatchShapes:
    settings = plan.settings
    if plan.lengths:
        rows = min(settings.batch_size, len(plan.lengths))
        return find_shapes(plan.lengths, rows, settings.gradient_accumulation, settings.seed)
    tokens = min(settings.max_length, find_positions(plan.config) or settings.max_length)
    shape = BatchShape(tokens, tokens - 1, settings.batch_size > 1)
    return BatchShapes(shape, shape, float(settings.batch_size * tokens), 0)


def _choose_arithmetic(settings: MethodSettings, device: Device) -> str:
    """As `workbench.tuning.loading` chooses on the device itself."""
    if settings.dtype != "auto":
        return settings.dtype
    if device.kernels == "cpu":
        return "float32"
    return "bfloat16" if device.bfloat16 else "float16"


def _count_steps(plan: Plan) -> int | None:
    """Optimizer steps, as Trainer counts them."""
    settings = plan.settings
    if settings.max_steps is not None:
        return settings.max_steps
    if plan.total_rows is None:
        return None
    return count_steps(settings, plan.total_rows)


def _price(plan: Plan, device: Device, step: StepTime, steps: int | None) -> dict[str, Any]:
    """Time, money and energy of all steps; None where their number or a price is not known."""
    row: dict[str, Any] = dict.fromkeys(
        ("total_seconds", "total_seconds_range", "cost_usd", "cost_usd_range", "kilowatt_hours")
    )
    row["steps"] = steps
    if steps is None:
        return row
    row["total_seconds"] = _round(steps * step.likely)
    row["total_seconds_range"] = [_round(steps * step.low), _round(steps * step.high)]
    row["kilowatt_hours"] = _round(count_kilowatt_hours(steps * step.likely, step.busy, device))
    low = high = plan.rate
    if plan.rate is None and device.price is not None:
        low, high = device.price.low, device.price.high
    if low is not None and high is not None:
        row["cost_usd"] = _round(steps * step.likely / 3600 * (low + high) / 2)
        row["cost_usd_range"] = [_round(steps * step.low / 3600 * low), _round(steps * step.high / 3600 * high)]
    return row


def _list_assumptions(plan: Plan, device: Device, shapes: BatchShapes, result: Simulation, fit: Fit) -> list[str]:
    settings, longest = plan.settings, shapes.longest
    rows = f"{settings.batch_size} row{'s' if settings.batch_size > 1 else ''}"
    said = [f"memory: the longest batch, {rows} of {longest.tokens:,} tokens, {longest.answers:,} of them learned"]
    if plan.lengths is None:
        said.append("no row lengths are known: every row has the full length and every token is learned")
    elif plan.total_rows is not None and plan.total_rows > len(plan.lengths):
        said.append(f"lengths are those of a sample of {len(plan.lengths):,} of {plan.total_rows:,} rows")
    said.append(_describe_precision(plan, device))
    if result.evidence == "formula":
        said.append(f"memory by formula: {result.reason}")
    elif len(result.layers) > 1:
        said.append(f"recorded at {result.layers[0]} and {result.layers[1]} layers and extrapolated")
    if settings.checkpointing and not plan.method.checkpointing:
        said.append(f"{plan.method.name} does not work with checkpointing, so it is off")
    said.append(
        f"transformers' Trainer, fused AdamW, {'checkpointing' if settings.checkpointing else 'no checkpointing'}"
    )
    if device.kernels == "cpu":
        said.append(f"{(fit.needed_bytes - result.reserved_bytes) / GIB:.1f} GiB for the process itself")
        said.append("time: from this machine's rates in a short test; between the computed time and twice that")
    else:
        around = (fit.needed_bytes - result.reserved_bytes) / GIB
        said.append(f"reserved: the caching allocator replayed; {around:.1f} GiB for context and workspaces on top")
        said.append("time: roofline, not measured on this GPU; between the computed time and twice that")
    said.append("loading, evaluation and saving are not counted in time and cost")
    if plan.rate is None and device.price is not None:
        said.append(f"price: {device.price.low:g} to {device.price.high:g} USD an hour, {device.price.source}")
    return said


def _describe_precision(plan: Plan, device: Device) -> str:
    arithmetic = _choose_arithmetic(plan.settings, device)
    if arithmetic == "float32":
        return "weights and arithmetic in float32"
    held = f"frozen weights in {arithmetic}" if plan.method.frozen_base else "weights in float32"
    attention = "no fused attention for grouped heads" if device.kernels == "cuda_without_flash" else "fused attention"
    return f"{held}, what is trained in float32, arithmetic in {arithmetic} (autocast), {attention}"


def _round(value: float | None) -> float | None:
    """Four significant digits: more would be a claim."""
    return None if value is None else float(f"{value:.4g}")
