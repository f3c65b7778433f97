"""Tables of scikit-learn: small, numeric, and installed everywhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.datasets.packaged.files import find_file, make_unreadable_error
from workbench.datasets.packaged.registry import PackagedDataset

if TYPE_CHECKING:
    import pandas as pd

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
    return _read_table("breast_cancer.csv", [*names, "diagnosis"], {0: "malignant", 1: "benign"})


def _load_wine() -> pd.DataFrame:
    """178 rows: 13 chemical measures of wines and `cultivar`, one of cultivar_0, cultivar_1, cultivar_2."""
    return _read_table("wine_data.csv", [*_WINE, "cultivar"], {n: f"cultivar_{n}" for n in range(3)})


def _read_table(file: str, names: list[str], classes: dict[int, str]) -> pd.DataFrame:
    """A csv that scikit-learn ships: a line of counts, then rows of measures and the number of the class.

    The file is read directly, since importing scikit-learn takes a second and more.
    """
    import pandas as pd

    path = find_file("scikit-learn", f"sklearn/datasets/data/{file}")
    frame = pd.read_csv(path, skiprows=1, header=None)
    if len(frame.columns) != len(names):
        raise make_unreadable_error("scikit-learn", path)
    frame.columns = names
    frame[names[-1]] = frame[names[-1]].map(classes)
    return frame


_CC_BY = "CC BY 4.0 (UCI Machine Learning Repository)"

DATASETS = (
    PackagedDataset(
        name="breast_cancer",
        summary="569 breast masses: 30 measures of cell nuclei from fine needle aspirates, and the diagnosis",
        package="scikit-learn",
        origin="Breast Cancer Wisconsin (Diagnostic), as shipped by scikit-learn (BSD-3-Clause)",
        licence=_CC_BY,
        citation="Wolberg, Mangasarian, Street and Street (1993), UCI Machine Learning Repository, doi:10.24432/C5DW2B",
        load=_load_breast_cancer,
    ),
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
