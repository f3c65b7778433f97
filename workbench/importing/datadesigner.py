"""A DataDesigner config (YAML or JSON, as its builder writes it) as a spec of ours.

Its columns have a `column_type`, and samplers a `sampler_type` with `params`; ours have one flat `type`. What has no
counterpart stays in the file as a comment in its place, and is counted for the user.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping
from typing import Any

from workbench.columns.expression_language.parsing import parse_expression
from workbench.errors import UsageError
from workbench.files import clean_text
from workbench.importing.datadesigner_samplers import convert_sampler
from workbench.importing.draft import Draft, DraftItem, DraftTable
from workbench.importing.known_types import find_model_fault, find_references, offer_item
from workbench.importing.naming import make_name, make_names

ROWS = 1_000

_BARE = re.compile(r"\s*\{\{(.*)\}\}\s*", re.DOTALL)
_SETTINGS = ("temperature", "top_p", "max_tokens", "max_parallel_requests", "timeout", "extra_body")
_IGNORED = {
    "column_type", "name", "drop", "propagate_skip", "skip", "sampler_type", "params", "convert_to",
    "conditional_params", "with_trace", "extract_reasoning_content", "allow_resize", "batch_size",
    "generation_strategy",
}  # fmt: skip
"""Keys of a column that are read elsewhere, or that say how and not what to generate."""


def convert_config(name: str, content: Any, rows: int | None = None) -> Draft:
    """The draft of a spec called `name` for the parsed config, with or without the key `data_designer` around it.

    Raises UsageError where it is no such config.
    """
    config = content.get("data_designer", content) if isinstance(content, dict) else None
    columns = config.get("columns") if isinstance(config, dict) else None
    if not isinstance(config, dict) or not isinstance(columns, list) or not columns:
        raise UsageError(
            "This is no DataDesigner config: there is no list of columns.",
            "Give the YAML or JSON file that its builder writes with write_config.",
        )
    if not all(isinstance(column, dict) and isinstance(column.get("name"), str) for column in columns):
        raise UsageError("A column of this DataDesigner config has no name.", "Check the list of columns.")
    table = DraftTable(make_name(name) or "data", rows=rows or ROWS)
    draft = Draft(name, "Converted from a DataDesigner config", [table])
    draft.comments = ["Converted from DataDesigner. What could not be converted stands as a comment in its place."]
    _convert_models(config, draft)
    _convert_seed(config, draft)
    names = make_names([column["name"] for column in columns])
    failed: list[str] = []
    for column in columns:
        items = _convert_column(column, names[column["name"]])
        table.columns += items
        if items[-1].disabled:
            failed.append(column["name"])
    _drop_unmade(table, failed)
    _convert_processors(config, table, draft)
    for constraint in config.get("constraints") or []:
        _convert_constraint(constraint, names, table, draft)
    for key in ("profilers", "tool_configs"):
        if config.get(key):
            draft.ending.append(f"{key} were left out: {config[key]}")
            draft.notes.append(f"{key} have no counterpart and were left out.")
    if failed:
        count = f"{len(failed)} column{'s' * (len(failed) > 1)} could not be converted: "
        draft.notes.insert(0, f"{count}{', '.join(clean_text(each) for each in failed)}.")
    partly = [
        str(item.fields["name"]) for item in table.columns
        if not item.disabled and any(comment.startswith(("left out", "not kept")) for comment in item.comments)
    ]  # fmt: skip
    if partly:
        draft.notes.append(f"Converted in part, see the comments: {', '.join(partly)}.")
    return draft


def _convert_column(column: Mapping[str, Any], name: str) -> list[DraftItem]:
    """The column, last, after any helper columns that it needs."""
    kind = str(column.get("column_type", "")).replace("_", "-")
    comments = [] if name == column["name"] else [f"“{column['name'][:80]}” in DataDesigner"]
    helpers: list[DraftItem] = []
    if kind == "sampler":
        fields, found, inner = convert_sampler(name, column)
        comments += found
        helpers = [offer_item(each, [])[0] for each in inner]
    elif kind in _GENERATED:
        fields = {"type": kind.replace("-", "_"), **_GENERATED[kind](column)}
    else:
        original = {key: value for key, value in column.items() if value is not None}
        return [
            DraftItem(
                original, [*comments, f"not converted: columns of the type {kind or '(none)'} are not known"], True
            )
        ]
    dialect = str(column.get("code_lang") or "").partition(":")[2]
    if dialect:
        comments.append(f"not kept: the dialect {dialect}")
    skip = column.get("skip")
    if isinstance(skip, dict):
        fields["skip"] = {**skip, "when": _strip_braces(str(skip.get("when", "")))}
        if fields["skip"].get("value") is None:
            fields["skip"].pop("value", None)
    if column.get("drop"):
        fields["drop"] = True
    left = {key: value for key, value in column.items() if key not in _IGNORED | _USED.get(kind, set()) and value}
    comments += [f"left out: {key}: {value}" for key, value in left.items()]
    if any(helper.disabled for helper in helpers):
        return [
            DraftItem(
                {"name": name, **fields}, [*comments, *(each for helper in helpers for each in helper.comments)], True
            )
        ]
    item, _ = offer_item({"name": name, **{key: value for key, value in fields.items() if value is not None}}, comments)
    return [*helpers, item]


def _convert_expression(column: Mapping[str, Any]) -> dict[str, Any]:
    """Arithmetic alone becomes an expression, and so does one name that is asked for as a number; else a template."""
    text, dtype = str(column.get("expr", "")), column.get("dtype", "str")
    bare = _BARE.fullmatch(text)
    if bare and "{{" not in bare[1]:
        try:
            root = parse_expression(bare[1])
        except ValueError:
            return {"type": "template", "template": text}
        if not isinstance(root, ast.Name | ast.Constant) or dtype != "str":
            inner = bare[1].strip()
            whole = dtype == "int" and not isinstance(root, ast.Name)
            return {"type": "expression", "expression": f"round({inner})" if whole else inner}
    return {"type": "template", "template": text}


def _convert_llm(column: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "model": column.get("model_alias"),
        "prompt": column.get("prompt"),
        "system_prompt": column.get("system_prompt"),
    }


def _convert_code(column: Mapping[str, Any]) -> dict[str, Any]:
    return _convert_llm(column) | {"language": _convert_language(column)}


def _convert_language(column: Mapping[str, Any]) -> str:
    """`sql:postgres` is sql here; the dialect stands in the comments."""
    return str(column.get("code_lang", "python")).partition(":")[0]


def _convert_structured(column: Mapping[str, Any]) -> dict[str, Any]:
    return _convert_llm(column) | {"schema": column.get("output_format")}


def _convert_judge(column: Mapping[str, Any]) -> dict[str, Any]:
    """The judge of ours looks at one column: the last one that the prompt names."""
    prompt = str(column.get("prompt", ""))
    named = re.findall(r"\{\{\s*([A-Za-z_][A-Za-z0-9_]*)", prompt)
    scores = [
        {**score, "options": {int(key) if str(key).isdigit() else key: text for key, text in score["options"].items()}}
        for score in column.get("scores") or [] if isinstance(score, dict) and isinstance(score.get("options"), dict)
    ]  # fmt: skip
    return _convert_llm(column) | {"target": named[-1] if named else None, "scores": scores}


def _convert_validation(column: Mapping[str, Any]) -> dict[str, Any]:
    params = column.get("validator_params") or {}
    return {
        "target": (column.get("target_columns") or [None])[0],
        "check": column.get("validator_type"),
        "language": params.get("code_lang"),
    }


_GENERATED: dict[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
    "expression": _convert_expression,
    "llm-text": _convert_llm,
    "llm-code": _convert_code,
    "llm-structured": _convert_structured,
    "llm-judge": _convert_judge,
    "validation": _convert_validation,
    "image": _convert_llm,
    "embedding": lambda column: {"model": column.get("model_alias"), "target": column.get("target_column")},
    "seed-dataset": lambda column: {"type": "source", "source": "seed", "column": column["name"]},
}
_PROMPTED = {"model_alias", "prompt", "system_prompt"}
_USED: dict[str, set[str]] = {
    "expression": {"expr", "dtype"},
    "llm-text": _PROMPTED,
    "llm-code": _PROMPTED | {"code_lang"},
    "llm-structured": _PROMPTED | {"output_format"},
    "llm-judge": _PROMPTED | {"scores"},
    "validation": {"target_columns", "validator_type", "validator_params"},
    "image": _PROMPTED,
    "embedding": {"model_alias", "target_column"},
}


def _strip_braces(text: str) -> str:
    bare = _BARE.fullmatch(text)
    return bare[1].strip() if bare else text


def _drop_unmade(table: DraftTable, failed: list[str]) -> None:
    """Columns that refer to one that could not be made cannot be made either."""
    while True:
        made = {str(item.fields["name"]) for item in table.columns if not item.disabled}
        broken = next(
            ((item, names) for item in table.columns if not item.disabled
             and (names := find_references(item.fields) - made)), None
        )  # fmt: skip
        if broken is None:
            return
        item, names = broken
        item.disabled = True
        item.comments.insert(0, f"not converted: it refers to {', '.join(sorted(names))}")
        failed.append(str(item.fields["name"]))


def _convert_models(config: Mapping[str, Any], draft: Draft) -> None:
    for model in config.get("model_configs") or []:
        settings = model.get("inference_parameters") or {}
        entry: dict[str, Any] = {
            "provider": make_name(str(model.get("provider") or "")) or "offline",
            "model": model.get("model"),
        }
        entry |= {key: settings[key] for key in _SETTINGS if isinstance(settings.get(key), int | float | dict)}
        fault = find_model_fault(entry)
        name = make_name(str(model.get("alias", ""))) or f"model_{len(draft.models) + 1}"
        if fault is None:
            draft.models[name] = DraftItem(entry)
            continue
        original = {key: value for key, value in model.items() if key != "inference_parameters"}
        comment = f"in DataDesigner: {original | {key: value for key, value in settings.items() if value is not None}}"
        draft.models[name] = DraftItem({"provider": "offline"}, [comment, f"not used as it is: {fault}"])
        draft.notes.append(f"The model “{name}” runs offline until its provider is named: {clean_text(fault)}")


def _convert_seed(config: Mapping[str, Any], draft: Draft) -> None:
    seed = config.get("seed_config")
    if not isinstance(seed, dict):
        return
    source = seed.get("source") or {}
    path = str(source.get("path", ""))
    if source.get("seed_type") == "local" and path.lower().endswith((".csv", ".jsonl", ".parquet")):
        draft.sources["seed"] = {"path": path, "holdout": 0}
        draft.notes.append(f"The seed file {clean_text(path)} is read relative to the spec; check its path.")
    else:
        draft.comments.append(f"not converted: seed_config: {seed}")
        draft.notes.append("The seed dataset could not be converted: save it as a file and name it under “sources:”.")


def _convert_processors(config: Mapping[str, Any], table: DraftTable, draft: Draft) -> None:
    """Columns that are dropped at the end are marked so; other processors are left out."""
    for processor in config.get("processors") or []:
        if processor.get("processor_type") == "drop_columns":
            for name in processor.get("column_names") or []:
                item = table.find(str(name))
                if item is not None:
                    item.fields["drop"] = True
        else:
            draft.ending.append(f"not converted: processor {processor}")
            draft.notes.append(f"The processor “{clean_text(str(processor.get('name')))}” could not be converted.")


def _convert_constraint(
    constraint: Mapping[str, Any], names: Mapping[str, str], table: DraftTable, draft: Draft
) -> None:
    """A bound of a column, or an inequality between two; strict bounds are expressions."""
    target, operator, other = constraint.get("target_column"), constraint.get("operator"), constraint.get("rhs")
    column = names.get(str(target), str(target))
    sign = {"lt": "<", "le": "<=", "gt": ">", "ge": ">="}.get(str(operator))
    strict = operator in ("lt", "gt")
    try:
        number = float(other) if other is not None else None
    except (TypeError, ValueError):
        number = None
    if number is not None:
        bound = "high" if operator in ("lt", "le") else "low"
        shown = int(number) if number == int(number) else number
        fields: dict[str, Any] = {"type": "expression", "expression": f"{column} {sign} {shown}"}
        if not strict:
            fields = {"type": "range", "column": column, bound: shown}
    else:
        pair = (column, names.get(str(other), str(other)))
        low, high = pair if operator in ("lt", "le") else pair[::-1]
        fields = {"type": "inequality", "low": low, "high": high} | ({"strict": True} if strict else {})
    involved = [column] if number is not None else [fields["low"], fields["high"]]
    lost = [each for each in involved if table.find(str(each)) is None]
    item = DraftItem(fields, disabled=bool(lost) or sign is None)
    if item.disabled:
        item.comments.append(f"not converted: {dict(constraint)}")
        draft.notes.append(f"The constraint on “{clean_text(str(target))}” could not be converted.")
    table.constraints.append(item)
