"""Code from the exercises: a function with its tests in Python or JavaScript, a table with its query in SQL.

All of it runs: a Python or JavaScript program checks itself by assertions, an SQL one makes the table that it asks.
Two requests for the same exercise differ in names, in the way of solving it and in the examples. A prompt that names
the function in backquotes, as a task text does, decides its name.
"""

from __future__ import annotations

import json
import keyword
import re
from typing import Any

from workbench.providers.offline.chance import Chance
from workbench.providers.offline.exercises import EXERCISES, QUERIES, Exercise, find_exercise, find_query
from workbench.providers.requests import TextRequest

_ARGUMENTS = {
    "text": ("text", "string", "letters"), "mirror": ("text", "string", "letters"), "sentence": ("text", "sentence"),
    "word": ("first", "second"), "numbers": ("numbers", "values", "items"), "repeats": ("numbers", "values", "items"),
    "words": ("words", "names"), "lists": ("lists", "parts"), "mapping": ("mapping", "table", "pairs"),
    "small": ("n", "number"), "n": ("n", "number"),
}  # fmt: skip
_WORDS = ("river", "stone", "apple", "lamp", "garden", "level", "winter", "train", "noon", "paper", "cloud", "music",
          "silver", "bread", "listen", "silent", "harbor", "kayak", "field", "copper")  # fmt: skip
_ANAGRAMS = (("listen", "silent"), ("stone", "notes"), ("bread", "beard"), ("night", "thing"), ("study", "dusty"))
_TABLES = {
    "orders": ("city", "amount"), "employees": ("department", "salary"), "books": ("genre", "pages"),
    "visits": ("clinic", "minutes"), "products": ("category", "price"), "trips": ("country", "distance"),
}  # fmt: skip
_GROUPS = {
    "city": ("Paris", "Lima", "Oslo"), "department": ("sales", "research", "support"),
    "genre": ("novel", "poetry", "history"), "clinic": ("north", "south", "harbor"),
    "category": ("toys", "garden", "office"), "country": ("Chile", "Kenya", "Norway"),
}  # fmt: skip
_RESERVED = {
    "case", "const", "default", "delete", "do", "enum", "export", "extends", "function", "instanceof", "let",
    "new", "null", "static", "super", "switch", "this", "throw", "typeof", "var", "void", "catch", "interface",
    "package", "private", "public", "protected", "true", "false", "eval", "arguments", "assert", "sum", "len",
    "sorted", "list", "dict", "str", "int", "range", "filter", "reversed", "max", "set", "all",
}  # fmt: skip


def write_code(request: TextRequest) -> str:
    """The program; its length is bounded by the caller. A prompt that names no exercise gets any."""
    chance = Chance("code", request.prompt, request.language, request.seed)
    text = f"{request.system_prompt}\n{request.prompt}"
    if request.language == "sql":
        return _write_sql(text, chance)
    exercise = find_exercise(text) or chance.pick(EXERCISES)
    name = _find_function_name(request.prompt) or chance.pick(exercise.names)
    if request.language == "javascript":
        return _write_javascript(exercise, name, chance)
    return _write_python(exercise, name, chance)


def describe_exercise(exercise: Exercise, chance: Chance) -> str:
    """The task of an exercise in words. It names the function in backquotes, so that a solution can take the name."""
    opening = chance.pick(("Write a function `{f}` that {task}.", "Implement `{f}`, which {task}.",
                           "Your task: a function `{f}` that {task}."))  # fmt: skip
    arguments = _name_arguments(exercise, chance)
    slots = dict(zip("xy", (f"`{argument}`" for argument in arguments), strict=False))
    name = chance.pick(exercise.names)
    text = opening.format(f=name, task=exercise.task.format(**slots))
    example = _make_inputs(exercise, chance)
    call = f"{name}({', '.join(map(repr, example))})"
    ending = chance.pick(("For example, `{call}` gives `{result}`.", "So `{call}` must return `{result}`.", ""))
    return f"{text} {ending.format(call=call, result=repr(exercise.reference(*example)))}".strip()


def _find_function_name(prompt: str) -> str | None:
    found = re.search(r"`([a-z][a-z0-9_]{2,40})`", prompt)
    if found is None or keyword.iskeyword(found[1]) or found[1] in _RESERVED:
        return None
    taken = {argument for options in _ARGUMENTS.values() for argument in options}
    return None if found[1] in taken else found[1]


def _name_arguments(exercise: Exercise, chance: Chance) -> list[str]:
    options = _ARGUMENTS[exercise.inputs[0]]
    if len(exercise.inputs) == 1:
        return [chance.pick(options)]
    return chance.pick((["first", "second"], ["left", "right"], ["one", "other"]))


def _fill(body: str, name: str, arguments: list[str]) -> str:
    """A solution with its names in place."""
    slots = {"F": name, **dict(zip("xy", arguments, strict=False))}
    return re.sub(r"\b[Fxy]\b", lambda found: slots[found[0]], body)


