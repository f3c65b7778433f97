"""From a table to a fitted diffusion: encode, train by the shared loop, calibrate."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.random import Generator, Philox

from workbench.columns.streams import derive_key
from workbench.synthesizers.labels import choose_label
from workbench.synthesizers.neural.calibration import Calibration, fit_biases, fit_map, fit_maps
from workbench.synthesizers.neural.encoding import EncodedRows, fit_encoder
from workbench.synthesizers.neural.training import TrainingPlan, build_seeded, choose_device, identify_fit, train
from workbench.synthesizers.profile import RealTable
from workbench.synthesizers.synthesizer import FitContext
from workbench.synthesizers.types.diffusion.drawing import Floats, Given, draw_numbers, find_chances, uncover_codes
from workbench.synthesizers.types.diffusion.layout import make_layout
from workbench.synthesizers.types.diffusion.learning import (
    DiffusionTask,
    ExampleMaker,
    get_averaged,
    make_average,
)
from workbench.synthesizers.types.diffusion.settings import choose_settings
from workbench.synthesizers.types.diffusion.synthesizer import (
    DiffusionSynthesizer,
    build_network,
)

if TYPE_CHECKING:
    from workbench.synthesizers.types.diffusion import DiffusionConfig

EVALUATIONS = 20
"""Scores of the live quality in a fit."""

CALIBRATED_ROWS = 4_096
"""Rows that the calibration looks at."""


def fit_diffusion(table: RealTable, config: DiffusionConfig, context: FitContext) -> DiffusionSynthesizer:
    """Fit to `table`, privately where the context has an accountant.

    Raises StopRequested when asked to stop, the checkpoint written unless the fit is private.
    """
    accountant = context.accountant
    settings = choose_settings(config, table.rows, private=accountant is not None)
    label = choose_label(table.profile, config.label)
    device = choose_device(context.device)
    encoder = fit_encoder(table, "scores", make_generator(context, "encoder"), private=accountant is not None)
    if accountant is not None:
        from workbench.synthesizers.types.diffusion.private import learn_private_scores

        encoder = learn_private_scores(encoder, table, accountant)
    layout = make_layout(encoder, label)
    network = build_seeded(lambda: build_network(encoder, settings), context.seed, "diffusion").to(device)
    average = make_average(network, config.ema_decay)
    examples = ExampleMaker(layout, encoder, table, device)
    plan = TrainingPlan(
        steps=settings.steps,
        steps_per_epoch=max(1, round(table.rows / settings.batch_size)),
        evaluate_every=max(1, settings.steps // EVALUATIONS),
        patience=config.patience,
        decay=True,
    )
    if accountant is None:
        task = DiffusionTask(network, average, encoder, examples, settings)
        train(task, plan, context, identify_fit(config, context, examples.rows))
    else:
        from workbench.synthesizers.types.diffusion.private import PrivateDiffusionTask

        private = PrivateDiffusionTask(network, average, examples, settings, accountant)
        train(private, plan, replace(context, checkpoints=None))
    fitted = DiffusionSynthesizer(
        encoder, get_averaged(average).cpu(), Calibration(np.zeros(encoder.codes)), settings, label
    )
    context.progress.stage("calibrate")
    fitted.calibration = calibrate(fitted, table if accountant is None else None, context)
    return fitted


def calibrate(fitted: DiffusionSynthesizer, table: RealTable | None, context: FitContext) -> Calibration:
    """Biases that give all codes their shares, and maps to the quantiles of `table`'s numbers.

    Without a table, these are the quantiles that the encoder knows. A segment's shares hang on those before it alone,
    so that one pass, in the order of drawing, meets all of them.
    """
    encoder, layout = fitted.encoder, fitted.layout
    biases = np.zeros(layout.width)

    def learn(part: slice, logits: Floats) -> Floats:
        def measure(tried: Floats) -> Floats:
            shares = np.nan_to_num(encoder.shares)
            shares[part] = find_chances(logits + tried[part]).mean(0)
            return shares

        return fit_biases(encoder, measure)[part]

    generator = make_generator(context, "calibration")
    nothing = Given.nothing(layout, CALIBRATED_ROWS)
    codes = uncover_codes(fitted.network, layout, generator, nothing, biases, learn)
    numbers = draw_numbers(fitted.network, layout, generator, nothing, codes, fitted.sampling_steps)
    made = EncodedRows(codes, numbers)
    if table is not None:
        return Calibration(biases, fit_maps(encoder, made, table))
    maps = {}
    for column in encoder.columns:
        if column.scores is not None:
            drawn = encoder.decode_raw(made, column.name)
            drawn = drawn[~np.isnan(drawn)]
            if len(drawn) > 1:
                maps[column.name] = fit_map(drawn, column.scores.quantiles)
    return Calibration(biases, maps)


def make_generator(context: FitContext, purpose: str) -> Generator:
    """The generator for one purpose of a fit."""
    return Generator(Philox(key=derive_key(context.seed, "diffusion", purpose)))
