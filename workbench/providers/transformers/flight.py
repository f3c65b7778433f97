"""The rows that a decoder advances together, one token a step. Rows that have ended leave, and others take their place.

`generate` of transformers prepares the inputs, so that each architecture gets the masks, positions and cache it needs;
it is given a decoding function that hands these back, and the loop is the caller's. Rows of one flight are aligned on
the right: shorter ones are padded on the left, and no padding is attended to. Rows can leave where the cache holds keys
and values, and join where it holds all of them (a sliding window forgets some). A flight of another kind, such as one
with recurrent states, keeps its rows until all have ended.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from transformers import GenerationConfig
from transformers.cache_utils import Cache, DynamicLayer, LinearAttentionCacheLayerMixin

from workbench.providers.transformers.rows import Row
from workbench.providers.transformers.sampling import Sampling, choose_tokens
from workbench.providers.transformers.schemas import mask_scores

_GROWING = ("attention_mask", "position_ids")
"""The inputs that grow with the text, both of shape (rows, width)."""


@dataclass(frozen=True, slots=True)
class Decoder:
    """A language model with what choosing its tokens needs. `ends` are the tokens that end an answer."""

    model: Any
    tokenizer: Any
    device: torch.device
    ends: frozenset[int]
    padding: int
    sampling: Sampling
    repetition_penalty: float | None


class Flight:
    """Rows in a decoder. Their tokens so far count as prompt: a row that lost its place goes on where it was."""

    @torch.inference_mode()
    def __init__(self, decoder: Decoder, rows: Sequence[Row]) -> None:
        self.rows = list(rows)
        self._decoder = decoder
        ids, mask = self._align([row.prompt + row.tokens for row in rows])
        self._ids, self._inputs = _prepare(decoder, ids, mask)
        self._seen = _find_seen(ids, mask, decoder) if decoder.repetition_penalty is not None else None
        inputs = decoder.model.prepare_inputs_for_generation(self._ids, is_first_iteration=True, **self._inputs)
        self._scores: Tensor
        self._advance(inputs)

    @property
    def can_join(self) -> bool:
        """Whether rows can be taken in."""
        return self._is_plain and all(type(layer) is DynamicLayer for layer in self._inputs["past_key_values"].layers)

    @property
    def _is_plain(self) -> bool:
        """Whether all that is kept of a row is known here."""
        cache = self._inputs.get("past_key_values")
        if not isinstance(cache, Cache) or not all(_holds_keys(layer) for layer in cache.layers):
            return False
        tensors = {name: value for name, value in self._inputs.items() if isinstance(value, Tensor)}
        return all(name in _GROWING and value.dim() == 2 for name, value in tensors.items())

    @torch.inference_mode()
    def choose(self) -> None:
        """Give each row that has not ended its next token."""
        scores = self._scores
        lanes = [lane for lane, row in enumerate(self.rows) if row.finish is None]
        if self._seen is not None:
            _penalize(scores, self._seen, self._decoder.repetition_penalty or 1.0)
        limited = {lane: row.constraint for lane in lanes if (row := self.rows[lane]).constraint is not None}
        if limited:
            mask_scores(scores, list(limited), [each for each in limited.values() if each is not None])
        # Rows that have ended but keep their place need a number too; what they choose is not looked at.
        chances = [row.uniform if row.finish is None else 0.5 for row in self.rows]
        uniforms = torch.tensor(chances, dtype=torch.float64).to(scores.device, _precise(scores.device))
        tokens = choose_tokens(scores, uniforms, self._decoder.sampling)
        if self._seen is not None:
            self._seen.scatter_(1, tokens[:, None], True)
        self._ids = torch.cat([self._ids, tokens[:, None].to(self._ids.device)], dim=-1)
        chosen = tokens.tolist()
        for lane in lanes:
            self.rows[lane].add(chosen[lane], self._decoder.ends, self._decoder.tokenizer)

    @torch.inference_mode()
    def drop_ended(self) -> None:
        """Take the rows that have ended out, where the cache allows it."""
        lanes = [lane for lane, row in enumerate(self.rows) if row.finish is None]
        if len(lanes) == len(self.rows) or not lanes or not self._is_plain:
            return
        self.rows = [self.rows[lane] for lane in lanes]
        index = torch.tensor(lanes, device=self._ids.device)
        self._ids = self._ids[index]
        self._seen = None if self._seen is None else self._seen[index]
        for name in _GROWING:
            if self._inputs.get(name) is not None:
                self._inputs[name] = self._inputs[name][index]
        self._inputs["past_key_values"].batch_select_indices(index)

    @torch.inference_mode()
    def step(self) -> None:
        """Run the model on the tokens that were chosen last."""
        width = 1 if self._inputs.get("use_cache") else None
        self._advance(
            self._decoder.model.prepare_inputs_for_generation(self._ids, next_sequence_length=width, **self._inputs)
        )

    @torch.inference_mode()
    def join(self, other: Flight) -> None:
        """Take the rows of another flight in. Both must allow it, and have scores that were not chosen from yet."""
        self._trim()
        other._trim()
        width = max(self._ids.shape[1], other._ids.shape[1])
        parts = (self, other)
        for part in parts:
            part._widen(width)
        self.rows += other.rows
        self._ids = torch.cat([part._ids for part in parts])
        self._scores = torch.cat([part._scores for part in parts])
        if self._seen is not None and other._seen is not None:
            self._seen = torch.cat([self._seen, other._seen])
        for name in _GROWING:
            if self._inputs.get(name) is not None:
                self._inputs[name] = torch.cat([part._inputs[name] for part in parts])
        layers = zip(self._inputs["past_key_values"].layers, other._inputs["past_key_values"].layers, strict=True)
        for mine, theirs in layers:
            mine.keys = torch.cat([mine.keys, theirs.keys])
            mine.values = torch.cat([mine.values, theirs.values])

    def _advance(self, inputs: Any) -> None:
        outputs = self._decoder.model(**inputs, return_dict=True)
        self._inputs = self._decoder.model._update_model_kwargs_for_generation(outputs, self._inputs)
        self._scores = outputs.logits[:, -1].to(torch.float32, copy=True)

    def _align(self, texts: Sequence[list[int]]) -> tuple[Tensor, Tensor]:
        """Token ids and mask, both of shape (rows, width)."""
        width = max(map(len, texts))
        ids = torch.tensor([[self._decoder.padding] * (width - len(text)) + text for text in texts])
        mask = torch.tensor([[0] * (width - len(text)) + [1] * len(text) for text in texts])
        return ids.to(self._decoder.device), mask.to(self._decoder.device)

    def _trim(self) -> None:
        """Cut the columns on the left that are padding in all rows."""
        mask = self._inputs.get("attention_mask")
        if mask is None:
            return
        empty = int(mask.argmax(dim=1).min())
        if not empty:
            return
        self._ids = self._ids[:, empty:]
        for name in _GROWING:
            if self._inputs.get(name) is not None:
                self._inputs[name] = self._inputs[name][:, empty:]
        for layer in self._inputs["past_key_values"].layers:
            layer.keys, layer.values = layer.keys[:, :, empty:], layer.values[:, :, empty:]

    def _widen(self, width: int) -> None:
        """Pad on the left to `width` columns of ids; the inputs, which are one step ahead, have one more."""
        missing = width - self._ids.shape[1]
        pad = torch.nn.functional.pad
        if self._inputs.get("attention_mask") is None:
            length = self._ids.shape[1] + 1
            self._inputs["attention_mask"] = torch.ones(
                (len(self.rows), length), dtype=torch.long, device=self._ids.device
            )
        self._ids = pad(self._ids, (missing, 0), value=self._decoder.padding)
        for name in _GROWING:
            if self._inputs.get(name) is not None:
                self._inputs[name] = pad(self._inputs[name], (missing, 0))
        for layer in self._inputs["past_key_values"].layers:
            layer.keys = pad(layer.keys, (0, 0, missing, 0))
            layer.values = pad(layer.values, (0, 0, missing, 0))


def _prepare(decoder: Decoder, ids: Tensor, mask: Tensor) -> tuple[Tensor, dict[str, Any]]:
    """The inputs of the first step as `generate` prepares them for this architecture, with an empty cache."""

    def hand_back(model: Any, input_ids: Tensor, **prepared: Any) -> tuple[Tensor, dict[str, Any]]:
        for name in ("logits_processor", "stopping_criteria", "generation_config"):
            prepared.pop(name, None)
        return input_ids, prepared

    config = GenerationConfig(
        max_new_tokens=1, do_sample=False, pad_token_id=decoder.padding, eos_token_id=sorted(decoder.ends) or None
    )
    prepared: tuple[Tensor, dict[str, Any]] = decoder.model.generate(
        input_ids=ids, attention_mask=mask, generation_config=config, custom_generate=hand_back
    )
    return prepared


def _holds_keys(layer: Any) -> bool:
    return isinstance(layer, DynamicLayer) and not isinstance(layer, LinearAttentionCacheLayerMixin)


def _find_seen(ids: Tensor, mask: Tensor, decoder: Decoder) -> Tensor:
    """Which words stand in each row, shape (rows, words); padding does not count."""
    words = decoder.model.config.get_text_config(decoder=True).vocab_size
    seen = torch.zeros((len(ids), words + 1), dtype=torch.bool, device=ids.device)
    return seen.scatter_(1, torch.where(mask.bool(), ids, words), True)[:, :words]


def _penalize(scores: Tensor, seen: Tensor, penalty: float) -> None:
    """Keskar et al., CTRL, 2019: scores of words that were seen are divided, or multiplied where negative. In place."""
    weaker = torch.where(scores > 0, scores / penalty, scores * penalty)
    scores.copy_(torch.where(seen[:, : scores.shape[1]], weaker, scores))


def _precise(device: torch.device) -> torch.dtype:
    return torch.float32 if device.type == "mps" else torch.float64
