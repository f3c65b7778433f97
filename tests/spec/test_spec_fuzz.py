"""Mutated specs: whatever stands in the editor, checking and previewing give problems with a place, never an error."""

from __future__ import annotations

import json
import math
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from workbench.datasets.manifest import read_manifest
from workbench.errors import WorkbenchError
from workbench.generation.preview import preview_text
from workbench.generation.run import run
from workbench.progress import Quiet
from workbench.workspace import Workspace

SPEC = """version: 1
name: bank
seed: 7
models:
  writer: {provider: offline}
sources:
  real: {packaged: breast_cancer, holdout: 0.2}
tables:
  cards:
    rows: 60
    primary_key: id
    columns:
      - {name: id, type: id, pattern: "C{n:05d}"}
      - {name: country, type: category, values: {DE: 0.5, FR: 0.3}}
      - {name: city, type: category, given: country, values: {DE: [Berlin, Bonn], FR: {Paris: 3, Lyon: 1}}}
      - {name: who, type: faker, method: first_name, locale: de_DE}
      - {name: opened, type: datetime, start: 2025-01-01, end: 2025-06-30, unit: h}
      - {name: radius, type: source, source: real, column: mean_radius}
      - {name: trace, type: uuid}
      - {name: plate, type: uniform_int, low: 1, high: 999, unique: true}
      - {name: score, type: beta, alpha: 2, beta: 5, decimals: 3}
      - {name: life, type: scipy, dist: weibull_min, args: {c: 1.5, scale: 900}}
      - {name: home, type: struct, fields: [city, country]}
  payments:
    primary_key: payment
    foreign_keys: [{column: card, table: cards, per_parent: {type: poisson, mean: 5}}]
    columns:
      - {name: payment, type: id}
      - {name: country, type: foreign_key, table: cards, column: country}
      - {name: opened, type: foreign_key, table: cards, column: opened, drop: true}
      - {name: amount, type: lognormal, mean: 3, stddev: 1, decimals: 2, missing: 0.1}
      - {name: balance, type: normal, mean: 60, stddev: 20, min: 0, max: 500}
      - {name: visits, type: poisson, mean: 2}
      - {name: wait, type: gamma, shape: 2, scale: 3}
      - {name: hour, type: uniform_int, low: 0, high: 23}
      - {name: fraud, type: bernoulli, p: 0.02}
      - {name: region, type: category, values: [n, s]}
      - {name: at, type: datetime, start: opened, end: 2026-06-30, ordered: true}
      - {name: paid, type: timedelta, since: at, low: 1, high: 9, unit: D}
      - {name: load, type: sequence, mean: 9, ar: [0.5], noise: 1, season: {period: 7, amplitude: 2}}
      - {name: share, type: expression, expression: "round(amount / balance, 3) if hour > 3 else 0.5"}
      - {name: memo, type: template, template: "{{ country }} {{ amount }}: {% if fraud %}!{% endif %}"}
      - {name: note, type: llm_text, model: writer, prompt: "Say why {{ memo }}"}
    constraints:
      - {type: inequality, low: amount, high: balance}
      - {type: range, column: balance, low: 5}
      - {type: fixed_increments, column: wait, increment: 0.5}
      - {type: expression, expression: "visits < 9"}
      - {type: unique, columns: [paid, hour]}
    scenarios:
      - {name: night, share: 0.02, set: {fraud: true, hour: {type: uniform_int, low: 1, high: 4}}}
    balance: [{column: region, shares: {n: 0.3, s: 0.7}}]
    parity: [{outcome: fraud, across: country, max_gap: 0.05}]
quality: {min_fidelity: 0.8}
splits: {train: 0.8, test: 0.2, stratify_by: region}
training:
  task: chat
  table: payments
  messages: [{role: user, content: "{{ memo }}?"}, {role: assistant, content: "{{ fraud }}"}]
exports: [{format: jsonl, layout: messages}]
"""
LINES = SPEC.splitlines()
SNIPPETS = [
    "", " ", "\n", "\t", ":", ": ", "- ", "{", "}", "[", "]", ",", '"', "'", "&a ", "*a", "!!str ", "|", ">", "#", "?",
    "null", "true", "-1", "0", "1e999", ".nan", "-.inf", "99999999999999999999999", "2026-13-45", "../../x", "{{", "}}",
    "{% for x in range(9) %}", "é", "\u202e", "\x00", "\x1b[31m", "amount", "type", "name", "type: id", "__class__",
    "<<: ", "given: id", "values: {}", "rows: 0", "drop: true", "expression: balance", "share: 1.0", "method: name",
    "table: cards", "per_parent: 0", "type: unique", "shares: {}", "pattern: '(a|b)*'", "ar: [1]",
    "per_parent: 999999999", "rows: 10000000000", "column: id",
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


class Context(Quiet):
    """A run's context without a run."""

    attempt = 1

    def __init__(self, root: Path) -> None:
        self.folder, self.workspace = root / "runs" / "r1", Workspace(root)


def check_outcome(text: str, folder: Path, *, generates: bool = False) -> None:
    """Problems with a place, or rows; and from `generate` a dataset, or an error of two sentences and no file."""
    result = preview_text(text, folder, rows=3)
    for problem in result["problems"]:
        assert problem["line"] >= 1, problem
        assert problem["column"] >= 1, problem
        assert problem["message"].strip(), problem
    failed = any(problem["level"] == "error" for problem in result["problems"])
    assert failed or result["tables"]
    json.dumps(result, allow_nan=False)
    assert math.isfinite(result["seconds"])
    if not generates:
        return
    with TemporaryDirectory(dir=folder) as root:
        try:
            made = run({"spec": text, "folder": str(folder), "rows": 20, "workers": 1}, Context(Path(root)))
            assert read_manifest(Path(made["dataset"])).synthetic
        except WorkbenchError:
            assert not list(Path(root).rglob("manifest.json"))
        assert not [path for path in Path(root).rglob(".*") if path.is_file()]


def allow(examples: int) -> settings:
    """So many examples, however long each takes."""
    return settings(
        max_examples=examples,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.data_too_large],
    )


def test_the_spec_that_is_mutated_is_sound(tmp_path: Path) -> None:
    assert preview_text(SPEC, tmp_path)["problems"] == []


@allow(800)
@given(mutated_specs())
def test_a_mutated_spec_gives_rows_or_problems_with_a_place(tmp_path: Path, text: str) -> None:
    check_outcome(text, tmp_path)


@allow(400)
@given(mutated_specs())
def test_a_mutated_spec_is_generated_or_refused_in_two_sentences(tmp_path: Path, text: str) -> None:
    check_outcome(text, tmp_path, generates=True)


@allow(200)
@given(st.text(max_size=300))
def test_any_text_gives_problems_with_a_place(tmp_path: Path, text: str) -> None:
    check_outcome(text, tmp_path)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(["id", "amount"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@allow(600)
@given(line=st.sampled_from([line for line in LINES if line.strip().startswith("- {")]), value=VALUES, data=st.data())
def test_any_value_in_any_field_of_an_entry_gives_rows_or_problems(
    tmp_path: Path, line: str, value: object, data: st.DataObject
) -> None:
    from workbench.spec.yaml_nodes import load_plain

    column = load_plain(line.strip()[2:])
    column[data.draw(st.sampled_from([*column, "missing", "min", "decimals", "drop", "args", "weights"]))] = value
    indent = line[: len(line) - len(line.lstrip())]
    spec = SPEC.replace(line, f"{indent}- " + json.dumps(column, default=str))
    check_outcome(spec, tmp_path)
