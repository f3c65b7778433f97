"""Estimated against true: peak memory and time of real training steps on this machine's CPU.

    python benchmarks/estimates.py [--repeats 5] [--json]

Truth is what torch's own allocator reports for the step, scratch memory of operators included, on top of what lives
already (`workbench.estimates.measuring`). The estimate has seen neither weights nor data. Times are ratios of measured
to estimated; the range that estimates show runs from 1 to 2. The ratio is of processor time, since other work on the
machine lengthens the time by the clock.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
import warnings
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

os.environ |= {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1"}

MIB = 1 << 20

# Shapes by name or "workbench-base"; rows, tokens, learned tokens, checkpointing. The first are the demo's own batches.
BATCHES = (
    ("workbench-base", 8, 51, 5, False),
    ("workbench-base", 8, 51, 5, True),
    ("workbench-base", 16, 256, 255, False),
    ("workbench-base", 16, 256, 255, True),
    ("smollm2-135m", 1, 128, 127, False),
    ("smollm2-135m", 1, 128, 127, True),
)
METHODS = ("full", "lora", "lora:rank=64,dropout=0.05")


@dataclass(frozen=True)
class Comparison:
    """One step; bytes and seconds."""

    model: str
    method: str
    rows: int
    tokens: int
    checkpointing: bool
    true_bytes: int
    estimated_bytes: int
    true_seconds: float
    processor_seconds: float
    estimated_seconds: float

    @property
    def error(self) -> float:
        """Signed error of the estimated peak, in percent of the true one."""
        return 100 * (self.estimated_bytes / self.true_bytes - 1)

    @property
    def time_ratio(self) -> float:
        """Measured processor time of a thread over the fast end of the estimated range."""
        import torch

        return self.processor_seconds / torch.get_num_threads() / self.estimated_seconds


def compare(model: str, item: str, batch: tuple[int, int, int, bool], repeats: int) -> Comparison:
    """Simulate a step, then make it."""
    from workbench.cli.estimate import split_methods
    from workbench.estimates.gpus import measure_cpu
    from workbench.estimates.measuring import measure_step
    from workbench.estimates.roofline import add_times, time_step
    from workbench.estimates.simulate import make_config, simulate
    from workbench.estimates.step import StepSettings
    from workbench.tuning.methods import find_method, parse_settings

    assert split_methods(item) == [item]
    name, _, text = item.partition(":")
    values = dict(pair.split("=") for pair in text.split(",") if pair)
    method, settings = find_method(name), parse_settings(name, values)
    rows, tokens, answers, checkpointing = batch
    step = StepSettings(rows, tokens, answers, checkpointing, dtype="float32", padded=True, kernels="cpu")
    config = read_config(model)
    result = simulate(config, lambda fresh: method.apply(fresh, settings), item, step)
    time = add_times(time_step(result.work, measure_cpu()), 1, time_step(result.update, measure_cpu()))
    true = measure_step(make_config(config), lambda fresh: method.apply(fresh, settings), step, repeats)
    return Comparison(
        model,
        item,
        rows,
        tokens,
        checkpointing,
        true.peak_bytes,
        result.peak_bytes,
        true.seconds,
        true.processor_seconds,
        time.low,
    )


def read_config(model: str) -> dict[str, Any]:
    """The config.json of a shape or of the shipped model."""
    from workbench.estimates.shapes import find_shape
    from workbench.tuning.models import resolve_model

    shape = find_shape(model)
    if shape is None:
        folder = resolve_model(model).folder
        assert folder is not None
        shape = json.loads((folder / "config.json").read_text("utf-8"))
    return shape


def describe_machine() -> str:
    """Processor, threads and releases."""
    import peft
    import torch
    import transformers

    processor = platform.processor() or platform.machine()
    try:
        with Path("/proc/cpuinfo").open(encoding="ascii") as file:
            processor = next(line.partition(":")[2].strip() for line in file if line.startswith("model name"))
    except (OSError, StopIteration):
        pass
    releases = f"torch {torch.__version__}, transformers {transformers.__version__}, peft {peft.__version__}"
    return f"{processor}, {torch.get_num_threads()} threads, {releases}"


def main() -> None:
    """Print the table, or one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--repeats", type=int, default=5, help="timed steps of each case")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    warnings.simplefilter("ignore", FutureWarning)  # transformers announces new names for what is used here
    found = []
    for model, *batch in BATCHES:
        for method in METHODS:
            print(f"{model} {method}", file=sys.stderr)
            found.append(compare(model, method, tuple(batch), args.repeats))  # type: ignore[arg-type]
    worst = max(abs(case.error) for case in found)
    ratios = [case.time_ratio for case in found]
    summary = {
        "date": date.today().isoformat(),
        "machine": describe_machine(),
        "worst_memory_error_percent": round(worst, 4),
        "median_time_ratio": round(statistics.median(ratios), 2),
        "time_ratio_range": [round(min(ratios), 2), round(max(ratios), 2)],
    }
    if args.json:
        cases = [asdict(case) | {"error_percent": case.error, "time_ratio": case.time_ratio} for case in found]
        print(json.dumps(summary | {"cases": cases}, indent=2))
        return
    print(f"{'model':16}{'method':27}{'batch':>9}{'ckpt':>6}{'true MiB':>10}{'estimate':>10}{'error %':>9}", end="")
    print(f"{'clock ms':>9}{'cpu ms':>8}{'estimate':>13}{'ratio':>7}")
    for case in found:
        checkpointing = "on" if case.checkpointing else "off"
        span = f"{1000 * case.estimated_seconds:.0f}–{2000 * case.estimated_seconds:.0f}"
        print(
            f"{case.model:16}{case.method:27}{f'{case.rows}x{case.tokens}':>9}{checkpointing:>6}"
            f"{case.true_bytes / MIB:10.2f}{case.estimated_bytes / MIB:10.2f}{case.error:+9.3f}"
            f"{1000 * case.true_seconds:9.0f}{1000 * case.processor_seconds:8.0f}{span:>13}{case.time_ratio:7.2f}"
        )
    print(f"\n{summary['date']}, {summary['machine']}")
    print(
        f"Worst error of the peak {summary['worst_memory_error_percent']} %; processor time over the fast end of the "
        f"estimate: median {summary['median_time_ratio']}, from {min(ratios):.2f} to {max(ratios):.2f}."
    )


if __name__ == "__main__":
    main()
