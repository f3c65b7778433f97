"""Purchases at CDNOW, an early web shop for music: ordered records of customers, most of whom never came back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.datasets.packaged.files import find_file, make_unreadable_error
from workbench.datasets.packaged.registry import PackagedDataset

if TYPE_CHECKING:
    import pandas as pd

_COLUMNS = ["customer", "ordered_on", "items", "amount"]


def _load_all() -> pd.DataFrame:
    """69,659 rows: all purchases until June 1998 of the 23,570 who first bought in the first quarter of 1997."""
    return _read_orders("CDNOW_master.txt", header_rows=1, places=[0, 1, 2, 3])


def _load_sample() -> pd.DataFrame:
    """6,919 rows: the same of every tenth customer, on which models of repeat buying are usually compared."""
    return _read_orders("CDNOW_sample.txt", header_rows=0, places=[0, 2, 3, 4])


def _load_customers() -> pd.DataFrame:
    """2,357 rows, a customer of the sample each: `customer` and `cohort`, the month of the first purchase."""
    first = _load_sample().sort_values(["customer", "ordered_on"]).drop_duplicates("customer")
    first["cohort"] = first["ordered_on"].dt.strftime("%Y-%m")
    return first[["customer", "cohort"]].reset_index(drop=True)


def _read_orders(file: str, header_rows: int, places: list[int]) -> pd.DataFrame:
    """Lines of fields between spaces, of which those at `places` are kept."""
    import pandas as pd

    path = find_file("lifetimes", f"lifetimes/datasets/{file}")
    try:
        frame = pd.read_csv(path, sep=r"\s+", header=None, skiprows=header_rows, dtype=str)[places]
        frame.columns = pd.Index(_COLUMNS)
        frame["ordered_on"] = pd.to_datetime(frame["ordered_on"], format="%Y%m%d").astype("datetime64[us]")
        return frame.astype({"items": "int64", "amount": "float64"})
    except (OSError, ValueError, LookupError) as error:
        raise make_unreadable_error("lifetimes", path) from error


_ORIGIN = "CDNOW purchase histories, published by Fader and Hardie, as shipped by lifetimes (MIT)"
_LICENCE = "MIT (lifetimes); its authors publish the data for research without naming a licence"
_CITATION = "Fader and Hardie (2001), Forecasting Repeat Sales at CDNOW: A Case Study, Interfaces 31(3)"

DATASETS = (
    PackagedDataset(
        name="cdnow",
        summary="69,659 purchases of 23,570 customers of a web shop for music: date, number of items and amount",
        package="lifetimes",
        origin=_ORIGIN,
        licence=_LICENCE,
        citation=_CITATION,
        load=_load_all,
    ),
    PackagedDataset(
        name="cdnow_sample",
        summary="6,919 purchases of 2,357 customers of a web shop for music, every tenth of “cdnow”",
        package="lifetimes",
        origin=_ORIGIN,
        licence=_LICENCE,
        citation=_CITATION,
        load=_load_sample,
    ),
    PackagedDataset(
        name="cdnow_customers",
        summary="The 2,357 customers of “cdnow_sample”, each with the month of the first purchase",
        package="lifetimes",
        origin=_ORIGIN,
        licence=_LICENCE,
        citation=_CITATION,
        load=_load_customers,
    ),
)
