"""Fine-tuning of a pretrained model on the rows of a table, by the loop of all neural synthesizers."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.random import Generator, Philox
from numpy.typing import NDArray
from torch import Tensor

from workbench.columns.streams import derive_key
from workbench.errors import UsageError
from workbench.synthesizers.neural.training import TrainingPlan, train
from workbench.synthesizers.profile import RealTable
from workbench.synthesizers.synthesizer import FitContext, Made
from workbench.synthesizers.types.language_model.calibration import fit_offsets
from workbench.synthesizers.types.language_model.layout import order_columns
from workbench.synthesizers.types.language_model.pretrained import (
    PretrainedLanguageModel,
    find_base,
    list_tuned,
    open_base,
)
from workbench.synthesizers.types.language_model.sentences import (
    Batch,
    Grammar,
    Offsets,
    make_batch,
    make_grammar,
    score_batch,
    write_sentences,
)
from workbench.synthesizers.types.language_model.spelling import FormSpelling, LevelSpelling, State
from workbench.synthesizers.types.language_model.training import find_rate, identify

if TYPE_CHECKING:
    from workbench.synthesizers.types.language_model import LanguageModelConfig

BATCH_ROWS = 16
EPOCHS = 10
MOST_SEEN = 200_000
"""Rows that are seen where no epochs are given."""

LORA_RATE, FULL_RATE = 5e-4, 5e-5
EVALUATIONS = 10
PATIENCE = 3
SCORED_ROWS = 128
CALIBRATED_ROWS = 256
COUNTED_ROWS = 20_000
FEWEST_ROWS = 40


def fit_pretrained(table: RealTable, config: LanguageModelConfig, context: FitContext) -> PretrainedLanguageModel:
    """Fine-tune `config.model`. Raises UsageError where it is not here, or a row does not fit into its window."""
    base, found = find_base(config.model, None if config.full else config.lora_rank)
    model, tokens = open_base(base, found, context.device)
    grammar = make_grammar(table.profile, order_columns(table.profile, config.given, config.label), tokens)
    window = getattr(model.config, "max_position_embeddings", None)
    if window is not None and grammar.longest > window:
        raise UsageError(
            f"A row takes up to {grammar.longest:,} tokens, and {config.model} reads {window:,}.",
            "Name fewer “columns”, or choose another model.",
        )
    if context.accountant is None:
        task = TuningTask(model, grammar, table, config)
    else:
        from workbench.synthesizers.types.language_model.private_tuning import PrivateTuningTask

        task = PrivateTuningTask(model, grammar, table, config, context.accountant)
    train(task, task.plan, context, identity=f"{identify(table, config, context)} {base.revision}")
    model.eval()
    # Offsets would be measured on real rows, which a private model has no more to do with.
    private = context.accountant is not None
    offsets = {} if private else measure_offsets(model, grammar, table, config.temperature, context.seed)
    weights = {name: weight.detach().cpu().numpy() for name, weight in list_tuned(model).items()}
    return PretrainedLanguageModel(
        table.profile, grammar.natural, base, weights, offsets, config.temperature, (model, grammar)
    )


class TuningTask:
    """What the training loop of all neural synthesizers asks for. Only weights that are tuned are kept."""

    kept = ("tuned",)

    def __init__(self, model: Any, grammar: Grammar, table: RealTable, config: LanguageModelConfig) -> None:
        self._model = model
        self._grammar = grammar
        self._config = config
        self._rows = table.rows
        self._spelled = spell_table(grammar, table)
        self._batch = min(config.batch_size or BATCH_ROWS, table.rows)
        per_epoch = math.ceil(table.rows / self._batch)
        epochs = config.epochs or max(1, min(EPOCHS, round(MOST_SEEN / table.rows)))
        steps = epochs * per_epoch
        self.plan = TrainingPlan(steps, per_epoch, max(1, steps // EVALUATIONS), PATIENCE)
        self._rate = config.learning_rate or (FULL_RATE if config.full else LORA_RATE)
        tuned = list_tuned(model)
        self._optimizer = torch.optim.AdamW(tuned.values(), lr=self._rate, weight_decay=0.0)
        self.modules: Mapping[str, torch.nn.Module] = {"tuned": Tuned(tuned)}
        self.optimizers: Mapping[str, torch.optim.Optimizer] = {"tuned": self._optimizer}

    def step(self, generator: Generator) -> Mapping[str, Tensor]:
        """One step on rows at random, the columns of each in an order of its own."""
        chosen = generator.integers(0, self._rows, self._batch)
        orders = [draw_order(generator, self._grammar.natural) for _ in range(self._batch)]
        self._model.train()
        losses, tokens = score_batch(self._model, self._gather(self._spelled, chosen, orders))
        loss = losses.sum() / tokens.sum()
        self._optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self._optimizer.param_groups[0]["params"], 1.0)
        done = next((int(state["step"]) for state in self._optimizer.state.values()), 0)
        self._optimizer.param_groups[0]["lr"] = self._rate * find_rate(done, self.plan.steps)
        self._optimizer.step()
        return {"loss": loss.detach()}

    def measure_loss(self, validation: RealTable) -> float:
        """The mean negative log-likelihood of a token of rows in their natural order, in nats."""
        rows = validation.take(np.arange(min(validation.rows, SCORED_ROWS)))
        spelled = spell_table(self._grammar, rows)
        total, count = 0.0, 0
        self._model.eval()
        with torch.no_grad():
            for start in range(0, rows.rows, BATCH_ROWS):
                chosen = np.arange(start, min(start + BATCH_ROWS, rows.rows))
                orders = [self._grammar.natural] * len(chosen)
                losses, tokens = score_batch(self._model, self._gather(spelled, chosen, orders))
                total, count = total + float(losses.sum()), count + int(tokens.sum())
        return total / max(count, 1)

    def make_rows(self, generator: Generator, count: int) -> Made:
        """Rows by the weights of the moment."""
        self._model.eval()
        return write_sentences(self._model, self._grammar, generator, count, {}, {}, self._config.temperature)

    def _gather(
        self, spelled: Mapping[str, Sequence[Sequence[int]]], chosen: NDArray[np.int64], orders: Sequence[Sequence[str]]
    ) -> Batch:
        rows = chosen.tolist()
        part = {name: [values[row] for row in rows] for name, values in spelled.items()}
        batch = make_batch(self._grammar, part, orders)
        device = self._model.device
        return Batch(batch.tokens.to(device), batch.mask.to(device), batch.labels.to(device))


class Tuned(torch.nn.Module):
    """The weights that are tuned as a module of their own, so that checkpoints hold no others."""

    def __init__(self, weights: Mapping[str, torch.nn.Parameter]) -> None:
        super().__init__()
        for at, weight in enumerate(weights.values()):
            self.register_parameter(f"weight_{at}", weight)


def spell_table(grammar: Grammar, table: RealTable) -> dict[str, list[list[int]]]:
    """The tokens of every value, column by column."""
    return {name: spelling.spell(table.columns[name]) for name, spelling in grammar.spellings.items()}


def draw_order(generator: Generator, natural: Sequence[str]) -> list[str]:
    """The natural order for every other row; else some columns, shuffled, before the others in their natural order."""
    ahead = int(generator.integers(-len(natural) + 1, len(natural) + 1))
    if ahead <= 0:
        return list(natural)
    first = [natural[place] for place in generator.permutation(len(natural))[:ahead].tolist()]
    return [*first, *(name for name in natural if name not in first)]


def measure_offsets(model: Any, grammar: Grammar, table: RealTable, temperature: float, seed: int) -> Offsets:
    """Offsets for tokens, from what the model expects after real columns before them.

    Only states that FEWEST_ROWS of CALIBRATED_ROWS rows come to are measured.
    """
    generator = Generator(Philox(key=derive_key(seed, "calibration")))
    rows = table.take(np.sort(generator.permutation(table.rows)[:CALIBRATED_ROWS]))
    spelled = spell_table(grammar, rows)
    found: dict[tuple[str, State], list[NDArray[np.float64]]] = defaultdict(list)
    for start in range(0, rows.rows, BATCH_ROWS):
        chosen = range(start, min(start + BATCH_ROWS, rows.rows))
        part = {name: [values[row] for row in chosen] for name, values in spelled.items()}
        batch = make_batch(grammar, part, [grammar.natural] * len(chosen))
        with torch.inference_mode():
            answer = model(input_ids=batch.tokens.to(model.device), attention_mask=batch.mask.to(model.device))
        for row in range(len(chosen)):
            _collect(grammar, {name: values[row] for name, values in part.items()}, answer.logits[row], found)
    texts = _write_texts(grammar, table)
    offsets: Offsets = {}
    for (name, state), scores in found.items():
        if len(scores) < FEWEST_ROWS:
            continue
        spelling = grammar.spellings[name]
        if isinstance(spelling, LevelSpelling):
            shares = spelling.find_shares(state)
        else:
            shares = spelling.count_shares(state, texts[name])
        if shares.sum() > 0:
            offsets.setdefault(name, {})[state] = fit_offsets(np.stack(scores) / temperature, shares)
    return offsets


def _write_texts(grammar: Grammar, table: RealTable) -> dict[str, list[str]]:
    """The texts of numbers and moments, of some of the rows of a long table."""
    rows = table.take(np.arange(0, table.rows, -(-table.rows // COUNTED_ROWS)))
    return {
        name: spelling.write(rows.columns[name])
        for name, spelling in grammar.spellings.items()
        if isinstance(spelling, FormSpelling)
    }


def _collect(
    grammar: Grammar,
    values: Mapping[str, Sequence[int]],
    scores: Tensor,
    found: dict[tuple[str, State], list[NDArray[np.float64]]],
) -> None:
    """Add the scores at each choice that a row takes on its way."""
    place = len(grammar.begin)
    for name in grammar.natural:
        place += len(grammar.names[name])
        spelling = grammar.spellings[name]
        state: State | None = spelling.start
        for at, token in enumerate(values[name]):
            assert state is not None
            follow = spelling.follow(state)
            if len(follow) > 1:
                seen = scores[place + at - 1, torch.from_numpy(follow)].double().cpu().numpy()
                found[name, state].append(seen)
            state = spelling.advance(state, int(np.flatnonzero(follow == token)[0]))
        place += len(values[name])
