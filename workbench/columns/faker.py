"""`faker`: names, addresses, companies and all else that the Faker library makes, in its languages.

Most of Faker's methods pick from lists by a pattern: these are compiled (see `faker_compiler`) and made for whole
columns. Faker itself makes the others, row by row. Either way it is Faker's lists and weights that decide. Methods
that look at today's date are refused, since the same spec would give other rows tomorrow.
"""

from __future__ import annotations

import datetime
import inspect
import json
import re
from collections.abc import Callable
from decimal import Decimal
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from pydantic import Field

from workbench.columns.column_type import Maker, Row, TableContext, register
from workbench.columns.faker_compiler.row_calls import call_rows, load_generator, probe
from workbench.columns.faker_compiler.trees import Node, make_texts
from workbench.columns.sampling import SamplerConfig, drop_missing
from workbench.columns.streams import Draws
from workbench.columns.values import DTYPES, Kind, Values, make_text_array
from workbench.spec.problems import suggest

if TYPE_CHECKING:
    from faker import Generator

_TIMELESS = {"century", "pytimezone", "timezone"}
_DATED = {"credit_card_expire", "credit_card_full", "passport_dates", "passport_dob", "passport_full", "profile",
          "simple_profile"}  # fmt: skip
_SIZES = re.compile(r"nb|chars|length|count|size|digits|rows|columns", re.IGNORECASE)
_LARGEST_SIZE = 10_000
_PROBES = 32
_KINDS: dict[tuple[str, str, str], Kind] = {}
"""What methods were found to give: asking costs some milliseconds, and a preview compiles its spec at each key."""


class FakerConfig(SamplerConfig):
    """A value of the Faker library: a name, an address, a company, a sentence."""

    type: Literal["faker"]
    method: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,60}$")] = Field(
        description="Faker's method, for instance name, company, email, street_address"
    )
    locale: Annotated[str, Field(pattern=r"^[a-z]{2,3}(_[A-Z][A-Za-z]{1,3})?$")] = Field(
        "en_US", description="Language and country, for instance de_DE"
    )
    args: dict[str, Any] = Field(default_factory=dict, description="Named arguments of the method")


def make(config: FakerConfig, context: TableContext) -> Maker:
    """The method compiled, or called per row. Its type is that of some first values, mixed ones become texts."""
    generator = load_generator(config.locale)
    call = _find_method(generator, config)
    known = (config.locale, config.method, repr(config.args))
    kind = _KINDS.get(known)
    if kind is None:
        try:
            kind = _find_kind(probe(generator, call, config.args, _PROBES))
        except Exception as error:  # a method of a third party with arguments of the user may raise anything
            raise ValueError(f"Faker's {config.method} does not work with these args: {error}") from None
        _KINDS[known] = kind

    tree = read_tree(config.locale, config.method, _Args(config.args)) if kind == "string" else None
    if tree is None:
        return Maker(kind, partial(_make_values, config, kind, partial(call_rows, generator, call, config.args)))

    def pick(draws: Draws, inputs: Row) -> Values:
        return drop_missing(config, draws, make_texts(tree, draws))

    return Maker(kind, pick)


class _Args(dict[str, Any]):
    """Named arguments that can be looked up in a cache."""

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(repr(self))


@lru_cache(maxsize=256)
def read_tree(locale: str, method: str, args: _Args) -> Node | None:
    """The tree of a method, None where Faker has to be asked. Kept, since a preview compiles its spec at each key."""
    from workbench.columns.faker_compiler.reading import read_method

    return read_method(load_generator(locale), method, args)


def _make_values(
    config: FakerConfig, kind: Kind, draw: Callable[[list[int]], list[Any]], draws: Draws, inputs: Row
) -> Values:
    found = [_convert(value, kind) for value in draw(draws.bits().tolist())]
    valid = np.array([value is not None for value in found], np.bool_)
    if kind == "string":
        data = make_text_array([value or "" for value in found])
    else:
        data = np.array([0 if value is None else value for value in found], DTYPES[kind])
    return drop_missing(config, draws, data, None if valid.all() else valid)


def _find_method(generator: Generator, config: FakerConfig) -> Callable[..., Any]:
    """The method, if it is a provider's, takes these arguments and does not depend on today's date."""
    method, args = config.method, config.args
    providers = [p for p in generator.get_providers() if callable(getattr(p, method, None))]
    if not providers:
        known = {name for p in generator.get_providers() for name in dir(p) if not name.startswith("_")}
        raise ValueError(f"Faker has no method “{method}”. {suggest(method, known)}".strip())
    call: Callable[..., Any] = getattr(generator, method)
    parameters = inspect.signature(call).parameters
    for name, value in args.items():
        if name not in parameters:
            raise ValueError(f"Faker's {method} has no argument “{name}”. {suggest(name, parameters)}".strip())
        if _SIZES.search(name) and isinstance(value, (int, float)) and value > _LARGEST_SIZE:
            raise ValueError(f"the argument {name} may be at most {_LARGEST_SIZE:,}")
    if method in _DATED or (_is_about_time(providers[0], method) and not _has_fixed_dates(parameters, args)):
        raise ValueError(
            f"Faker's {method} depends on today's date, so the same spec would give other rows tomorrow; "
            "use the type datetime, or give its start and end as dates"
        )
    return call


def _is_about_time(provider: object, method: str) -> bool:
    owner = next((c for c in type(provider).__mro__ if method in vars(c)), type(provider))
    return owner.__module__.startswith("faker.providers.date_time") and method not in _TIMELESS


def _has_fixed_dates(parameters: Any, args: dict[str, Any]) -> bool:
    ends = [name for name in parameters if name.startswith(("start", "end"))]
    return len(ends) == 2 and all(isinstance(args.get(name), datetime.date) for name in ends)


def _find_kind(probes: list[Any]) -> Kind:
    kinds = {_kind_of(value) for value in probes if value is not None}
    if kinds == {"int64", "double"}:
        return "double"
    return kinds.pop() if len(kinds) == 1 else "string"


def _kind_of(value: Any) -> Kind:
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int):
        return "int64" if abs(value) < 2**63 else "string"
    if isinstance(value, (float, Decimal)):
        return "double"
    return "timestamp" if isinstance(value, datetime.date) else "string"


def _convert(value: Any, kind: Kind) -> Any:
    if value is None:
        return None
    if kind == "string":
        return value if type(value) is str else _write(value)
    if kind == "timestamp":
        naive = value.replace(tzinfo=None) if isinstance(value, datetime.datetime) else value
        return np.datetime64(naive, "us")
    if kind == "double":
        return float(value)
    return value if _kind_of(value) == kind else None


def _write(value: Any) -> str:
    if isinstance(value, (list, tuple, dict, set)):
        plain = sorted(value, key=str) if isinstance(value, set) else value
        return json.dumps(plain, ensure_ascii=False, default=str)
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


register(FakerConfig, make, group="samplers", example="{name: merchant, type: faker, method: company, locale: de_DE}")
