"""A spec from its text: YAML, then shape, every problem with its line, its column and the nearest known word.

`load_spec` never raises for what the user wrote; it returns the spec or the problems. What the words mean together
(names that exist, cycles, rules that cannot hold) is checked by `workbench.generation.plan` on top of this.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Annotated, Any, Union, get_args

from pydantic import BaseModel, Field, ValidationError, create_model
from pydantic_core import ErrorDetails

from workbench.spec.constraints import ConstraintConfig
from workbench.spec.model import ColumnConfig, Spec, SynthesizerConfig, TableConfig
from workbench.spec.problems import Path, Problem, suggest
from workbench.spec.reading import Document, read_document

_TABLE_KEYS = tuple(TableConfig.model_fields)
_MAX_PROBLEMS = 50

ColumnTypes = Mapping[str, type[ColumnConfig]]
SynthesizerTypes = Mapping[str, type[SynthesizerConfig]]


@dataclass(frozen=True, slots=True)
class SpecTypes:
    """What the registries add to the shape of a spec: the config of each type of column and of synthesizer by name."""

    columns: ColumnTypes
    synthesizers: SynthesizerTypes = field(default_factory=dict)


@dataclass(slots=True)
class LoadedSpec:
    """`spec` is None where an error-level problem was found. `places` resolves further problems to lines."""

    spec: Spec | None
    problems: list[Problem] = field(default_factory=list)
    document: Document = field(default_factory=Document)
    single_table: str | None = None

    def locate(self, problem: Problem) -> Problem:
        """The same problem with line and column of its path, and the path as the user wrote it."""
        path = _written_path(problem.path, self.single_table)
        line, column = self.document.place(path)
        return replace(problem, path=path, line=line, column=column)


@lru_cache(maxsize=8)
def _spec_model(
    column_types: tuple[type[ColumnConfig], ...], synthesizer_types: tuple[type[SynthesizerConfig], ...]
) -> type[Spec]:
    columns: Any = (list[_join(column_types)], TableConfig.model_fields["columns"])  # type: ignore[misc]
    fields: dict[str, Any] = {"columns": columns}
    if synthesizer_types:
        fields["synthesizer"] = (_join(synthesizer_types) | None, TableConfig.model_fields["synthesizer"])
    table = create_model("TableConfig", __base__=TableConfig, __doc__=TableConfig.__doc__, **fields)
    tables: Any = (Annotated[dict[str, table], Field(min_length=1)], ...)
    return create_model("Spec", __base__=Spec, __doc__=Spec.__doc__, tables=tables)


def _join(classes: tuple[type[BaseModel], ...]) -> Any:
    """The union of models that their `type` tells apart."""
    return Annotated[Union[classes], Field(discriminator="type")] if len(classes) > 1 else classes[0]  # noqa: UP007


def spec_model(types: SpecTypes) -> type[Spec]:
    """The spec's model with the given types as its unions, told apart by their `type`."""
    return _spec_model(tuple(types.columns.values()), tuple(types.synthesizers.values()))


def spec_json_schema(types: SpecTypes) -> dict[str, Any]:
    """JSON Schema for editors. A spec with one table may put the table's keys at the top level, so both are allowed."""
    schema = spec_model(types).model_json_schema()
    table = schema["$defs"]["TableConfig"]
    schema["properties"] |= table["properties"]
    schema["required"] = ["name"]
    schema["oneOf"] = [{"required": ["tables"]}, {"required": ["rows"]}]
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "Workbench dataset spec"
    return schema


def load_spec(text: str, types: SpecTypes) -> LoadedSpec:
    """Read, shape-check and return the spec of `text`, with all problems found, at most 50, in order of place."""
    document = read_document(text)
    loaded = LoadedSpec(None, list(document.problems), document)
    if loaded.problems:
        return loaded
    data = document.data
    if data is None:
        loaded.problems.append(Problem("The spec is empty.", "Start with “name:” and “columns:”.", (), 1, 1))
        return loaded
    if not isinstance(data, dict):
        loaded.problems.append(Problem("The spec must be a mapping of keys.", "Start with “name:”.", (), 1, 1))
        return loaded
    data, loaded.single_table = _lift_single_table(data)
    try:
        loaded.spec = spec_model(types).model_validate(data)
    except ValidationError as error:
        told = _drop_other_forms(error.errors(include_url=False), data)
        found = [_explain(details, loaded, types, data) for details in told]
        unique = {(problem.path, problem.message): problem for problem in found}
        loaded.problems = sorted(unique.values(), key=lambda problem: (problem.line, problem.column))[:_MAX_PROBLEMS]
    return loaded


def _drop_other_forms(errors: list[ErrorDetails], data: Any) -> list[ErrorDetails]:
    """The errors without those that only say a value is not of another form that its field may have as well."""
    close = {_real_path(tuple(each["loc"]), data) for each in errors if not each["type"].endswith("_type")}
    return [
        each
        for each in errors
        if not each["type"].endswith("_type") or _real_path(tuple(each["loc"]), data) not in close
    ]


def _lift_single_table(data: dict[Any, Any]) -> tuple[dict[Any, Any], str | None]:
    """Put the table keys of a spec with one table under `tables`, as if they had been written there."""
    if "tables" in data or not any(key in data for key in _TABLE_KEYS):
        return data, None
    name = str(data.get("name", "data")).replace("-", "_")
    name = name if name[:1].isalpha() else f"t_{name}"
    outer = {key: value for key, value in data.items() if key not in _TABLE_KEYS}
    table = {key: value for key, value in data.items() if key in _TABLE_KEYS}
    return outer | {"tables": {name: table}}, name


