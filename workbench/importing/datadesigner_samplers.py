"""DataDesigner's samplers as columns of ours: the names of their parameters, and the few that differ in meaning."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping
from typing import Any

from workbench.columns.expression_language.parsing import parse_expression
from workbench.importing.known_types import choose_fields

Fields = dict[str, Any]
Converted = tuple[Fields, list[str], list[Fields]]
"""The fields without a name, comments, and helper columns that it is computed from."""

_STEPS = {"D": datetime.timedelta(days=1), "h": datetime.timedelta(hours=1), "m": datetime.timedelta(minutes=1)}
_STEPS["s"] = datetime.timedelta(seconds=1)


def convert_sampler(name: str, column: Mapping[str, Any]) -> Converted:
    """The column of ours for a sampler column; a sampler that is not known keeps its own words as a type."""
    fields, comments, helpers = _convert_params(name, column, column.get("params") or {})
    conditions = column.get("conditional_params")
    if not isinstance(conditions, dict) or not conditions:
        return fields, comments, helpers
    cases = _convert_conditions(name, column, conditions)
    if cases is None or helpers:
        return fields, [*comments, f"not kept: conditional_params: {_shorten(conditions)}"], helpers
    fallback = f"{name[:50]}_otherwise"
    expression = fallback
    for condition, case in cases:  # of several conditions that hold, the last one counts
        expression = f"{case['name']} if {condition} else {expression}"
    made = [{**case, "drop": True} for _, case in cases]
    return (
        {"type": "expression", "expression": expression},
        comments,
        [{"name": fallback, **fields, "drop": True}, *made],
    )


def _convert_conditions(
    name: str, column: Mapping[str, Any], conditions: Mapping[str, Any]
) -> list[tuple[str, Fields]] | None:
    """Each condition with the column to use where it holds; None where one cannot be an expression."""
    cases = []
    for number, (condition, params) in enumerate(conditions.items(), 1):
        try:
            parse_expression(str(condition))
        except ValueError:
            return None
        fields, _, helpers = _convert_params(name, column, params)
        if helpers or "given" in fields:
            return None
        cases.append((f"({condition})", {"name": f"{name[:50]}_case_{number}", **fields}))
    return cases


def _convert_params(name: str, column: Mapping[str, Any], given: Mapping[str, Any]) -> Converted:
    kind = str(column.get("sampler_type", "")).replace("-", "_")
    params = {key: value for key, value in given.items() if value is not None}
    params.pop("sampler_type", None)
    convert = _SAMPLERS.get(kind)
    if convert is None:
        return {"type": kind, **params}, [], []
    try:
        fields, comments, helpers = convert(name, params)
    except (KeyError, TypeError, ValueError) as error:
        return {"type": kind, **params}, [f"its parameters cannot be read: {error}"], []
    target = column.get("convert_to")
    if target == "int" and fields["type"] in ("normal", "uniform", "scipy"):
        fields["decimals"] = 0
    elif target not in (None, "float", "int"):
        comments.append(f"not kept: convert_to: {target}")
    return fields, comments, helpers


def _shorten(conditions: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: {word: value for word, value in params.items() if word != "sampler_type" and value is not None}
        for key, params in conditions.items() if isinstance(params, dict)
    }  # fmt: skip


def _category(name: str, params: Fields) -> Converted:
    return {"type": "category", **params}, [], []


def _subcategory(name: str, params: Fields) -> Converted:
    return {"type": "category", "given": params["category"], "values": params["values"]}, [], []


def _gaussian(name: str, params: Fields) -> Converted:
    return {"type": "normal", **_rename_decimals(params)}, [], []


def _uniform(name: str, params: Fields) -> Converted:
    return {"type": "uniform", **_rename_decimals(params)}, [], []


def _bernoulli(name: str, params: Fields) -> Converted:
    return {"type": "bernoulli", **params}, ["true and false instead of 1 and 0"], []


def _poisson(name: str, params: Fields) -> Converted:
    return {"type": "poisson", **params}, [], []


def _binomial(name: str, params: Fields) -> Converted:
    fields = _scipy_fields("binom", {"n": params["n"], "p": params["p"]})
    return {**fields, "decimals": 0}, [], []


def _scipy(name: str, params: Fields) -> Converted:
    fields = _scipy_fields(params["dist_name"], params.get("dist_params") or {})
    return fields | _rename_decimals({key: params[key] for key in ("decimal_places",) if key in params}), [], []


def _scipy_fields(distribution: str, values: Fields) -> Fields:
    return {"type": "scipy", "dist": distribution, "args": values}


def _mixture(name: str, params: Fields) -> Converted:
    """0, or with probability p a number of the distribution: from two columns that are not kept."""
    chosen, drawn = f"{name[:50]}_occurs", f"{name[:50]}_size"
    helpers = [
        {"name": chosen, "type": "bernoulli", "p": params["p"], "drop": True},
        {"name": drawn, **_scipy_fields(params["dist_name"], params.get("dist_params") or {}), "drop": True},
    ]
    return {"type": "expression", "expression": f"{drawn} if {chosen} else 0.0"}, [], helpers


def _datetime(name: str, params: Fields) -> Converted:
    """Its end is not included and ours is, so it is moved by one step."""
    start, end = (datetime.datetime.fromisoformat(str(params[key])) for key in ("start", "end"))
    unit = params.get("unit", "D")
    comments = [] if unit in _STEPS else [f"not kept: unit {unit}"]
    step = unit if unit in _STEPS else "D"
    end = max(start, end - _STEPS[step])
    return {"type": "datetime", "start": _tidy(start), "end": _tidy(end), "unit": step}, comments, []


def _timedelta(name: str, params: Fields) -> Converted:
    """Its greatest step is not included and ours is."""
    fields = {
        "type": "timedelta",
        "since": params["reference_column_name"],
        "low": params["dt_min"],
        "high": params["dt_max"] - 1,
        "unit": params.get("unit", "D"),
    }
    return fields, [], []


def _uuid(name: str, params: Fields) -> Converted:
    if params.get("short_form"):
        return _short_uuid(name, params)
    fields = {"type": "uuid", **{key: value for key, value in params.items() if value and key != "short_form"}}
    return fields, [], []


def _short_uuid(name: str, params: Fields) -> Converted:
    """8 hexadecimal digits are no UUID, but a text of a pattern."""
    characters = "[0-9A-F]" if params.get("uppercase") else "[0-9a-f]"
    regex = f"{params.get('prefix', '')}{characters}{{8}}"
    ways = [{"type": "text_pattern", "pattern": regex}, {"type": "text_pattern", "regex": regex}]
    text = f"{params.get('prefix', '')}^^^^^^^^"
    faker = {"type": "faker", "method": "hexify", "args": {"text": text, "upper": bool(params.get("uppercase"))}}
    fields = choose_fields(name, *ways, faker)
    del fields["name"]
    return fields, [], []


def _person(name: str, params: Fields) -> Converted:
    """A person of several fields where that type is there, else the name alone."""
    sex = str(params.get("sex", "")).lower() or None
    full = {"type": "person", "locale": params.get("locale", "en_US"), "sex": sex}
    ages = params.get("age_range") or []
    ways: list[Fields] = []
    for extra in ({"age_range": ages}, {"min_age": ages[0], "max_age": ages[-1]} if ages else {}, {}):
        ways.append({key: value for key, value in (full | extra).items() if value})
        ways.append({key: value for key, value in (full | extra).items() if value and key != "sex"})
    fields = choose_fields(name, *ways, ways[0])
    del fields["name"]
    kept = {
        "locale",
        *([] if "sex" not in fields else ["sex"]),
        *(["age_range"] if {"age_range", "min_age"} & set(fields) else []),
    }
    lost = {key: value for key, value in params.items() if key not in kept and value}
    return fields, [f"not kept: {key}: {value}" for key, value in lost.items()], []


def _rename_decimals(params: Fields) -> Fields:
    return {("decimals" if key == "decimal_places" else key): value for key, value in params.items()}


def _tidy(moment: datetime.datetime) -> Any:
    return moment.date() if moment.time() == datetime.time() and moment.tzinfo is None else moment


_SAMPLERS: dict[str, Callable[[str, Fields], Converted]] = {
    "category": _category, "subcategory": _subcategory, "gaussian": _gaussian, "uniform": _uniform,
    "bernoulli": _bernoulli, "bernoulli_mixture": _mixture, "binomial": _binomial, "poisson": _poisson,
    "scipy": _scipy, "datetime": _datetime, "timedelta": _timedelta, "uuid": _uuid, "person": _person,
    "person_from_faker": _person,
}  # fmt: skip
