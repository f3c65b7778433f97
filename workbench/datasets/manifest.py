"""What a dataset says of itself: `manifest.json`, written last, so that a folder with one is a whole dataset.

It holds all that is needed to make the rows again (spec, seed, versions) and to judge them (what was rejected, what
was asked of scenarios against what came out), and it states that the content is synthetic.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, computed_field

from workbench.errors import UsageError, WorkbenchError

MANIFEST = "manifest.json"
CARD = "README.md"
DATA = "data"
SPLITS = "splits"
EXPORTS = "exports"
MEDIA = "media"
PROVENANCE = "provenance"
COUNTERFACTUALS = "counterfactuals"
CROISSANT = "croissant.json"
FAILURES = "failures.jsonl"
NOT_STATED = "not stated"


class _Record(BaseModel):
    """A part of the manifest. Fields added by later versions are kept out of the way, not refused."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class ColumnRecord(_Record):
    """A column: its Arrow type, how it was made (its part of the spec), and how many of its values are null."""

    name: str
    type: str
    recipe: dict[str, Any]
    nulls: int = 0


class ScenarioRecord(_Record):
    """A scenario: the share and rows asked for, and the rows that the dataset has."""

    name: str
    share: float
    asked: int
    achieved: int


class ForeignKeyRecord(_Record):
    """A column that holds primary keys of `table`."""

    column: str
    table: str


class CellRecord(_Record):
    """One combination of values, in the order of the balance's columns, with its rows asked for and there."""

    values: list[Any]
    asked: int
    achieved: int


class BalanceRecord(_Record):
    """The quotas over one or several columns."""

    columns: list[str]
    cells: list[CellRecord]


class ParityRecord(_Record):
    """How far the rates of `outcome` may differ between the values of `across`, and how far they do."""

    outcome: str
    across: str
    max_gap: float
    achieved_gap: float


class TableRecord(_Record):
    """`asked` rows were tried; `rows` are there, and `rejected` counts the others by reason.

    `redrawn` counts the rows that were drawn again to differ from earlier ones, by rule. `recorded` are the fields of
    its files of provenance, if it has any.
    """

    rows: int
    asked: int
    primary_key: str | None = None
    columns: list[ColumnRecord]
    rejected: dict[str, int] = Field(default_factory=dict)
    redrawn: dict[str, int] = Field(default_factory=dict)
    scenarios: list[ScenarioRecord] = Field(default_factory=list)
    foreign_keys: list[ForeignKeyRecord] = Field(default_factory=list)
    balance: list[BalanceRecord] = Field(default_factory=list)
    parity: list[ParityRecord] = Field(default_factory=list)
    recorded: list[str] = Field(default_factory=list)


class FileRecord(_Record):
    """A file of rows of a table, its path relative to the dataset's folder with “/”."""

    path: str
    table: str
    rows: int
    bytes: int
    sha256: str


class CounterfactualRecord(FileRecord):
    """A file of rows (row, value, text) that were made once for each value of `swap`; `text` is that of `column`.

    `rows` are those of the file. `digest` is over all that decides them.
    """

    column: str
    swap: str
    digest: str


class ExtraRecord(_Record):
    """A file beside the data: a split, an export, media, `croissant.json`."""

    path: str
    bytes: int
    sha256: str


class SourceRecord(_Record):
    """Real data that the spec names: where it comes from and under which licence, as far as that is stated.

    `sha256` is that of the file, or of the canonical CSV of a packaged table. `third_party` tells that a package ships
    it; other files are the user's own.
    """

    origin: str
    licence: str
    sha256: str | None = None
    rows: int | None = None
    third_party: bool = False


class ModelRecord(_Record):
    """A generative model that columns wrote with, and what its answers took.

    `calls` were made for this dataset by the run that published it, `reused` answers were in the store already; tokens
    and `cost_usd` are those of both together, `paid_usd` what that run paid. `cost_usd` is None where no price is
    known; `price` says where the price comes from. `failed` counts the rows without an answer by their cause.
    """

    provider: str
    model: str = NOT_STATED
    revision: str = NOT_STATED
    licence: str = NOT_STATED
    details: dict[str, Any] = Field(default_factory=dict)
    calls: int = 0
    reused: int = 0
    retried: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    images: int = 0
    characters: int = 0
    cost_usd: float | None = None
    paid_usd: float = 0.0
    price: str = NOT_STATED
    failed: dict[str, int] = Field(default_factory=dict)


class SynthesizerRecord(_Record):
    """A model fitted to real data that made columns of a table.

    `rows` of the source were learned from and `validation_rows` kept apart. `fidelity` holds scores from 0 to 1 against
    the latter, `shares` for each category the relative error of its rarest level's share. `epsilon` at `delta` is the
    privacy that was spent, None where nothing was promised, `accounting` how it was counted. `sha256` is over the
    model's files.
    """

    type: str
    source: str
    key: str
    sha256: str
    seed: int
    rows: int
    validation_rows: int = 0
    columns: int = 0
    seconds: float = 0.0
    settings: dict[str, Any] = Field(default_factory=dict)
    notes: list[str] = Field(default_factory=list)
    fidelity: dict[str, float | None] = Field(default_factory=dict)
    shares: dict[str, dict[str, Any]] = Field(default_factory=dict)
    epsilon: float | None = None
    delta: float | None = None
    accounting: str = ""
    figures: dict[str, Any] = Field(default_factory=dict)

    def describe_scores(self) -> str:
        """The scores of fidelity in one line, empty where there are none."""
        return ", ".join(f"{name} {value:.3f}" for name, value in self.fidelity.items() if value is not None)

    def find_rarest(self, most: int) -> list[tuple[str, dict[str, Any]]]:
        """The categories whose rarest value is rarest, at most `most`: each with its level, real and made share."""
        found = [(name, share["rarest"]) for name, share in self.shares.items() if share.get("rarest")]
        return sorted(found, key=lambda each: float(each[1]["real"]))[:most]