def _written_path(path: Path, single_table: str | None) -> Path:
    return path[2:] if single_table is not None and path[:2] == ("tables", single_table) else path


def _explain(details: ErrorDetails, loaded: LoadedSpec, types: SpecTypes, data: Any) -> Problem:
    kind, location = details["type"], tuple(details["loc"])
    path = _real_path(location, data)
    written = _written_path(path, loaded.single_table)
    context = details.get("ctx", {})
    hint = ""
    if kind == "extra_forbidden":
        word = str(path[-1])
        message, hint = f"Unknown key “{word}”.", suggest(word, _keys_at(path[:-1], types, data, loaded))
        line, column = loaded.document.place(written)
    elif kind == "missing":
        message = f"“{path[-1]}” is missing."
        hint = f"Add “{path[-1]}:” here."
        line, column = loaded.document.place(written[:-1], value=True)
    elif kind == "union_tag_invalid":
        word = str(context.get("tag", ""))
        noun, known = _find_union(path, types)
        message, hint = f"Unknown {noun} type “{word}”.", suggest(word, known)
        written = (*written, "type")
        line, column = loaded.document.place(written, value=True)
    elif kind == "union_tag_not_found":
        noun, known = _find_union(path, types)
        message, hint = f"This {noun} has no “type”.", f"Add “type:”, for instance “type: {known[0]}”."
        line, column = loaded.document.place(written, value=True)
    else:
        message, hint = _explain_value(kind, details["msg"], context, details["input"], path)
        line, column = loaded.document.place(written, value=True)
    return Problem(message, hint, written, line, column)


def _explain_value(kind: str, message: str, context: Mapping[str, Any], value: Any, path: Path) -> tuple[str, str]:
    name = next((str(part) for part in reversed(path) if isinstance(part, str)), "the spec")
    shown = repr(value) if len(repr(value)) <= 60 else repr(value)[:57] + "…"
    if kind == "value_error":
        reason = str(context.get("error", message))
        return f"“{name}” cannot be used: {reason}.", ""
    if kind == "literal_error":
        expected = str(context.get("expected", ""))
        known = [word.strip("'") for word in expected.replace(" or ", ", ").split(", ")]
        return f"“{name}” cannot be {shown}.", suggest(str(value), known)
    if kind == "string_pattern_mismatch":
        return f"{shown} cannot be a name here.", "Use letters, digits and “_”, starting with a letter."
    if kind == "string_type":
        return f"“{name}” must be a text, not {shown}.", "Put it in quotes."
    return f"“{name}”: {message[:1].lower()}{message[1:]} (given: {shown}).", ""


def _real_path(location: tuple[int | str, ...], data: Any) -> Path:
    """The location as a path into the data: pydantic adds the tag of a union's member, which is no key."""
    path: list[str | int] = []
    for index, part in enumerate(location):
        last = index == len(location) - 1
        if isinstance(data, dict):
            key: Any = part if part in data else next((k for k in data if str(k) == str(part)), None)
            if key is None:
                if last and not (isinstance(data.get("type"), str) and data["type"] == part):
                    path.append(part)
                continue
            path.append(part)
            data = data[key]
        elif isinstance(data, list) and isinstance(part, int) and part < len(data):
            path.append(part)
            data = data[part]
    return tuple(path)


def _keys_at(path: Path, types: SpecTypes, data: Any, loaded: LoadedSpec) -> list[str]:
    """Keys that are known in the mapping at `path`, found by walking the models along the data."""
    model: Any = spec_model(types)
    for part in path:
        data = data[part] if not isinstance(data, dict) or part in data else None
        if isinstance(model, type) and issubclass(model, BaseModel):
            field_info = model.model_fields.get(str(part))
            if field_info is None:
                return []
            model = field_info.annotation
        else:
            arguments = [argument for argument in get_args(model) if argument is not type(None)]
            model = arguments[-1] if arguments else None
        model = _unwrap(model, data)
    if not (isinstance(model, type) and issubclass(model, BaseModel)):
        return []
    known = list(model.model_fields)
    return known + list(_TABLE_KEYS) if not path and loaded.single_table is not None else known


def _find_union(path: Path, types: SpecTypes) -> tuple[str, list[str]]:
    """What the mapping at `path` is one of, and the types that are known there."""
    if "constraints" in path:
        return "constraint", [_tag(member) for member in get_args(get_args(ConstraintConfig)[0])]
    if "synthesizer" in path:
        return "synthesizer", list(types.synthesizers)
    return "column", ["category", *(name for name in types.columns if name != "category")]


def _tag(model: type[BaseModel]) -> str:
    """The word that `type` has in the YAML for this model, empty if it has no such field."""
    field_info = model.model_fields.get("type")
    words = get_args(field_info.annotation) if field_info is not None else ()
    return str(words[0]) if words else ""


def _unwrap(annotation: Any, data: Any) -> Any:
    """The model inside Annotated, Optional, or a union of models that `type` tells apart."""
    while hasattr(annotation, "__metadata__"):
        annotation = get_args(annotation)[0]
    options = [argument for argument in get_args(annotation) if argument is not type(None)]
    if not options or getattr(annotation, "__origin__", None) in (list, dict):
        return annotation
    models = [option for option in options if isinstance(option, type) and issubclass(option, BaseModel)]
    if len(models) > 1 and isinstance(data, dict):
        models = [model for model in models if _tag(model) == data.get("type")]
    return models[0] if len(models) == 1 else annotation
