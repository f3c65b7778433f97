"""`template`: what it writes, and that a template can neither reach Python nor run away."""

from __future__ import annotations

import datetime
import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.columns.template import TemplateConfig
from workbench.columns.template_language.templates import CompiledTemplate, TemplateTextError, find_names
from workbench.columns.values import Values
from workbench.errors import WorkbenchError

Make = Callable[..., Values]

COLUMNS: dict[str, list[Any]] = {
    "a": [1.5, None],
    "i": [3, 0],
    "b": [True, False],
    "s": ["Köln", ""],
    "at": [datetime.datetime(2026, 3, 1, 13, 5), datetime.datetime(1969, 12, 31)],
}

RESULTS = {
    "{{ s }} 100% {{ i }}": ["Köln 100% 3", " 100% 0"],
    "{{ a }}|{{ b }}|{{ at }}": ["1.5|True|2026-03-01 13:05:00", "|False|1969-12-31 00:00:00"],
    "no names": ["no names", "no names"],
    "{# note #}{% raw %}{{ s }}{% endraw %}": ["{{ s }}", "{{ s }}"],
    "{{ s|upper }} {{ '%.2f'|format(i) }}": ["KÖLN 3.00", " 0.00"],
    "{{ '%.1f' % i }} {{ '%s-%s' % (i, b) }}": ["3.0 3-True", "0.0 0-False"],
    "{% if i > 1 %}many{% elif b %}one{% else %}none{% endif %}": ["many", "none"],
    "{% for k in range(i) %}{{ loop.index }},{% endfor %}": ["1,2,3,", ""],
    "{% set word = s ~ i %}{{ word }}{{ word|length }}": ["Köln35", "01"],
    "{{ 'yes' if b else 'no' }} {{ a if a is not none else 'n/a' }}": ["yes 1.5", "no n/a"],
    "{{ at.strftime('%d.%m.%Y') }} {{ at.year }}": ["01.03.2026 2026", "31.12.1969 1969"],
    "{{ i + 1 }} {{ i * 2 }} {{ i / 2 }} {{ i ** 2 }}": ["4 6 1.5 9.0", "1 0 0.0 0.0"],
    "{{ [s, i]|join('-') }} {{ s[:2] }} {{ s|replace('ö', 'oe') }}": ["Köln-3 Kö Koeln", "-0  "],
    "{{ (i / 7)|round(2) }}": ["0.43", "0.0"],
}


@pytest.mark.parametrize(("template", "expected"), RESULTS.items(), ids=list(RESULTS))
def test_templates_write(make: Make, template: str, expected: list[str]) -> None:
    line = json.dumps({"name": "x", "type": "template", "template": template})
    assert make(line, **COLUMNS).to_list() == expected


def test_the_fast_way_writes_what_jinja_writes(make: Make) -> None:
    fast = make(json.dumps({"name": "x", "type": "template", "template": "{{ a }}{{ s }}%s{{ at }}"}), **COLUMNS)
    slow = make(
        json.dumps({"name": "x", "type": "template", "template": "{{ a }}{{ s }}%s{{ at }}{% if b %}{% endif %}"}),
        **COLUMNS,
    )
    assert fast.to_list() == slow.to_list()


def test_names_are_those_the_template_reads() -> None:
    assert find_names("{{ a }}{% for k in range(n) %}{{ k }}{{ s|upper }}{% endfor %}") == {"a", "n", "s"}
    assert find_names("{{ range }}{% set x = 1 %}{{ x }}") == {"range"}


@pytest.mark.parametrize(("template", "message"), [
    ("{{ a", "unexpected end"),
    ("{{ a }}\n{% if %}", "line 2"),
    ("{% for x in s %}", "endfor"),
    ("{{ s.__class__ }}", "__class__"),
    ("{{ s.format(a) }}", "format"),
    ("{{ s|attr('x') }}", "no filter"),
    ("{{ s|uper }}", "Did you mean “upper”?"),
    ("{{ s|tojson }}", "no filter"),
    ("{{ a is purple }}", "no test"),
    ("{{ cycler('a') }}", "only range"),
    ("{{ lipsum() }}", "only range"),
    ("{% include '/etc/passwd' %}", "include"),
    ("{% import 'x' as y %}", "import"),
    ("{% extends 'x' %}", "extends"),
    ("{% macro m() %}{{ m() }}{% endmacro %}", "macro"),
    ("{% set x %}{{ a }}{% endset %}", "assignblock"),
    ("{% for k in s recursive %}{% endfor %}", "recursive"),
    ("{{ {'a': 1} }}", "dict"),
    ("{{ _steps_left }}", "not allowed"),
    ("{{ " + "(" * 300 + "1" + ")" * 300 + " }}", "nests too deeply"),
    ("{% for k in s %}" * 30 + "{% endfor %}" * 30, "nests too deeply"),
    ("x" * 60_000, "50,000 is the limit"),
])  # fmt: skip
def test_templates_outside_the_language_are_refused(template: str, message: str) -> None:
    with pytest.raises(TemplateTextError, match=message.replace("(", r"\(")):
        CompiledTemplate(template)


