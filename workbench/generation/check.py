"""Everything that can be known of a spec before its first row is made: its shape, its plan, its sources, its training.

`check_text` collects problems and never raises for what the user wrote; each has its line and column.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from workbench.calls.session import Session
from workbench.columns.registry import COLUMNS
from workbench.errors import UsageError
from workbench.files import clean_text, explain_os_error
from workbench.generation.counterfactuals import find_problems as check_counterfactuals
from workbench.generation.plan import Plan
from workbench.generation.planning import build_plan
from workbench.spec.loading import load_spec
from workbench.spec.model import Spec, TrainingConfig
from workbench.spec.problems import Path as SpecPath
from workbench.spec.problems import Problem, end_sentence, suggest
from workbench.spec.reading import MAX_CHARACTERS
from workbench.synthesizers.registry import spec_types


@dataclass(frozen=True, slots=True)
class CheckedSpec:
    """`spec` is there if the shape is sound, `plan` if no problem is an error. Problems stand in order of place."""

    text: str
    spec: Spec | None
    plan: Plan | None
    problems: list[Problem] = field(default_factory=list)

    @property
    def errors(self) -> list[Problem]:
        """The problems that keep rows from being made."""
        return [problem for problem in self.problems if problem.level == "error"]


@dataclass(frozen=True, slots=True)
class SoundSpec:
    """A spec without errors."""

    text: str
    spec: Spec
    plan: Plan | None


def check_text(text: str, folder: Path, session: Session | None = None) -> CheckedSpec:
    """Check the spec `text`; paths in it are relative to `folder`. The plan's columns ask their models by `session`."""
    loaded = load_spec(text, spec_types())
    failures = [
        Problem(f"The column type “{name}” of another package cannot be loaded: {reason}.", "", (), 1, 1, "warning")
        for name, reason in COLUMNS.failures.items()
    ]
    if loaded.spec is None:
        return CheckedSpec(text, None, None, loaded.problems + failures)
    from workbench.datasets.finishing import find_problems

    spec = loaded.spec
    session = session or Session()
    plan, problems = build_plan(spec, folder, session)
    problems += _check_budget(spec, session)
    problems += [*_check_sources(spec, folder), *_check_models(spec), *_check_quality(spec)]
    if plan is not None or all(table.synthesizer is None for table in spec.tables.values()):
        # Which columns a synthesizer makes is known by the plan alone.
        whole = spec if plan is None else complete_spec(spec, plan)
        problems += [*_check_training(whole), *find_problems(whole), *check_counterfactuals(whole, plan)]
    located = sorted((loaded.locate(problem) for problem in problems), key=lambda found: (found.line, found.column))
    failed = any(problem.level == "error" for problem in located)
    return CheckedSpec(text, spec, None if failed else plan, located + failures)


def complete_spec(spec: Spec, plan: Plan) -> Spec:
    """The spec with all columns of each table listed, those of foreign keys and synthesizers too."""
    tables = {
        name: table.model_copy(update={"columns": [made.config for made in plan.tables[name].columns.values()]})
        for name, table in spec.tables.items()
    }
    return spec.model_copy(update={"tables": tables})


def check_file(path: Path) -> CheckedSpec:
    """Check the spec in a file. Raises UsageError if the file is not there or is no text."""
    return check_text(read_spec_text(path), path.parent)


def read_spec_text(path: Path) -> str:
    """The text of a spec file. Raises UsageError if it is not there, too large or not UTF-8."""
    try:
        if path.is_dir():
            raise UsageError(f"{path} is a folder.", "Give the path of a spec, a YAML file.")
        if path.exists() and not path.is_file():
            raise UsageError(f"{path} is no regular file.", "Give the path of a spec, a YAML file.")
        if path.exists() and path.stat().st_size > 4 * MAX_CHARACTERS:
            raise UsageError(f"{path} is too large for a spec.", "Name data files under “sources:” instead.")
        return path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        names = [entry.name for entry in path.parent.glob("*.y*ml")] if path.parent.is_dir() else []
        hint = suggest(path.name, names)
        raise UsageError(f"There is no file {clean_text(str(path))}.", hint or "Check the path.") from None
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not UTF-8 text (byte {error.start + 1}).", "Save it as UTF-8.") from None
    except ValueError:
        raise UsageError("The path of the spec holds a null character.", "Check the path.") from None
    except OSError as error:
        reason = explain_os_error(error, path)
        raise UsageError(reason.cause.replace("to write", "to read"), "Check the path and its permissions.") from error


