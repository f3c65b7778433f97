"""What a synthesizer is: a config that is data, a function that fits it to a real table, and what comes of that.

A type's module registers itself with `register` when it is imported; `registry` imports them all. Other packages
give a `SynthesizerType` by an entry point of the group `workbench.synthesizers`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from workbench.columns.values import Values
from workbench.progress import Progress, Quiet
from workbench.spec.model import SynthesizerConfig
from workbench.spec.registry import Registry
from workbench.synthesizers.profile import RealTable, TableProfile

if TYPE_CHECKING:
    import pandas as pd

    from workbench.synthesizers.privacy.accounting import PrivacyAccountant
    from workbench.synthesizers.sequences.fitted import FittedSequences

Conditions = Mapping[str, Values]
Made = dict[str, Values]
Arrays = dict[str, NDArray[Any]]


class Synthesizer(ABC):
    """A model fitted to a table. It is read only: any number of processes may draw from the same one.

    `chunk_rows` rows are always computed together, from one generator, so that a row does not depend on how many are
    asked for; it is a constant of the fitted model.
    """

    type: ClassVar[str]
    chunk_rows: int = 1024

    def __init__(self, profile: TableProfile) -> None:
        self.profile = profile

    @abstractmethod
    def draw(self, generator: np.random.Generator, count: int, conditions: Conditions) -> Made:
        """`count` rows, each column of the profile with shape (count,), drawn given what `conditions` fixes.

        Every value of a condition stands in the result as it is, null too; the other columns are drawn from their
        distribution given these, never by rejection. What is drawn depends on `generator`'s state, `count` and
        `conditions` alone. A condition holds values that the column can have (`conditions.check_conditions`).
        """

    @abstractmethod
    def get_state(self) -> tuple[dict[str, Any], Arrays]:
        """All that `restore` needs beside the profile: plain values ready for JSON, and arrays."""

    @classmethod
    @abstractmethod
    def restore(cls, profile: TableProfile, state: Mapping[str, Any], arrays: Arrays) -> Synthesizer:
        """The fitted model again. Raises KeyError or ValueError where the state is not one of this type."""

    def describe(self) -> dict[str, Any]:
        """What a reader of the report should know of the fit, ready for JSON, for instance each marginal's family."""
        return {}


@dataclass(frozen=True, slots=True)
class FitContext:
    """What a fit is given beside the table and its config.

    `validation` are real rows that are not learned from, None where there are too few to keep any apart; a fit uses
    them to stop early and to keep its best weights. `checkpoints` is a folder of the fit's own, which it leaves its
    state in from time to time and goes on from when it finds it there; None: nothing is kept. `device` is a name that
    torch knows, or `auto`. `accountant` is there where the fit must be differentially private: everything that is
    learned from the table beyond its profile (which is private already) is accounted for with it.
    """

    seed: int = 0
    progress: Progress = field(default_factory=Quiet)
    validation: RealTable | None = None
    checkpoints: Path | None = None
    device: str = "auto"
    accountant: PrivacyAccountant | None = None
    figures: dict[str, Any] = field(default_factory=dict)
    """Filled by the fit, for the report: steps, best step, validation score, and what else it measured."""


Fit = Callable[[RealTable, Any, FitContext], Synthesizer]
FitFrame = Callable[["pd.DataFrame", Any, FitContext], "FittedSequences"]


@dataclass(frozen=True, slots=True)
class SynthesizerType:
    """`fit(table, config, context)` learns; `load()` gives the class whose `restore` reads what was stored.

    A type whose rows are not made one by one has `fit_frame` in their place, which is given the whole frame. `neural`
    types take minutes and a checkpoint, others seconds. A fit raises UsageError for a table it cannot learn, and
    StopRequested, its checkpoint written, when asked to stop.
    """

    name: str
    config: type[SynthesizerConfig]
    fit: Fit | None
    load: Callable[[], type[Synthesizer]] | None
    summary: str
    example: str
    neural: bool = True
    fit_frame: FitFrame | None = None


SYNTHESIZERS: Registry[SynthesizerType] = Registry("workbench.synthesizers")


def register(
    config: type[SynthesizerConfig],
    fit: Fit | None,
    load: Callable[[], type[Synthesizer]] | None,
    *,
    example: str,
    neural: bool = True,
    fit_frame: FitFrame | None = None,
) -> SynthesizerType:
    """Add a type under the name of its config's `type`; its summary is the first line of the config's doc."""
    name = str(config.model_fields["type"].annotation.__args__[0])  # type: ignore[union-attr]
    summary = (config.__doc__ or "").strip().splitlines()[0]
    return SYNTHESIZERS.add(name, SynthesizerType(name, config, fit, load, summary, example, neural, fit_frame))
