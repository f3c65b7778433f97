"""One column of a real table as a column of a spec: what it is, how its values are spread, and what must not be told.

What must not be told: values that fewer than MIN_ROWS rows have, the least and the greatest number, and anything of a
column that is likely personal data. Values come from a file and are untrusted: they are cleaned before they are kept.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from workbench.files import clean_text
from workbench.importing.dates import describe_dates, read_dates
from workbench.importing.draft import DraftItem
from workbench.importing.known_types import choose_fields
from workbench.importing.naming import split_words
from workbench.importing.numbers import fit_numbers
from workbench.importing.patterns import find_form, find_running_number
from workbench.importing.personal import find_personal, is_birth_date

if TYPE_CHECKING:
    import pandas as pd

MIN_ROWS = 5
"""A value that fewer rows have could point at a person, and is left out."""

OTHER = "other"
_MOST_VALUES = 40
_LONGEST_VALUE = 100
_COVERED = 0.5
_FEW_NUMBERS = 12
_GOOD_FIT = 0.02
_LOOKED_AT = 2_000
_UUID = r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"
_ID_WORDS = {"id", "uid", "uuid", "guid", "key", "no", "nr", "code", "number", "index", "rowid", "pk"}
_HINTS = {
    "city": "city", "town": "city", "ort": "city", "stadt": "city", "company": "company", "employer": "company",
    "firma": "company", "merchant": "company", "country": "country", "land": "country", "job": "job",
    "occupation": "job", "beruf": "job", "url": "url", "website": "url", "domain": "domain_name", "state": "state",
    "currency": "currency_code", "colour": "color_name", "color": "color_name",
}  # fmt: skip

Role = Literal["key", "category", "number", "date", "personal", "text", "empty"]


@dataclass(slots=True)
class InferredColumn:
    """The column of the spec and its role. `values` are the real ones as the spec would show them, row by row.

    A category's rare values are None or “other” there, a number's are floats, a date's are moments.
    """

    item: DraftItem
    role: Role
    values: pd.Series[Any]
    rare: int = 0

    @property
    def name(self) -> str:
        """The column's name in the spec."""
        return str(self.item.fields["name"])


def infer_column(name: str, title: str, series: pd.Series[Any], *, unique: bool) -> InferredColumn:
    """The column `name` of a spec for the values of `series`, which the file calls `title`.

    `unique` says that no value is missing and none stands in the whole file twice.
    """
    import pandas as pd
    from pandas.api import types

    if types.is_datetime64_any_dtype(series.dtype):
        moments = series.dt.tz_convert(None) if getattr(series.dtype, "tz", None) is not None else series
        inferred = _infer_dates(name, title, moments, "")
    elif types.is_bool_dtype(series.dtype):
        inferred = _infer_booleans(name, series)
    elif types.is_numeric_dtype(series.dtype):
        numbers = pd.Series(series.to_numpy(np.float64, na_value=np.nan), index=series.index)
        inferred = _infer_numbers(name, title, numbers, unique=unique)
    else:
        inferred = _infer_objects(name, title, series, unique=unique)
    if title != name:
        inferred.item.comments.insert(0, f"“{title[:80]}” in the file")
    return inferred


def write_shares(counts: Sequence[tuple[Any, int]]) -> dict[Any, float]:
    """Value to share of the counted rows, to four digits after the point, none of them 0."""
    total = sum(count for _, count in counts)
    return {value: max(round(count / total, 4), 0.0001) for value, count in counts}


def _infer_objects(name: str, title: str, series: pd.Series[Any], *, unique: bool) -> InferredColumn:
    """Texts, and what pandas keeps as objects: nulls alone, dates without a time, mixed and very large numbers."""
    import pandas as pd

    present = series.dropna()
    if not len(present):
        fields = {"name": name, "type": "category", "values": ["unknown"], "missing": 1.0}
        return InferredColumn(DraftItem(fields, ["no row of the file has a value"]), "empty", series)
    kinds = {type(value) for value in present}
    if kinds <= {bool, np.bool_}:
        return _infer_booleans(name, series)
    texts = present.map(lambda value: clean_text(str(value)))
    texts = texts[texts.str.strip() != ""]
    if not len(texts):
        return _infer_objects(name, title, series.where(pd.Series(False, index=series.index)), unique=False)
    if not any(issubclass(kind, str) for kind in kinds):
        numbers = pd.to_numeric(texts, errors="coerce")
        if numbers.notna().all():
            return _infer_numbers(name, title, numbers.reindex(series.index).astype("float64"), unique=unique)
    return _infer_texts(name, title, texts, len(series), unique=unique, index=series.index)


