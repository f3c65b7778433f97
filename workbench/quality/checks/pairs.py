"""Pairs: whether pictures and sounds go with their texts, and whether each has one.

`pairs` compares how well pairs agree with how well shuffled ones do: where these agree as well, the model that made
them looked at one side only, or the rows have been mixed up. The model that an `agreement` column of the spec names is
asked where it runs in this process, so that nothing is paid for; otherwise agreement is learned from the pairs
themselves (see `pairing`). `pairs.whole` counts rows in which one side is missing, or two rows that share a file.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.calls.session import Session
from workbench.errors import WorkbenchError
from workbench.providers.provider import CallError, LocalProvider
from workbench.providers.requests import AgreementRequest
from workbench.quality.check import FEWEST_ROWS, OURS, Finding, judge_high, judge_low, register_check
from workbench.quality.evidence import Evidence
from workbench.quality.media.files import MediaColumn, MediaKind, Unreadable, list_media, read_media_file
from workbench.quality.media.judging import NO_FILES, TOLERATED, choose_files, keep_worst
from workbench.quality.media.pairing import DESCRIBE, Agreement, compare_scores, learn_agreement, shuffle_places
from workbench.quality.media.texts import render_texts
from workbench.quality.rows import find_wilson_interval
from workbench.spec.model import ColumnConfig

_QUESTION = "Do pictures and sounds go with their texts?"
_WHOLE = "Has every picture and sound its text, and every text its file?"
_SCORED, _LEARNED = 100, 300
"""Pairs that a model is asked about, and that are learned from."""
_FEWEST_TO_BLAME = 100
"""With fewer pairs agreement that was not found may still be there."""
_DOUBTFUL = 0.1
_KINDS: tuple[MediaKind, ...] = ("image", "audio")
_FEATURES = {"image": "colours, layout and edges", "audio": "length, level and spectrum"}


@dataclass(frozen=True, slots=True)
class _Pairs:
    """The rows of a column with a file and a text, and how many have one of both only."""

    kind: MediaKind
    column: MediaColumn
    texts: dict[int, str]
    alone: list[int]
    encoder: ColumnConfig | None


@register_check("pairs", _QUESTION, group="content")
def check_pairs(evidence: Evidence) -> list[Finding]:
    """How often the own text fits better than another, and the share of broken pairs. Not asked without pairs."""
    found = []
    for kind in _KINDS:
        for column in list_media(evidence, kind):
            pairs = _find_pairs(evidence, kind, column)
            if pairs is not None:
                found += [_judge_agreement(evidence, pairs), _judge_whole(pairs, len(evidence.frame))]
    # The verdict on agreement is about being too low: the worst of several columns is the lowest.
    agreements = sorted((each for each in found if each.name == "pairs"), key=_rank)
    return agreements[:1] + keep_worst(each for each in found if each.name != "pairs")


def _rank(finding: Finding) -> tuple[bool, float]:
    return finding.value is None, (finding.value or 0.0) - (finding.threshold or 0.0)


def _find_pairs(evidence: Evidence, kind: MediaKind, column: MediaColumn) -> _Pairs | None:
    """The pairs of a column, None where no text of the dataset belongs to it."""
    config = next(each for each in evidence.config.columns if each.name == column.name)
    encoder = next(
        (each for each in evidence.config.columns if each.type == "agreement" and _read(each, "image") == column.name),
        None,
    )
    templates = [_read(encoder, "text")] if encoder is not None else []
    templates.append(_read(config, "prompt" if kind == "image" else "text"))
    every = range(len(evidence.frame))
    written = (render_texts(evidence.frame, template, every) for template in templates)
    texts = next((each for each in written if each is not None), None) or _join_texts(evidence)
    if texts is None:
        return None
    said = {row: text for row, text in enumerate(texts) if text.strip()}
    skips = getattr(config, "skip", None) is not None
    alone = sorted(column.paths.keys() - said.keys() if skips else column.paths.keys() ^ said.keys())
    return _Pairs(kind, column, {row: said[row] for row in column.paths if row in said}, alone, encoder)


def _read(config: ColumnConfig | None, field: str) -> str:
    return str(getattr(config, field, "") or "")


def _join_texts(evidence: Evidence) -> list[str] | None:
    """All texts of each row but keys and files, where the template of the column reads columns that were dropped."""
    if not evidence.frame.columns.is_unique:
        return None
    types = {column.name: column.type for column in evidence.config.columns}
    left_out = evidence.keys | {name for name, kind in types.items() if kind in ("image", "audio", "id", "uuid")}
    names = [
        name
        for name in map(str, evidence.frame.columns)
        if name not in left_out and any(isinstance(value, str) for value in evidence.frame[name].dropna().head(20))
    ]
    if not names:
        return None
    columns = [[value if isinstance(value, str) else "" for value in evidence.frame[name].tolist()] for name in names]
    return [" ".join(parts) for parts in zip(*columns, strict=True)]


def _judge_whole(pairs: _Pairs, rows: int) -> Finding:
    uses = Counter(pairs.column.paths.values())
    shared = [row for row, path in pairs.column.paths.items() if uses[path] > 1]
    bad = sorted({*pairs.alone, *shared})
    verdict = judge_high(len(bad) / max(rows, 1), TOLERATED, gated=False)
    name = pairs.column.name
    detail = f"{name}: {len(pairs.alone):,} rows have only one side of the pair, {len(shared):,} share a file"
    return Finding(
        "pairs.whole",
        _WHOLE,
        verdict if rows else "not assessed",
        rows,
        value=len(bad) / rows if rows else None,
        interval=find_wilson_interval(len(bad), rows),
        threshold=TOLERATED,
        detail=detail,
        examples=bad,
        source=OURS,
        figures={"alone": float(len(pairs.alone)), "shared": float(len(shared))},
        fix="" if verdict == "pass" else "Generate the rows named again, or leave them out.",
    )


def _judge_agreement(evidence: Evidence, pairs: _Pairs) -> Finding:
    name = pairs.column.name
    rows, reason = list[int](), ""
    agreement, basis = None, ""
    if evidence.folder is None:
        reason = NO_FILES
    else:
        rows, contents = _read_pairs(evidence, pairs)
        if len(rows) < FEWEST_ROWS:
            reason = f"{name}: {len(rows)} pairs are too few, {FEWEST_ROWS} are needed"
        else:
            rows, agreement, basis = _measure(evidence, pairs, rows, contents)
            if agreement is None:
                reason = f"{name}: all texts or all files are alike, so that there is nothing to tell apart"
            elif agreement.value < agreement.threshold and len(rows) < _FEWEST_TO_BLAME:
                reason = (
                    f"{name}: no agreement was found in {len(rows)} pairs, which are too few to say that there is none"
                )
                agreement = None
    if agreement is None:
        fix = "Generate more rows." if evidence.folder is not None else "Generate the dataset first."
        return Finding("pairs", _QUESTION, "not assessed", len(rows), detail=reason, source=OURS, fix=fix)
    verdict = judge_low(agreement.value, agreement.threshold, gated=False)
    doubtful = np.flatnonzero(agreement.wins < _DOUBTFUL)
    detail = (
        f"{name}: the own text fits better than another row's in {agreement.value:.1%} of comparisons, "
        f"50% by chance (p {agreement.p:.3f}); {basis}, {len(rows):,} pairs"
    )
    return Finding(
        "pairs",
        _QUESTION,
        verdict,
        len(rows),
        value=agreement.value,
        interval=agreement.interval,
        threshold=agreement.threshold,
        detail=detail,
        seed=evidence.seed,
        examples=[rows[place] for place in doubtful],
        source=f"{OURS}: what shuffled pairs reach once in a thousand times",
        figures={"p": agreement.p, "doubtful": float(len(doubtful))},
        fix="" if verdict == "pass" else "Look at some pairs: texts and files may be mixed up, or one side ignored.",
    )


def _read_pairs(evidence: Evidence, pairs: _Pairs) -> tuple[list[int], list[bytes]]:
    """The rows of at most 300 pairs whose file can be read, with its content."""
    assert evidence.folder is not None
    named = MediaColumn(pairs.column.name, {row: pairs.column.paths[row] for row in pairs.texts}, 0)
    rows, contents = [], []
    for row in choose_files(evidence, named, _LEARNED):
        try:
            contents.append(read_media_file(evidence.folder, named.paths[row]))
        except Unreadable:
            continue
        rows.append(row)
    return rows, contents


def _measure(
    evidence: Evidence, pairs: _Pairs, rows: list[int], contents: list[bytes]
) -> tuple[list[int], Agreement | None, str]:
    """The rows that were used, their agreement, and what it was measured with."""
    draw = evidence.draw(f"pairs {pairs.column.name}")
    if pairs.encoder is not None:
        some = np.sort(draw.permutation(len(rows))[:_SCORED]).tolist()
        asked = [rows[place] for place in some]
        texts = [pairs.texts[row] for row in asked]
        scores = _ask_encoder(evidence, pairs.encoder, [contents[place] for place in some], texts, draw)
        found = None if scores is None else compare_scores(*scores, draw)
        if found is not None:
            return asked, found, f"scored by the model of {pairs.encoder.name}"
    features, kept = [], []
    for row, content in zip(rows, contents, strict=True):
        try:
            features.append(DESCRIBE[pairs.kind](content))
        except Unreadable:
            continue
        kept.append(row)
    if len(kept) < FEWEST_ROWS:
        return kept, None, ""
    found = learn_agreement(np.array(features), [pairs.texts[row] for row in kept], draw)
    return kept, found, f"learned from the pairs by {_FEATURES[pairs.kind]} alone"


def _ask_encoder(
    evidence: Evidence, config: ColumnConfig, images: Sequence[bytes], texts: Sequence[str], draw: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """Scores of pictures with their own texts and with others; None where the model is a server's or silent."""
    if len(images) < 2:
        return None
    others = [texts[place] for place in shuffle_places(len(texts), draw)]
    requests = [
        AgreementRequest(image, text) for said in (texts, others) for image, text in zip(images, said, strict=True)
    ]
    scores = np.full(len(requests), np.nan)
    provider: Any = None
    try:
        provider = Session().open(evidence.models, getattr(config, "model", None), "agreement").provider
        if not isinstance(provider, LocalProvider):
            return None
        for place, answer in provider.answer(requests, lambda: False):
            if not isinstance(answer, CallError) and answer.score is not None:
                scores[place] = answer.score
    except (CallError, WorkbenchError, ValueError, OSError, ImportError):
        return None
    finally:
        if isinstance(provider, LocalProvider):
            provider.release()
    own, shuffled = scores[: len(images)], scores[len(images) :]
    return (own, shuffled) if np.isfinite(scores).all() else None
