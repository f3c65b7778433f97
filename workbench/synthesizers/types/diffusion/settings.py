"""The numbers that a fit runs by: those of the config, and where it leaves them open, those that suit the table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from workbench.synthesizers.types.diffusion import DiffusionConfig

EPOCHS, LEAST_STEPS, MOST_STEPS = 80, 600, 8_000
"""Times that each row is seen on average, but for small and for large tables. With more, the loss on rows kept apart
rises and made rows come nearer to real ones, while models trained on them are no better."""

BATCH, RATE, DIM = 512, 2e-3, 256
PRIVATE_STEPS, PRIVATE_BATCH, PRIVATE_RATE, PRIVATE_DIM = 600, 512, 5e-3, 128


@dataclass(frozen=True, slots=True)
class Settings:
    """What the config says, with what it leaves open chosen."""

    steps: int
    batch_size: int
    learning_rate: float
    weight_decay: float
    max_grad_norm: float
    hidden_dim: int
    layers: int
    dropout: float
    sampling_steps: int


def choose_settings(config: DiffusionConfig, rows: int, *, private: bool) -> Settings:
    """The settings for so many rows.

    A private network is smaller, since the noise on its gradient grows with the root of its number of weights.
    """
    small = (PRIVATE_STEPS, PRIVATE_BATCH, PRIVATE_RATE, PRIVATE_DIM)
    usual = (round(min(max(EPOCHS * rows / BATCH, LEAST_STEPS), MOST_STEPS)), BATCH, RATE, DIM)
    steps, batch_size, rate, dim = small if private else usual
    return Settings(
        steps=config.steps or steps,
        batch_size=min(config.batch_size or batch_size, rows),
        learning_rate=config.learning_rate or rate,
        weight_decay=config.weight_decay,
        max_grad_norm=config.max_grad_norm,
        hidden_dim=config.hidden_dim or dim,
        layers=config.layers,
        dropout=0.0 if private else config.dropout,
        sampling_steps=config.sampling_steps,
    )
