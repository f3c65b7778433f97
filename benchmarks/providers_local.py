"""Tokens per second of a local model, beside hand-written `generate`, and what a schema costs.

    python benchmarks/providers_local.py [--model smollm2-135m-instruct] [--dtype auto] [--batch-size 16] [--quick]

`batched` is what one writes by hand: prompts in their order, padded on the left, `model.generate` on one batch after
the other. `one by one` is the same with batches of one. All have the same rows, weights, precision, sampling and limit
of tokens; what is counted are tokens up to the end of each answer. Ours and theirs take turns in one process, and the
figures are medians over the rounds; ratios are medians of the ratios of neighbours. Those in CPU seconds of this
process say more than those of the clock where other programs are running, and nothing where a GPU does the work.

The second table makes records under a schema with an enum, a bounded integer, a pattern and bounded strings, and as
many texts from the same prompts without it. Records are validated by Pydantic.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from workbench.providers.provider import CallError
from workbench.providers.requests import Answer, TextRequest
from workbench.providers.transformers import TransformersConfig, TransformersProvider, open_provider

TOPICS = ("a lamp", "a night train", "rain in spring", "a lost parcel", "garden tools", "a school trip", "old bicycles")
FORMS = (
    "Write one sentence about {}.",
    "Write a short product review of {}.",
    "Write a complaint by an angry customer about {}.",
    "What should one know about {}? Answer in two or three sentences.",
    "Write a headline about {}.",
)


class Ticket(BaseModel):
    """A record of a support desk."""

    model_config = ConfigDict(extra="forbid")

    id: Annotated[str, Field(pattern=r"^[A-Z]{2}-[0-9]{4}$")]
    topic: Literal["delivery", "payment", "defect", "other"]
    priority: Annotated[int, Field(ge=1, le=5)]
    title: Annotated[str, Field(min_length=5, max_length=60)]
    customer: Annotated[str, Field(min_length=2, max_length=30)]


@dataclass(frozen=True, slots=True)
class Pass:
    """What one pass over some rows took."""

    rows: int
    tokens: int
    seconds: float
    cpu_seconds: float


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="smollm2-135m-instruct", help="as `model` of a spec")
    parser.add_argument("--dtype", default="auto", choices=["auto", "float32", "bfloat16", "float16"])
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--max-tokens", type=int, default=96)
    parser.add_argument("--quick", action="store_true", help="one round of few rows")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    provider = open_provider(
        TransformersConfig.model_validate(
            {
                "provider": "transformers",
                "model": options.model,
                "dtype": options.dtype,
                "batch_size": options.batch_size,
                "max_tokens": options.max_tokens,
            }
        )
    )
    write(provider, make_requests(2, 0))  # loads the weights
    rounds, rows, few = (1, 24, 2) if options.quick else (3, 48, 4)
    speed = measure_speed(provider, rounds, rows, few)
    schema = measure_schema(provider, *((1, 20, 20) if options.quick else (4, 50, 25)))
    facts = {key: provider.describe()[key] for key in ("device", "dtype", "parameters")}
    if options.json:
        print(json.dumps({"model": options.model, **facts, "speed": speed, "schema": schema}))
        return
    print(f"{options.model} on {facts['device']} in {facts['dtype']}, {options.batch_size} rows at once")
    for name, figures in speed.items():
        print(f"  {name:12}{figures['tokens_per_second']:8.1f} tokens/s{_show_ratios(figures)}")
    print(
        f"{schema['records']} records under a schema: {schema['valid']:.1%} valid, {schema['seconds']:.3f} s each, "
        f"{schema['ratio']:.2f} x of {schema['seconds_without']:.3f} s without it, "
        f"{schema['ratio_cpu']:.2f} x by CPU time"
    )


def make_requests(count: int, begin: int, schema: str | None = None) -> list[TextRequest]:
    """Prompts of several lengths, each with a seed of its own from `begin` on."""
    prompts = [form.format(topic) for topic in TOPICS for form in FORMS]
    return [
        TextRequest(prompts[place % len(prompts)], begin + place, max_chars=100_000, schema=schema)
        for place in range(count)
    ]


def measure_speed(provider: TransformersProvider, rounds: int, rows: int, few: int) -> dict[str, dict[str, float]]:
    """Our rate, and those of `generate` in batches and one by one with `few` rows, with our ratio to each."""
    size = provider.config.batch_size or 1
    ours: list[Pass] = []
    batched: list[Pass] = []
    single: list[Pass] = []
    for turn in range(rounds):
        requests = make_requests(rows, 1000 * turn)
        ways: list[tuple[list[Pass], Callable[[], Pass]]] = [
            (ours, lambda requests=requests: write(provider, requests)[0]),  # type: ignore[misc]
            (batched, lambda requests=requests: generate(provider, requests, size)),  # type: ignore[misc]
        ]
        for passes, way in ways if turn % 2 == 0 else reversed(ways):
            passes.append(way())
        single.append(generate(provider, requests[:few], 1))
    return {
        "ours": {"tokens_per_second": median(each.tokens / each.seconds for each in ours)},
        "batched": _compare(ours, batched),
        "one by one": _compare(ours, single),
    }


def measure_schema(provider: TransformersProvider, rounds: int, records: int, texts: int) -> dict[str, float]:
    """The share of valid records, and the seconds of one beside those of a text without a schema."""
    schema = json.dumps(Ticket.model_json_schema())
    limited: list[Pass] = []
    free: list[Pass] = []
    valid = 0
    for turn in range(rounds):
        constrained = make_requests(records, 9000 * (turn + 1), schema)
        plain = make_requests(texts, 9000 * (turn + 1))
        for requests, passes in ((constrained, limited), (plain, free))[:: 1 if turn % 2 == 0 else -1]:
            took, answers = write(provider, requests)
            passes.append(took)
            valid += sum(is_valid(answer.text) for answer in answers) if requests is constrained else 0
    pairs = list(zip(limited, free, strict=True))
    return {
        "records": rounds * records,
        "valid": valid / (rounds * records),
        "seconds": median(each.seconds / each.rows for each in limited),
        "seconds_without": median(each.seconds / each.rows for each in free),
        "ratio": median((one.seconds / one.rows) / (two.seconds / two.rows) for one, two in pairs),
        "ratio_cpu": median((one.cpu_seconds / one.rows) / (two.cpu_seconds / two.rows) for one, two in pairs),
    }


def write(provider: TransformersProvider, requests: Sequence[TextRequest]) -> tuple[Pass, list[Answer]]:
    """Our way."""
    begin, begin_cpu = time.perf_counter(), time.process_time()
    answers: list[Answer] = []
    for _, answer in provider.answer(requests, lambda: False):
        if isinstance(answer, CallError):
            raise SystemExit(f"{answer.message} {answer.solution}")
        answers.append(answer)
    seconds, cpu_seconds = time.perf_counter() - begin, time.process_time() - begin_cpu
    tokens = sum(answer.usage.output_tokens for answer in answers)
    return Pass(len(requests), tokens, seconds, cpu_seconds), answers


def generate(provider: TransformersProvider, requests: Sequence[TextRequest], size: int) -> Pass:
    """The way one writes by hand, with the weights that the provider has loaded."""
    import torch

    worker: Any = provider._worker
    model, tokenizer = worker._loaded.model, worker._tokenizer
    tokenizer.padding_side = "left"
    config = provider.config
    torch.manual_seed(requests[0].seed)
    tokens = 0
    begin, begin_cpu = time.perf_counter(), time.process_time()
    for start in range(0, len(requests), size):
        messages = [[{"role": "user", "content": each.prompt}] for each in requests[start : start + size]]
        inputs = tokenizer.apply_chat_template(
            messages, add_generation_prompt=True, return_tensors="pt", return_dict=True, padding=True
        ).to(model.device)
        made = model.generate(
            **inputs,
            max_new_tokens=config.max_tokens,
            do_sample=True,
            temperature=config.temperature,
            top_k=0,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )[:, inputs["input_ids"].shape[1] :].tolist()
        for row in made:
            ended = row.index(tokenizer.eos_token_id) + 1 if tokenizer.eos_token_id in row else len(row)
            tokens += ended
    return Pass(len(requests), tokens, time.perf_counter() - begin, time.process_time() - begin_cpu)


def is_valid(text: str) -> bool:
    """Whether a text is a ticket."""
    try:
        Ticket.model_validate_json(text)
    except ValidationError:
        return False
    return True


def _compare(ours: Sequence[Pass], theirs: Sequence[Pass]) -> dict[str, float]:
    pairs = list(zip(ours, theirs, strict=True))
    return {
        "tokens_per_second": median(each.tokens / each.seconds for each in theirs),
        "ratio": median((mine.tokens / mine.seconds) / (other.tokens / other.seconds) for mine, other in pairs),
        "ratio_cpu": median(
            (mine.tokens / mine.cpu_seconds) / (other.tokens / other.cpu_seconds) for mine, other in pairs
        ),
    }


def _show_ratios(figures: dict[str, float]) -> str:
    if "ratio" not in figures:
        return ""
    return f", ours is {figures['ratio']:.2f} x, {figures['ratio_cpu']:.2f} x by CPU time"


if __name__ == "__main__":
    main()