def _infer_texts(
    name: str, title: str, texts: pd.Series[Any], rows: int, *, unique: bool, index: Any
) -> InferredColumn:
    missing = _missing(len(texts), rows)
    sample = texts.iloc[:_LOOKED_AT].tolist()
    personal = find_personal(title, sample)
    if personal is not None:
        fields = choose_fields(name, personal.as_fields() | missing, {"type": "faker", "method": "word"} | missing)
        return InferredColumn(DraftItem(fields, [f"likely personal data: {personal.what}"]), "personal", texts)
    lower = texts.str.lower()
    if lower.isin(["true", "false"]).all():
        return _infer_booleans(name, (lower == "true").reindex(index))
    dates = read_dates(texts)
    if dates is not None:
        return _infer_dates(name, title, dates[0].reindex(index), dates[1])
    if texts.str.fullmatch(_UUID).all():
        fields = choose_fields(name, {"type": "uuid"} | missing, {"type": "uuid"}, {"type": "faker", "method": "uuid4"})
        return InferredColumn(DraftItem(fields), "key" if unique else "text", texts)
    if unique:
        pattern = find_running_number(sample)
        if pattern is not None and find_running_number(texts.tolist()) == pattern:
            return InferredColumn(DraftItem({"name": name, "type": "id", "pattern": pattern}), "key", texts)
    category = _infer_category(name, texts, rows, index)
    if category is not None:
        return category
    form = find_form(sample)
    if form is not None:
        letters = {"letters": "ABCDEFGHIJKLMNOPQRSTUVWXYZ"} if form.bothify == form.bothify.upper() else {}
        ways = [{"type": "text_pattern", key: form.regex} | missing for key in ("pattern", "regex")]
        faker = {"type": "faker", "method": "bothify", "args": {"text": form.bothify, **letters}} | missing
        if set(form.bothify) == {"^"}:
            faker["method"], faker["args"] = "hexify", {"text": form.bothify}
        comments = [] if form.share == 1 else [f"{1 - form.share:.1%} of the values have another form"]
        return InferredColumn(
            DraftItem(choose_fields(name, *ways, faker), comments), "key" if unique and not missing else "text", texts
        )
    return _infer_free_text(name, title, texts, missing)


def _infer_free_text(name: str, title: str, texts: pd.Series[Any], missing: dict[str, Any]) -> InferredColumn:
    words = max(1, int(np.median([len(str(text).split()) for text in texts])))
    args: dict[str, Any] = {}
    hint = next((_HINTS[word] for word in split_words(title) if word in _HINTS), None)
    if hint is not None and words <= 6:
        method, comment = hint, "many different values: invented ones of the same sort"
    elif words == 1:
        method, comment = "word", "many different values: they are replaced by words that mean nothing"
    else:
        method, args = "sentence", {"nb_words": min(words, 60)}
        comment = "free text: these words mean nothing; a column of type llm_text writes ones that do"
    faker = {"type": "faker", "method": method} | ({"args": args} if args else {}) | missing
    return InferredColumn(DraftItem({"name": name, **faker}, [comment]), "text", texts)


def _infer_category(name: str, texts: pd.Series[Any], rows: int, index: Any) -> InferredColumn | None:
    """The frequent values with their shares, what is left as “other”; None where they are too many or too rare."""
    counts = texts.value_counts()
    frequent = counts[counts >= MIN_ROWS]
    listed = (
        frequent[frequent.index.str.len() <= _LONGEST_VALUE].sort_index().sort_values(ascending=False, kind="stable")
    )
    listed = listed.iloc[:_MOST_VALUES]
    if not len(listed) or listed.sum() < _COVERED * len(texts):
        return None
    rare, left = len(counts) - len(listed), int(len(texts) - listed.sum())
    comments = []
    kept = [(str(value), int(count)) for value, count in listed.items()]
    lump = left >= MIN_ROWS and left > 0.02 * len(texts)
    if rare:
        fewer = len(counts) - len(frequent)
        reason = (
            f"{fewer} of them in fewer than {MIN_ROWS} rows each"
            if fewer < rare
            else f"in fewer than {MIN_ROWS} rows each"
        )
        comments.append(f"{rare} more values, {reason}, are {'put together as “other”' if lump else 'left out'}")
    if lump:
        merged = dict(kept)
        merged[OTHER] = merged.get(OTHER, 0) + left
        kept = list(merged.items())
    values = texts.where(texts.isin(listed.index), OTHER if lump else None).reindex(index)
    fields: dict[str, Any] = {"name": name, "type": "category", "values": write_shares(kept)}
    return InferredColumn(DraftItem(fields | _missing(len(texts), rows), comments), "category", values, rare)