def _check_sources(spec: Spec, folder: Path) -> Iterator[Problem]:
    from workbench.datasets.packaged import PACKAGED
    from workbench.datasets.source_paths import find_source_file

    for name, source in spec.sources.items():
        place: SpecPath = ("sources", name)
        if source.packaged is not None and PACKAGED.get(source.packaged) is None:
            message = f"No installed package ships a dataset “{source.packaged}”."
            yield Problem(message, suggest(source.packaged, PACKAGED.names()), (*place, "packaged"))
        if source.path is None:
            continue
        try:
            path = find_source_file(source.path, folder)
            found = path.is_file()
        except UsageError as error:
            yield Problem(error.cause, error.solution, (*place, "path"))
            continue
        except OSError as error:
            yield Problem(explain_os_error(error, Path(source.path)).cause, "Check the path.", (*place, "path"))
            continue
        if not found:
            names = [entry.name for entry in path.parent.iterdir()] if path.parent.is_dir() else []
            hint = suggest(path.name, names) or "Paths are relative to the spec."
            yield Problem(f"There is no file {clean_text(source.path)}.", hint, (*place, "path"))


def _check_models(spec: Spec) -> Iterator[Problem]:
    """Every model, also one that no column uses yet."""
    from workbench.providers.opening import read_config

    for name, model in spec.models.items():
        try:
            read_config(model)
        except ValueError as error:
            yield Problem(f"The model “{name}” cannot be used: {end_sentence(error)}", "", ("models", name))


def _check_budget(spec: Spec, session: Session) -> Iterator[Problem]:
    """A budget in money needs the price of every model that columns ask."""
    if spec.budget.max_cost_usd is None:
        return
    for model in session.models.values():
        if model.price is None:
            message = f"Nobody says what the model “{model.name}” costs, so the budget cannot be kept."
            hint = "Add its “price:”, for instance {input_per_mtok: 0.15, output_per_mtok: 0.6}."
            yield Problem(message, hint, ("models", model.name))


_COMPARING = (
    "min_fidelity", "min_pair_fidelity", "max_detection_auc", "max_usefulness_loss", "max_exact_match", "min_dcr_ratio",
    "max_membership_auc", "max_risk", "max_synthetic_share",
)  # fmt: skip
"""Gates that compare with real data."""


def _check_quality(spec: Spec) -> Iterator[Problem]:
    """Gates that compare with real data need real data, and what is named has to be there."""
    quality = spec.quality
    if not spec.sources:
        for gate in _COMPARING:
            if getattr(quality, gate) is not None:
                message = f"“{gate}” compares with real data, and there is none."
                yield Problem(message, "Add “sources:”.", ("quality", gate))
    columns = {column.name for table in spec.tables.values() for column in table.columns if not column.drop}
    if any(table.synthesizer is not None for table in spec.tables.values()):
        return  # which columns it makes, only the real data says
    for place, name in quality.references():
        if name not in columns:
            message = f"No table of the dataset has a column “{name}”."
            yield Problem(message, suggest(name, columns), ("quality", *place))


def _check_training(spec: Spec) -> Iterator[Problem]:
    training = spec.training
    if training is None:
        return
    from workbench.columns.template_language.templates import find_names

    table = training.table
    if table is None and len(spec.tables) > 1:
        yield Problem(
            "The spec has several tables, and “training” does not say which one.", "Add “table:” to it.", ("training",)
        )
        return
    if table is not None and table not in spec.tables:
        yield Problem(f"There is no table “{table}”.", suggest(table, spec.tables), ("training", "table"))
        return
    columns = [column for column in spec.tables[table or next(iter(spec.tables))].columns if not column.drop]
    known = [column.name for column in columns]
    if training.label is not None and training.label not in known:
        hint = suggest(training.label, known)
        yield Problem(f"The dataset has no column “{training.label}”.", hint, ("training", "label"))
    for path, template in _training_templates(training):
        try:
            names = find_names(template)
        except ValueError as error:
            yield Problem(f"This template cannot be used: {error}.", "", path)
            continue
        for name in sorted(names - set(known)):
            yield Problem(f"The dataset has no column “{name}”.", suggest(name, known), path)


def _training_templates(training: TrainingConfig) -> Iterator[tuple[SpecPath, str]]:
    for position, message in enumerate(training.messages or []):
        yield ("training", "messages", position, "content"), message.content
    for key in ("prompt", "completion", "chosen", "rejected", "text"):
        template = getattr(training, key)
        if template is not None:
            yield ("training", key), template