def _write_python(exercise: Exercise, name: str, chance: Chance) -> str:
    arguments = _name_arguments(exercise, chance)
    solution = _fill(chance.pick(exercise.python), name, arguments)
    imported, _, rest = solution.partition("\n\n")
    head = f"{imported}\n\n\n" if rest and imported.startswith("from ") else ""
    body = rest if head else solution
    slots = dict(zip("xy", (f"`{argument}`" for argument in arguments), strict=False))
    doc = exercise.task.format(**slots)
    doc = f'    """{doc[0].upper()}{doc[1:]}."""\n' if chance.below(2) else ""
    lines = "\n".join(f"    {line}" for line in body.splitlines())
    tests = "\n".join(
        f"assert {name}({', '.join(map(repr, inputs))}) == {exercise.reference(*inputs)!r}"
        for inputs in _make_examples(exercise, chance)
    )
    return f"{head}def {name}({', '.join(arguments)}):\n{doc}{lines}\n\n\n{tests}\n"


def _write_javascript(exercise: Exercise, name: str, chance: Chance) -> str:
    words = name.split("_")
    name = words[0] + "".join(word.capitalize() for word in words[1:])
    arguments = _name_arguments(exercise, chance)
    body = _fill(chance.pick(exercise.javascript), name, arguments)
    lines = "\n".join(f"  {line}" for line in body.splitlines())
    form = chance.pick(("function {f}({a}) {{\n{b}\n}}", "const {f} = ({a}) => {{\n{b}\n}};"))
    function = form.format(f=name, a=", ".join(arguments), b=lines)
    tests = "\n".join(
        f"console.assert(JSON.stringify({name}({', '.join(map(json.dumps, inputs))})) === "
        f"JSON.stringify({json.dumps(_as_javascript(exercise.reference(*inputs)))}));"
        for inputs in _make_examples(exercise, chance)
    )
    return f"{function}\n\n{tests}\n"


def _as_javascript(value: Any) -> Any:
    """A whole double is written without a point there."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _write_sql(prompt: str, chance: Chance) -> str:
    query = find_query(prompt) or chance.pick(QUERIES)
    named = [table for table in _TABLES if re.search(rf"\b{table}\b", prompt.lower())]
    table = named[0] if named else chance.pick(list(_TABLES))
    group, number = _TABLES[table]
    count = chance.between(5, 8)
    values = [chance.between(10, 400) for _ in range(count)]
    rows = ",\n".join(f"  ({i + 1}, '{chance.pick(_GROUPS[group])}', {values[i]})" for i in range(count))
    limit = sorted(values)[count // 2] - 1
    slots = {"T": table, "G": group, "N": number, "K": str(limit), "mean_N": f"mean_{number}",
             "total_N": f"total_{number}"}  # fmt: skip

    def fill(text: str) -> str:
        return re.sub(r"\b(?:mean_N|total_N|[TGNK])\b", lambda found: slots[found[0]], text)

    create = f"CREATE TABLE {table} (id INTEGER PRIMARY KEY, {group} TEXT, {number} INTEGER);"
    task = fill(query.task)
    comment = f"-- {task[0].upper()}{task[1:]}.\n" if chance.below(2) else ""
    return f"{create}\nINSERT INTO {table} VALUES\n{rows};\n\n{comment}{fill(chance.pick(query.sql))}\n"


def _make_examples(exercise: Exercise, chance: Chance) -> list[list[Any]]:
    return [_make_inputs(exercise, chance) for _ in range(chance.between(2, 4))]


def _make_inputs(exercise: Exercise, chance: Chance) -> list[Any]:
    if exercise.inputs == ("word", "word") and chance.below(2):
        return list(chance.pick(_ANAGRAMS))
    return [_make_input(kind, chance) for kind in exercise.inputs]


def _make_input(kind: str, chance: Chance) -> Any:
    """An argument of one of the kinds that exercises name."""
    if kind in ("text", "word"):
        return chance.pick(_WORDS)
    if kind == "mirror":
        return chance.pick((*_WORDS[:6], "level", "noon", "kayak", "racecar", "rotor"))
    if kind == "sentence":
        return " ".join(chance.pick(_WORDS[:5]) for _ in range(chance.between(3, 6)))
    if kind == "words":
        return chance.sample(_WORDS, chance.between(2, 5))
    if kind == "lists":
        return [[chance.between(0, 30) for _ in range(chance.between(1, 3))] for _ in range(chance.between(2, 3))]
    if kind == "mapping":
        return {word: chance.pick(_WORDS[10:]) + str(place) for place, word in enumerate(chance.sample(_WORDS[:10], 3))}
    if kind == "small":
        return chance.between(0, 10)
    if kind == "n":
        return chance.between(1, 60)
    spread = 6 if kind == "repeats" else 40
    return [chance.between(0, spread) for _ in range(chance.between(3, 7))]
