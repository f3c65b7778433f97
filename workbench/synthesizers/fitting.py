"""From a real table to a fitted one: what every type of synthesizer has in common is done here once.

Read and profile the table, take the private view of it where privacy is asked for, keep a part for validation, let the
type learn, then measure what it makes.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, overload

import numpy as np
from pydantic import ValidationError

from workbench.columns.streams import derive_key
from workbench.errors import UsageError
from workbench.progress import Progress, Quiet
from workbench.spec.model import SynthesizerConfig
from workbench.spec.problems import suggest
from workbench.synthesizers.fidelity import measure_shares, score_fidelity
from workbench.synthesizers.fitted import FitReport, FittedTable
from workbench.synthesizers.identifiers import learn_shapes
from workbench.synthesizers.profile import RealTable, TableProfile, read_table
from workbench.synthesizers.registry import SYNTHESIZERS, SynthesizerType
from workbench.synthesizers.synthesizer import FitContext, Synthesizer

if TYPE_CHECKING:
    import pandas as pd

    from workbench.synthesizers.sequences.fitted import FittedSequences
    from workbench.synthesizers.types.sequence import SequenceConfig

VALIDATION_SHARE = 0.1
MOST_VALIDATION = 5_000
FEWEST_VALIDATION_ROWS = 200
"""Of fewer rows none are kept apart for validation."""

MEASURED_ROWS = 20_000
"""Rows drawn after the fit, to measure shares and fidelity on."""

MEASURED_CHUNKS = 20
"""No more chunks than this are drawn for it: types that make rows slowly have small chunks."""


@overload
def fit(
    frame: pd.DataFrame,
    type: Literal["sequence"],
    *,
    seed: int = 0,
    progress: Progress | None = None,
    checkpoints: Path | None = None,
    device: str = "auto",
    **settings: Any,
) -> FittedSequences: ...


@overload
def fit(
    frame: pd.DataFrame,
    type: str = "gaussian_copula",
    *,
    seed: int = 0,
    progress: Progress | None = None,
    checkpoints: Path | None = None,
    device: str = "auto",
    **settings: Any,
) -> FittedTable: ...


def fit(
    frame: pd.DataFrame,
    type: str = "gaussian_copula",
    *,
    seed: int = 0,
    progress: Progress | None = None,
    checkpoints: Path | None = None,
    device: str = "auto",
    **settings: Any,
) -> FittedTable | FittedSequences:
    """Fit a synthesizer of `type` to all rows of `frame`; `settings` are the fields of its config.

    With `checkpoints`, a folder, the fit leaves its state there and goes on from it when it is called again. Raises
    UsageError for an unknown type or setting, and for a table that cannot be learned.
    """
    config = read_settings(type, "frame", settings)
    folder = None if checkpoints is None else Path(checkpoints)
    context = FitContext(seed=seed, progress=progress or Quiet(), checkpoints=folder, device=device)
    return fit_config(frame, config, context)


@overload
def fit_config(  # type: ignore[overload-overlap]
    frame: pd.DataFrame, config: SequenceConfig, context: FitContext
) -> FittedSequences: ...


@overload
def fit_config(frame: pd.DataFrame, config: SynthesizerConfig, context: FitContext) -> FittedTable: ...


def fit_config(frame: pd.DataFrame, config: SynthesizerConfig, context: FitContext) -> FittedTable | FittedSequences:
    """Fit the synthesizer of `config` to all rows of `frame`, its columns `config.columns` or all, and `config.given`.

    Raises UsageError for a table that cannot be learned, and StopRequested when asked to stop.
    """
    entry = _find_type(config.type)
    if entry.fit_frame is not None:
        return entry.fit_frame(frame, config, context)
    wanted = None if config.columns is None else list(dict.fromkeys([*config.given, *config.columns]))
    return fit_table(read_table(frame, wanted), config, context)


def read_settings(type: str, source: str, settings: Mapping[str, Any]) -> SynthesizerConfig:
    """The config of a synthesizer. Raises UsageError for an unknown type, and for a setting it lacks or cannot use."""
    entry = _find_type(type)
    known = set(entry.config.model_fields)
    for name in settings:
        if name not in known:
            raise UsageError(f"The synthesizer “{type}” has no setting “{name}”.", suggest(name, known))
    # A spec's columns have names of a pattern that the config insists on; a frame's may be called anything.
    free: dict[str, Any] = {}
    if isinstance(settings.get("label"), str):
        free["label"] = settings["label"]
    if isinstance(settings.get("given"), list) and all(isinstance(name, str) for name in settings["given"]):
        free["given"] = list(settings["given"])
    checked = {name: value for name, value in settings.items() if name not in free}
    try:
        return entry.config.model_validate({"type": type, "source": source, **checked}).model_copy(update=free)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise UsageError(f"The setting “{place}” cannot be used: {first['msg']}.", "Correct it.") from None


def fit_table(table: RealTable, config: SynthesizerConfig, context: FitContext) -> FittedTable:
    """The same for a table that was read and profiled already, all of its columns; the type makes rows one by one."""
    started = time.monotonic()
    entry = _find_type(config.type)
    if entry.fit is None:
        raise UsageError(f"“{config.type}” does not make rows one by one.", "Choose another type, such as ctgan.")
    _check_columns(config, table.profile)
    table, context = _protect(table, config, context)
    learned = find_learned(table.profile)
    if config.label not in learned or table.profile.columns[config.label].levels is None:
        # A constant one has no shares to keep, and one whose values are not public has none that are known.
        config = config.model_copy(update={"label": None})
    identifiers = {
        column.name: learn_shapes(column.levels or (), column.missing, private=config.differential_privacy is not None)
        for column in table.profile.of_role("identifier")
    }
    synthesizer: Synthesizer | None = None
    training = table
    validation: RealTable | None = None
    if learned:
        training, validation = _split(_narrow(table, learned), context)
        context = replace(context, validation=validation)
        left = 0.0 if context.accountant is None else context.accountant.remaining_share
        synthesizer = entry.fit(training, config, context)
        spent = context.accountant is None or context.accountant.remaining_share < left
        if not spent and (len(learned) > 1 or table.profile.columns[learned[0]].levels is None):
            # Whoever learned from the rows without spending anything has not learned privately: nothing is kept of it.
            message = f"The synthesizer “{config.type}” does not learn with differential privacy."
            raise UsageError(message, "Choose gaussian_copula, or take differential_privacy out.")
    profile = forget_identifiers(table.profile)
    report = FitReport(
        type=config.type,
        rows=table.rows - (validation.rows if validation is not None else 0),
        validation_rows=validation.rows if validation is not None else 0,
        columns=len(profile.columns),
        seconds=0.0,
        settings=config.model_dump(mode="json", exclude_defaults=True, exclude={"type", "source"}),
        notes=list(profile.notes),
    )
    fitted = FittedTable(profile, synthesizer, identifiers, report)
    return replace(fitted, report=_measure(fitted, training, validation, context, started))


def forget_identifiers(profile: TableProfile) -> TableProfile:
    """The profile without the texts of identifiers, which no model may keep."""
    columns = {
        name: replace(column, levels=None) if column.role == "identifier" else column
        for name, column in profile.columns.items()
    }
    return replace(profile, columns=columns)


def _find_type(name: str) -> SynthesizerType:
    entry = SYNTHESIZERS.get(name)
    if entry is None:
        raise UsageError(f"There is no synthesizer “{name}”.", suggest(name, SYNTHESIZERS.names()))
    return entry


def _check_columns(config: SynthesizerConfig, profile: TableProfile) -> None:
    for name in config.given:
        if name not in profile.columns:
            raise UsageError(f"There is no column “{name}” to be given.", suggest(name, profile.columns))
    if config.label is None:
        return
    column = profile.columns.get(config.label)
    if column is None:
        message = f"There is no column “{config.label}” to be the label."
        raise UsageError(message, suggest(config.label, profile.columns))
    if column.role == "empty":
        raise UsageError(f"“{config.label}” cannot be the label: it has no value in any row.", "Choose another column.")
    if column.levels is None or column.role == "identifier":
        message = f"“{config.label}” cannot be the label: it has too many different values."
        raise UsageError(message, "Choose a column with few values.")


def _protect(table: RealTable, config: SynthesizerConfig, context: FitContext) -> tuple[RealTable, FitContext]:
    """The private view of the table, if privacy is asked for, and the context with its accountant."""
    privacy = config.differential_privacy
    if privacy is None:
        return table, context
    from workbench.synthesizers.privacy.accounting import PrivacyAccountant
    from workbench.synthesizers.privacy.view import keep_private_view

    accountant = PrivacyAccountant(privacy.max_epsilon, privacy.delta)
    view = keep_private_view(table, privacy, accountant, context.checkpoints)
    return view, replace(context, accountant=accountant)


def find_learned(profile: TableProfile) -> list[str]:
    """The columns that a synthesizer learns: those that are neither constant, empty nor identifiers."""
    return [
        column.name
        for column in profile.of_role("number", "category")
        if column.missing or not (column.is_constant or (column.role == "number" and column.low == column.high))
    ]


def _narrow(table: RealTable, names: list[str]) -> RealTable:
    columns = {name: table.profile.columns[name] for name in names}
    return RealTable(replace(table.profile, columns=columns), {name: table.columns[name] for name in names})


def _split(table: RealTable, context: FitContext) -> tuple[RealTable, RealTable | None]:
    """Rows to learn from and rows to validate on, at random. A private fit looks at no row beside its accountant."""
    if table.rows < FEWEST_VALIDATION_ROWS or context.accountant is not None:
        return table, None
    generator = np.random.Generator(np.random.Philox(key=derive_key(context.seed, "validation")))
    order = generator.permutation(table.rows)
    held = min(round(table.rows * VALIDATION_SHARE), MOST_VALIDATION)
    return table.take(np.sort(order[held:])), table.take(np.sort(order[:held]))


def _measure(
    fitted: FittedTable, training: RealTable, validation: RealTable | None, context: FitContext, started: float
) -> FitReport:
    """The report with what the fitted table makes measured. A private one is measured against its private profile."""
    count = min(max(training.rows, 2_000), MEASURED_ROWS, MEASURED_CHUNKS * fitted.chunk_rows)
    made = fitted.draw_rows(np.arange(count, dtype=np.int64), {}, (context.seed, "measure"))
    accountant = context.accountant
    fidelity: dict[str, float] = {}
    if accountant is None and fitted.synthesizer is not None:
        profile, real = fitted.synthesizer.profile, training if validation is None else validation
        fidelity = score_fidelity(profile, real.columns, made).as_json()
        if validation is not None:
            # What real rows reach beside the same few rows: no synthesizer can be expected to do better.
            fidelity["real_rows"] = score_fidelity(profile, validation.columns, training.columns).as_json()["score"]
    figures: Mapping[str, Any] = {} if fitted.synthesizer is None else fitted.synthesizer.describe()
    return replace(
        fitted.report,
        seconds=round(time.monotonic() - started, 3),
        fidelity=fidelity,
        shares=measure_shares(fitted.profile, made),
        epsilon=None if accountant is None else accountant.epsilon,
        delta=None if accountant is None else accountant.delta,
        accounting="" if accountant is None else accountant.describe(),
        figures={**context.figures, **figures},
    )
