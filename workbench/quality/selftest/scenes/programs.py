"""Small Python functions of many builds, each with its task and tests that it passes."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from workbench.quality.evidence import Evidence
from workbench.quality.selftest.planting import register_scene
from workbench.quality.selftest.specs import build_evidence

ROWS = 60
SPEC = """
name: programs
rows: 60
primary_key: program_id
models: {coder: {provider: offline}}
columns:
  - {name: program_id, type: id}
  - {name: function, type: text_pattern, pattern: "[a-z]{3,9}_[a-z]{3,9}_[0-9]{1,3}"}
  - name: program
    type: llm_code
    model: coder
    language: python
    checks: [parses, runs, tests]
    prompt: "Write a function {{ function }} of a whole number."
    tests: "assert isinstance({{ function }}(3), int)\\nassert 0 <= {{ function }}(7) < 9973"
"""
_VERBS = ["fold", "mix", "weigh", "rank", "spread", "gather", "turn", "trim", "stack", "blend"]
_NOUNS = ["steps", "coins", "tiles", "waves", "seeds", "notes", "beads", "knots", "rails", "cards"]


@register_scene("programs", "small Python functions with tests that they pass", most_rows=ROWS)
def make_programs(seed: int, rows: int, folder: Path) -> Evidence:
    """`rows` functions; there are no real ones to compare with."""
    import pandas as pd

    draw = np.random.Generator(np.random.Philox(seed))
    names = [f"{draw.choice(_VERBS)}_{draw.choice(_NOUNS)}_{number}" for number in range(rows)]
    frame = pd.DataFrame(
        {
            "program_id": np.arange(rows),
            "function": names,
            "program": [_write_program(name, draw) for name in names],
        }
    )
    return build_evidence(SPEC, frame, seed, folder=folder)


def _write_program(name: str, draw: np.random.Generator) -> str:
    """A function of `n` that works a total through some steps, of which no two programs have the same."""

    def number(low: int, high: int) -> int:
        return int(draw.integers(low, high))

    def express(names: tuple[str, ...], depth: int = 2) -> str:
        if not depth:
            return str(draw.choice([*names, str(number(2, 30))]))
        left, right = express(names, depth - 1), express(names, number(0, depth))
        forms = ("({left} + {right})", "({left} - {right})", "({left} * {right})", "abs({left} - {right})",
                 "max({left}, {right})", "({left} // {low})", "({left} % {high})")  # fmt: skip
        return str(draw.choice(forms)).format(left=left, right=right, low=number(2, 9), high=number(3, 50))

    def loop() -> list[str]:
        return [f"for step in range({number(2, 9)}):", f"    total += {express(('n', 'step'))}"]

    def choose() -> list[str]:
        return [f"if {express(('n', 'total'))} > {number(5, 60)}:", f"    total = {express(('n', 'total'))}", "else:",
                f"    total -= {express(('n',), 1)}"]  # fmt: skip

    def shrink() -> list[str]:
        return [f"while total > {number(100, 900)}:", f"    total //= {number(2, 7)}"]

    def listing() -> list[str]:
        return [f"parts = [{express(('n', 'part'))} for part in range({number(3, 12)}) if part % {number(2, 4)}]",
                f"total += {draw.choice(['sum', 'len', 'max'])}(parts)"]  # fmt: skip

    def digits() -> list[str]:
        return ["for digit in str(abs(total)):", f"    total += int(digit) * {express(('n',), 1)}"]

    steps = [loop, choose, shrink, listing, digits]
    lines = [f"total = {express(('n',))}"]
    for place in draw.permutation(len(steps))[: number(2, 5)].tolist():
        lines += steps[place]()
    lines.append(f"return abs({express(('n', 'total'))}) % 9973")
    return "\n".join([f"def {name}(n):", *(f"    {line}" for line in lines)]) + "\n"