RUNAWAYS = [
    "{% for x in range(9999) %}{% for y in range(9999) %}{% for z in 'abc' %}{% endfor %}{% endfor %}{% endfor %}",
    "{% for x in range(9000) %}{{ long }}{% endfor %}",
    "{{ 'x' * 1000000000 }}",
    "{{ [1] * 1000000000 }}",
    "{{ 2 ** 100000000 }}",
    "{% set x = long %}" + "{% set x = x ~ x %}" * 60 + "{{ x }}",
    "{% set x = long %}" + "{% set x = x + x %}" * 60 + "{{ x }}",
    "{% set x = [1] %}" + "{% set x = [x, x] %}" * 60 + "{{ x }}",
    "{% set x = 9 %}" + "{% set x = x * x %}" * 60 + "{{ x }}",
    "{{ long|replace('', long) }}",
    "{{ range(9000)|join(long) }}",
    "{{ '%999999999d'|format(1) }}",
    "{{ '%*d' % (999999999, 1) }}",
    "{{ 1.5|round(1000000000, 'floor') }}",
    "{{ range(1000000000)|list }}",
    "{{ range(9999999999)|sum }}",
]


@pytest.mark.parametrize("template", RUNAWAYS, ids=[text[:40] for text in RUNAWAYS])
def test_templates_that_would_run_away_are_stopped(make: Make, template: str) -> None:
    line = json.dumps({"name": "x", "type": "template", "template": template})
    with pytest.raises((WorkbenchError, TemplateTextError)):
        make(line, long=["x" * 2000])


@pytest.mark.parametrize("template", ["{{ s.upper }}", "{{ s|unique }}", "{{ [s]|reverse }}", "{% set f = s.upper %}"])
def test_what_would_print_an_address_is_refused(make: Make, template: str) -> None:
    line = json.dumps({"name": "x", "type": "template", "template": template})
    with pytest.raises(WorkbenchError, match="cannot stand here"):
        make(line, s=["a"])


def test_a_row_that_cannot_be_written_is_named(make: Make) -> None:
    line = json.dumps({"name": "x", "type": "template", "template": "{{ 1 / i }}"})
    with pytest.raises(WorkbenchError, match="“x” cannot be written for row 1: division by zero"):
        make(line, i=[1, 0])


def test_texts_longer_than_the_limit_are_refused(make: Make) -> None:
    line = json.dumps({"name": "x", "type": "template", "template": "{{ s }}{{ s }}"})
    with pytest.raises(WorkbenchError, match="beyond 100,000"):
        make(line, s=["x" * 60_000])


PARTS = st.sampled_from([
    "{{", "}}", "{%", "%}", "{#", "#}", " a ", " i ", " s ", "|upper", "|join('x')", "|length", "|replace('a','b')",
    "|format(1)", ".x", ".strftime('%d')", "['x']", "[0]", "(", ")", " if ", " else ", " endif ", " for k in ",
    " endfor ", " set z = ", " range(3) ", "'t'", "1", "*", "**", "~", "+", "%", "==", " in ", " is none", " not ", ",",
    "loop", "self", "__class__", "\n", "é", "\0", "-", "raw", "endraw", "macro m()", "block b", "1e999", "[", "]",
])  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.lists(PARTS, max_size=20).map("".join))
def test_no_template_text_breaks_the_language(text: str) -> None:
    begin = time.process_time()
    try:
        config = TemplateConfig(name="x", type="template", template=text)
        template = CompiledTemplate(config.template)
        assert isinstance(template.render({"a": 1.5, "i": 3, "s": "Köln", "k": None, "z": 1}), str)
    except ValueError:
        pass
    assert time.process_time() - begin < 20