def _infer_booleans(name: str, series: pd.Series[Any]) -> InferredColumn:
    present = series.dropna().astype(bool)
    p = round(float(present.mean()), 4) if len(present) else 0.5
    fields = {"name": name, "type": "bernoulli", "p": p} | _missing(len(present), len(series))
    return InferredColumn(DraftItem(fields), "category" if 0 < p < 1 else "text", series.astype(object))


def _infer_dates(name: str, title: str, series: pd.Series[Any], words: str) -> InferredColumn:
    present = series.dropna()
    if not len(present):
        return _infer_objects(name, title, series.astype(object), unique=False)
    comments = [f"written as {words} in the file"] if words else []
    if is_birth_date(title):
        comments.insert(0, "likely personal data: date of birth")
    try:
        fields = {"name": name, **describe_dates(present)} | _missing(len(present), len(series))
    except ValueError:
        fields = {"name": name, "type": "category", "values": ["unknown"]}
        return InferredColumn(DraftItem(fields, ["dates beyond the year 9999 are left out"]), "text", series)
    return InferredColumn(DraftItem(fields, comments), "date", series)


def _infer_numbers(name: str, title: str, series: pd.Series[Any], *, unique: bool) -> InferredColumn:
    values = series.to_numpy(np.float64)
    finite = series[np.isfinite(values)]
    comments = []
    infinite = int(np.isinf(values).sum())
    if infinite:
        comments.append(f"{infinite} infinite values are taken as missing")
    if not len(finite):
        return _infer_objects(name, title, series.where(series.isna()).astype(object), unique=False)
    missing = _missing(len(finite), len(series))
    numbers = finite.to_numpy(np.float64)
    whole = bool((np.floor(numbers) == numbers).all() and np.abs(numbers).max() < 2.0**63)
    if whole:
        personal = find_personal(title, [str(int(number)) for number in numbers[:_LOOKED_AT]])
        if personal is not None:
            fields = choose_fields(name, personal.as_fields() | missing)
            return InferredColumn(DraftItem(fields, [f"likely personal data: {personal.what}"]), "personal", finite)
        if unique and not missing and _is_running(title, numbers):
            return InferredColumn(DraftItem({"name": name, "type": "id"}), "key", finite)
    fit = fit_numbers(numbers)
    if whole:
        category = _infer_few_numbers(name, finite, series, fit.distance, comments)
        if category is not None:
            return category
    if fit.bad:
        comments.append(f"no distribution known here fits well; the nearest is {fit.distance:.2f} off (KS)")
    return InferredColumn(
        DraftItem({"name": name, **fit.fields} | missing, comments), "number", series.where(np.isfinite(values))
    )


def _infer_few_numbers(
    name: str, finite: pd.Series[Any], series: pd.Series[Any], distance: float, comments: list[str]
) -> InferredColumn | None:
    """Few different whole numbers as a category, unless a distribution of counts describes them as well."""
    counts = finite.value_counts().sort_index()
    frequent = counts[counts >= MIN_ROWS]
    if len(counts) > 2 and distance < _GOOD_FIT + 0.5 / math.sqrt(len(finite)):
        return None
    if len(counts) > _FEW_NUMBERS or frequent.sum() < 0.95 * len(finite):
        return None
    rare = len(counts) - len(frequent)
    if rare:
        comments.append(f"{rare} more values, in fewer than {MIN_ROWS} rows each, are left out")
    fields: dict[str, Any] = {"name": name, "type": "category"}
    fields["values"] = write_shares([(int(float(str(value))), int(count)) for value, count in frequent.items()])
    values = finite[finite.isin(frequent.index)].astype("int64").astype(object).reindex(series.index)
    return InferredColumn(DraftItem(fields | _missing(len(finite), len(series)), comments), "category", values, rare)


def _is_running(title: str, numbers: np.ndarray[Any, Any]) -> bool:
    """Whether different whole numbers only count the rows: without gaps, or by the name of the column."""
    dense = len(numbers) >= MIN_ROWS and numbers.max() - numbers.min() < 1.5 * len(numbers)
    named = bool(split_words(title)) and split_words(title)[-1] in _ID_WORDS
    return named or (dense and bool((np.diff(numbers) > 0).all()))


def _missing(present: int, rows: int) -> dict[str, Any]:
    """`missing:` with the share of rows without a value, nothing where there is none."""
    return {} if present == rows else {"missing": min(max(round(1 - present / rows, 4), 0.0001), 1.0)}
