"""Mutated specs: whatever stands in the editor, checking and previewing give problems with a place, never an error."""

from __future__ import annotations

import json
import math
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from workbench.generation.preview import preview_text

SPEC = """version: 1
name: bank
seed: 7
sources:
  real: {packaged: breast_cancer, holdout: 0.2}
rows: 300
primary_key: id
columns:
  - {name: id, type: id, pattern: "C{n:05d}"}
  - {name: country, type: category, values: {DE: 0.5, FR: 0.3}}
  - {name: city, type: category, given: country, values: {DE: [Berlin, Bonn], FR: {Paris: 3, Lyon: 1}}}
  - {name: amount, type: lognormal, mean: 3, stddev: 1, decimals: 2, missing: 0.1}
  - {name: balance, type: normal, mean: 60, stddev: 20, min: 0, max: 500}
  - {name: visits, type: poisson, mean: 2}
  - {name: wait, type: exponential, mean: 2}
  - {name: hour, type: uniform_int, low: 0, high: 23}
  - {name: fraud, type: bernoulli, p: 0.02}
  - {name: at, type: datetime, start: 2026-01-01, end: 2026-06-30, unit: h}
  - {name: who, type: faker, method: first_name, locale: de_DE}
  - {name: share, type: expression, expression: "round(amount / balance, 3) if hour > 3 else 0.5"}
  - {name: memo, type: template, template: "{{ who }} in {{ city }}: {% if fraud %}!{% endif %}"}
constraints:
  - {type: inequality, low: amount, high: balance}
  - {type: range, column: balance, low: 5}
scenarios:
  - {name: night, share: 0.02, set: {fraud: true, hour: {type: uniform_int, low: 1, high: 4}}}
quality: {min_fidelity: 0.8}
training: {task: chat, messages: [{role: user, content: "{{ memo }}?"}, {role: assistant, content: "{{ fraud }}"}]}
"""
LINES = SPEC.splitlines()
SNIPPETS = [
    "", " ", "\n", "\t", ":", ": ", "- ", "{", "}", "[", "]", ",", '"', "'", "&a ", "*a", "!!str ", "|", ">", "#", "?",
    "null", "true", "-1", "0", "1e999", ".nan", "-.inf", "99999999999999999999999", "2026-13-45", "../../x", "{{", "}}",
    "{% for x in range(9) %}", "é", "\u202e", "\x00", "\x1b[31m", "amount", "type", "name", "type: id", "__class__",
    "<<: ", "given: id", "values: {}", "rows: 0", "drop: true", "expression: balance", "share: 1.0", "method: name",
]  # fmt: skip


@st.composite
def mutated_specs(draw: st.DrawFn) -> str:
    """The spec after up to six edits: characters cut, lines cut, doubled or swapped, snippets put in or over."""
    text = SPEC
    for _ in range(draw(st.integers(1, 6))):
        place = draw(st.integers(0, max(0, len(text) - 1)))
        edit = draw(st.sampled_from(["cut", "insert", "over", "line away", "line twice", "swap", "word"]))
        if edit == "cut":
            text = text[:place] + text[place + draw(st.integers(1, 30)) :]
        elif edit == "insert":
            text = text[:place] + draw(st.sampled_from(SNIPPETS)) + text[place:]
        elif edit == "over":
            snippet = draw(st.sampled_from(SNIPPETS))
            text = text[:place] + snippet + text[place + len(snippet) :]
        elif edit == "word":
            words = text.split(" ")
            words[draw(st.integers(0, len(words) - 1))] = draw(st.sampled_from(SNIPPETS))
            text = " ".join(words)
        else:
            lines = text.splitlines() or [""]
            first, second = (draw(st.integers(0, len(lines) - 1)) for _ in range(2))
            if edit == "line away":
                del lines[first]
            elif edit == "line twice":
                lines.insert(second, lines[first])
            else:
                lines[first], lines[second] = lines[second], lines[first]
            text = "\n".join(lines) + "\n"
    return text


def check_outcome(text: str, folder: Path) -> None:
    result = preview_text(text, folder, rows=3)
    for problem in result["problems"]:
        assert problem["line"] >= 1, problem
        assert problem["column"] >= 1, problem
        assert problem["message"].strip(), problem
    failed = any(problem["level"] == "error" for problem in result["problems"])
    assert failed or result["tables"]
    json.dumps(result, allow_nan=False)
    assert math.isfinite(result["seconds"])


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
@given(mutated_specs())
def test_a_mutated_spec_gives_rows_or_problems_with_a_place(tmp_path: Path, text: str) -> None:
    check_outcome(text, tmp_path)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=300))
def test_any_text_gives_problems_with_a_place(tmp_path: Path, text: str) -> None:
    check_outcome(text, tmp_path)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(["id", "amount"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(line=st.sampled_from([line for line in LINES if line.startswith("  - {name")]), value=VALUES, data=st.data())
def test_any_value_in_any_field_of_a_column_gives_rows_or_problems(
    tmp_path: Path, line: str, value: object, data: st.DataObject
) -> None:
    from workbench.spec.yaml_nodes import load_plain

    column = load_plain(line.strip()[2:])
    column[data.draw(st.sampled_from([*column, "missing", "min", "decimals", "drop", "args", "weights"]))] = value
    spec = SPEC.replace(line, "  - " + json.dumps(column, default=str))
    check_outcome(spec, tmp_path)
