"""The real data that packages ship: right shapes, clean texts, and a clear word where a package is not there."""

import importlib.metadata
from typing import NoReturn

import pytest

from workbench.datasets.packaged import PACKAGED, hash_table, load_packaged
from workbench.errors import UsageError, WorkbenchError


def test_breast_cancer_has_569_rows_of_30_measures_and_a_diagnosis() -> None:
    _, frame = load_packaged("breast_cancer")
    assert frame.shape == (569, 31)
    assert list(frame.columns[:2]) == ["mean_radius", "mean_texture"]
    assert {"radius_error", "worst_fractal_dimension"} <= set(frame.columns)
    assert frame["diagnosis"].value_counts().to_dict() == {"benign": 357, "malignant": 212}


def test_helpdesk_has_no_question_twice_and_no_untidy_text() -> None:
    _, frame = load_packaged("helpdesk")
    assert list(frame.columns) == ["question", "answer", "topic"]
    assert len(frame) > 500
    assert set(frame["topic"]) == {"coding", "trivia", "assistant", "feelings", "devices"}
    assert not frame["question"].str.casefold().str.rstrip(" .?!").duplicated().any()
    for column in ("question", "answer"):
        assert (frame[column] == frame[column].str.strip()).all()
        assert frame[column].map(str.isprintable).all()
        assert frame[column].str.len().min() > 0


@pytest.mark.parametrize("name", PACKAGED.names())
def test_every_packaged_dataset_states_where_it_comes_from_and_reads_the_same_twice(name: str) -> None:
    dataset, frame = load_packaged(name)
    assert dataset.name == name
    assert all((dataset.summary, dataset.package, dataset.origin, dataset.licence, dataset.citation))
    assert hash_table(frame) == hash_table(dataset.load())
    assert not frame.isna().any().any()


def test_an_unknown_dataset_is_answered_with_the_nearest_name() -> None:
    with pytest.raises(UsageError, match="breast_cancer"):
        load_packaged("breast_cancr")


def test_a_package_that_is_not_installed_is_named_with_its_pip_command(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(name: str) -> NoReturn:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr("workbench.datasets.packaged.distribution", refuse)
    with pytest.raises(WorkbenchError, match="pip install chatterbot-corpus"):
        load_packaged("helpdesk")