class CheckRecord(_Record):
    """What one check of a quality report said of a table, with its figures as far as it has them."""

    name: str
    table: str
    group: str
    verdict: str
    value: float | None = None
    reference: float | None = None
    threshold: float | None = None


class QualityRecord(_Record):
    """The outcome of the quality report: `verdict` is the worst of the checks. `digest` says what it is about."""

    verdict: str
    made: str
    digest: dict[str, Any]
    checks: list[CheckRecord] = Field(default_factory=list)


class WaiverRecord(_Record):
    """A check that somebody decided to do without, for the data and the spec with these SHA-256 alone."""

    check: str
    reason: str
    by: str
    at: str
    data: str
    spec: str

    def describe(self) -> str:
        """The waiver in one line."""
        return f"{self.check} waived by {self.by} on {self.at[:10]}: {self.reason}"


class Manifest(_Record):
    """`manifest.json`. `fingerprint` is the SHA-256 of all that decides the rows; its first digits are the version.

    `failed` counts rows without an answer of a model as “table.column: cause”; `failures.jsonl` names each.
    `synthesizers` are the fitted models by table.
    `splits` maps table to split to rows; `extras` are the files that `finish_dataset` wrote from the rows. `quality` is
    what the last report said, of this spec or of an earlier one of the same rows.
    `provenance` are files with a row for each row of a data file, which say what that was made from, `counterfactuals`
    those of rows that were made once for each value of a column. `generation` is 0 where no model of the spec was tuned
    on synthetic rows, else one more than the highest of the datasets that its models were tuned on; `own_output` tells
    that all that models wrote, and nothing real, is from such models.
    """

    format: Literal[1] = 1
    synthetic: Literal[True] = True
    name: str
    version: str
    fingerprint: str
    description: str = ""
    seed: int
    spec: str
    spec_folder: str
    tables: dict[str, TableRecord]
    files: list[FileRecord]
    provenance: list[FileRecord] = Field(default_factory=list)
    counterfactuals: list[CounterfactualRecord] = Field(default_factory=list)
    generation: int = 0
    own_output: bool = False
    rejected: dict[str, int]
    sources: dict[str, SourceRecord] = Field(default_factory=dict)
    models: dict[str, ModelRecord] = Field(default_factory=dict)
    synthesizers: dict[str, SynthesizerRecord] = Field(default_factory=dict)
    failed: dict[str, int] = Field(default_factory=dict)
    splits: dict[str, dict[str, int]] = Field(default_factory=dict)
    extras: list[ExtraRecord] = Field(default_factory=list)
    quality: QualityRecord | None = None
    waivers: list[WaiverRecord] = Field(default_factory=list)
    versions: dict[str, str]
    created: str
    seconds: float

    @computed_field  # type: ignore[prop-decorator]
    @property
    def spec_sha256(self) -> str:
        """SHA-256 (hex) of the spec as it is written."""
        return hashlib.sha256(self.spec.encode()).hexdigest()

    @property
    def reference(self) -> str:
        """`name@version`."""
        return f"{self.name}@{self.version}"

    def as_text(self) -> str:
        """The file's content: indented JSON."""
        return json.dumps(self.model_dump(mode="json"), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def read_manifest(folder: Path) -> Manifest:
    """The manifest in `folder`. Raises UsageError if there is none, WorkbenchError if it is damaged."""
    path = folder / MANIFEST
    try:
        return Manifest.model_validate_json(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        raise UsageError(f"{folder} holds no dataset.", f"A dataset is a folder with a {MANIFEST}.") from None
    except (ValidationError, ValueError) as error:
        raise WorkbenchError(f"{path} is damaged.", "Generate the dataset again.") from error
    except OSError as error:
        raise WorkbenchError(f"{path} cannot be read: {error.strerror}.", "Check its permissions.") from error


def find_damage(folder: Path, manifest: Manifest, *, thorough: bool = False) -> str | None:
    """What is wrong with the data files of a dataset, or None. Compares sizes, and contents if `thorough`."""
    return _find_damage(folder, [*manifest.files, *manifest.provenance], thorough)


def find_damaged_extra(folder: Path, manifest: Manifest) -> str | None:
    """What is wrong with the size of a file that was made from the data, or None. `finish_dataset` makes them anew."""
    return _find_damage(folder, manifest.extras, thorough=False)


def hash_file(path: Path) -> str:
    """SHA-256 (hex) of a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _find_damage(folder: Path, records: Sequence[FileRecord | ExtraRecord], thorough: bool) -> str | None:
    for record in records:
        path = folder / record.path
        try:
            if path.stat().st_size != record.bytes:
                return f"{record.path} has {path.stat().st_size} bytes instead of {record.bytes}"
            if thorough and hash_file(path) != record.sha256:
                return f"{record.path} has other content than when it was written"
        except OSError:
            return f"{record.path} is missing or cannot be read"
    return None
