"""Texts, code and JSON by a causal language model."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from workbench.models.finding import FoundModel
from workbench.providers.provider import CallError
from workbench.providers.requests import Answer, TextRequest
from workbench.providers.transformers.continuous import decode_continuously, suits_continuous_batching
from workbench.providers.transformers.decoding import decode
from workbench.providers.transformers.flight import Decoder
from workbench.providers.transformers.loading import load_companion, load_model, shorten
from workbench.providers.transformers.memory import BatchLimit, guess_batch_size
from workbench.providers.transformers.prompts import PromptWriter, count_room
from workbench.providers.transformers.rows import Row
from workbench.providers.transformers.sampling import Sampling, draw_uniforms
from workbench.providers.transformers.schemas import SchemaReader

if TYPE_CHECKING:
    from workbench.providers.transformers import TransformersConfig

_UNLIMITED = 1 << 30


class TextWriter:
    """A loaded language model. `auto_class` is the class of transformers that loads it."""

    def __init__(self, config: TransformersConfig, found: FoundModel, auto_class: str) -> None:
        self._config = config
        self._loaded = load_model(auto_class, config, found)
        self._tokenizer = load_companion("AutoTokenizer", config, found, self._loaded.folder)
        model = self._loaded.model
        ends = _list_ends(model, self._tokenizer)
        padding = self._tokenizer.pad_token_id
        self._decoder = Decoder(
            model=model,
            tokenizer=self._tokenizer,
            device=self._loaded.device,
            ends=ends,
            padding=padding if padding is not None else min(ends, default=0),
            sampling=Sampling(config.temperature, config.top_p, config.top_k, config.min_p),
            repetition_penalty=config.repetition_penalty,
        )
        _forget_defaults(model)
        text = model.config.get_text_config(decoder=True)
        self._context: int | None = getattr(text, "max_position_embeddings", None)
        self._prompts = PromptWriter(self._tokenizer)
        self._schemas = SchemaReader(self._tokenizer, text.vocab_size, sorted(ends))
        self._limit = BatchLimit(config.batch_size or _UNLIMITED)
        self._scheduler_fault: str | None = None

    def answer(
        self, requests: Sequence[TextRequest], should_stop: Callable[[], bool]
    ) -> Iterator[tuple[int, Answer | CallError]]:
        """See `LocalProvider.answer`."""
        rows: list[Row] = []
        for position, request in enumerate(requests):
            if should_stop():
                return
            try:
                rows.append(self._make_row(position, request))
            except CallError as error:
                yield position, error
        for row in self._decode(rows, should_stop):
            yield row.position, row.make_answer(self._tokenizer)

    def stream(
        self, request: TextRequest, on_text: Callable[[str], None], should_stop: Callable[[], bool]
    ) -> Answer | None:
        """See `LocalProvider.stream`: the tokens are those that `answer` gives to this request alone."""
        row = self._make_row(0, request)
        told = ""

        def tell() -> None:
            nonlocal told
            text = row.read(self._tokenizer)
            if text != told and row.failure is None:
                told = text
                on_text(text)

        for _ in decode(self._decoder, [row], BatchLimit(1), should_stop, tell):
            answer = row.make_answer(self._tokenizer)
            if isinstance(answer, CallError):
                raise answer
            return answer
        return None

    def describe(self) -> Mapping[str, Any]:
        """See `Worker.describe`."""
        fault = {"continuous_batching_fault": self._scheduler_fault} if self._scheduler_fault is not None else {}
        return {**self._loaded.describe(), **fault}

    def _decode(self, rows: Sequence[Row], should_stop: Callable[[], bool]) -> Iterator[Row]:
        if not rows:
            return
        if self._scheduler_fault is None and suits_continuous_batching(self._config, self._loaded.device, rows):
            yield from self._decode_continuously(rows, should_stop)
            rows = [row for row in rows if row.finish is None]
        longest = max((len(row.prompt) + row.room for row in rows), default=0)
        guess = guess_batch_size(self._loaded.model.config, self._loaded.dtype, self._loaded.device, longest)
        limit = self._limit if self._config.batch_size is not None else self._limit.narrow(guess)
        yield from decode(self._decoder, rows, limit, should_stop)

    def _decode_continuously(self, rows: Sequence[Row], should_stop: Callable[[], bool]) -> Iterator[Row]:
        try:
            yield from decode_continuously(self._decoder, rows, self._config.batch_size, should_stop)
        except Exception as error:
            # The scheduler is young, and our own batches can do all that it does: what it failed at goes there.
            self._scheduler_fault = shorten(error)

    def _make_row(self, position: int, request: TextRequest) -> Row:
        prompt = self._prompts.encode(request)
        room = count_room(self._context, prompt, self._config.max_tokens)
        return Row(
            position=position,
            prompt=prompt,
            room=room,
            uniforms=draw_uniforms(request.seed, room),
            stops=() if request.schema is not None else self._config.stop + self._prompts.find_stops(request),
            max_chars=request.max_chars if request.schema is None else None,
            constraint=self._schemas.make_constraint(request.schema) if request.schema is not None else None,
        )


def _list_ends(model: Any, tokenizer: Any) -> frozenset[int]:
    """All tokens that end an answer: those of the generation config and the tokenizer's own."""
    stated = model.generation_config.eos_token_id if model.generation_config is not None else None
    ends = {stated} if isinstance(stated, int) else set(stated or ())
    if tokenizer.eos_token_id is not None:
        ends.add(tokenizer.eos_token_id)
    return frozenset(ends)


def _forget_defaults(model: Any) -> None:
    """The sampling settings that come with a model would be merged into ours without a word."""
    from transformers import GenerationConfig

    model.generation_config = GenerationConfig()
