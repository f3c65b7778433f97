"""DP-SGD for the neural types: each row's gradient is clipped, noise is added to their sum, each step is accounted.

Abadi et al., “Deep Learning with Differential Privacy”, 2016, arXiv:1607.00133, by Opacus (Yousefpour et al., 2021,
arXiv:2109.12298). A step's rows are drawn by Poisson sampling, each by itself with the same chance, since the
accounting holds for nothing else; so a batch has another size each time and may be empty. Noise and sampling come from
the entropy of the operating system: a public seed would tell both. So two private fits of one spec differ.

Losses of single steps tell of rows without any noise: a private fit shows none.
"""

from __future__ import annotations

import secrets
import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from workbench.errors import WorkbenchError
from workbench.synthesizers.privacy.accounting import PrivacyAccountant, import_opacus

if TYPE_CHECKING:
    import torch


class PrivateTraining:
    """The training of the trainable parameters of `module` in `steps` steps, which cost `share` of the budget at most.

    Each step takes `batch_rows` of `rows` rows on average. Without `share` all that is left of the budget is taken. The
    forward pass must go through `.module`, its first axis being the rows of the batch, and must compute each row by
    itself: no batch normalisation. Frozen parameters cost nothing.

    Chance must treat each row by itself too: what a row is given in a step, such as a mask, an order or noise, is drawn
    from `.generator`. From a public seed it would follow from the row's place in the batch, and one row more would
    change it for all rows after it, by far more than the accounting allows. Dropout is turned off.

    Raises WorkbenchError where the budget is spent, or a layer cannot be trained so.
    """

    def __init__(
        self,
        module: torch.nn.Module,
        learning_rate: float,
        rows: int,
        batch_rows: int,
        steps: int,
        accountant: PrivacyAccountant,
        max_grad_norm: float = 1.0,
        share: float | None = None,
        weight_decay: float = 0.0,
    ) -> None:
        import_opacus()
        import torch
        from opacus import GradSampleModule
        from opacus.optimizers import DPOptimizer

        self._accountant = accountant
        self.rows = rows
        self.steps = steps
        self.sample_rate = min(1.0, batch_rows / rows)
        self.steps_done = 0
        share = accountant.remaining_share if share is None else share
        self.noise_multiplier = accountant.plan_training(self.sample_rate, steps, share)
        module.train()
        for layer in module.modules():
            if isinstance(layer, torch.nn.Dropout):
                layer.p = 0.0  # its chance would come from torch's global generator, whose state is no secret
        trained = [parameter for parameter in module.parameters() if parameter.requires_grad]
        try:
            self.module = GradSampleModule(module, loss_reduction="mean")
        except NotImplementedError as error:
            raise WorkbenchError(
                "A layer of this model mixes rows or keeps running figures of them.", "Choose another model."
            ) from error
        self._noise = torch.Generator(device=trained[0].device)
        self._optimizer = DPOptimizer(
            torch.optim.Adam(trained, lr=learning_rate, weight_decay=weight_decay),
            noise_multiplier=self.noise_multiplier,
            max_grad_norm=max_grad_norm,
            expected_batch_size=max(1, round(self.sample_rate * rows)),
            generator=self._noise,
            secure_mode=True,
        )
        self.generator = np.random.default_rng()

    def sample_batch(self, generator: np.random.Generator | None = None) -> NDArray[np.int64]:
        """The rows of the next step, rising, perhaps none. `generator` is for tests: batches must stay unknown."""
        source = self.generator if generator is None else generator
        return np.flatnonzero(source.random(self.rows) < self.sample_rate)

    def set_learning_rate(self, learning_rate: float) -> None:
        """Train on with another learning rate, which must not depend on the rows."""
        for group in self._optimizer.param_groups:
            group["lr"] = learning_rate

    def step(self, loss: torch.Tensor | None) -> None:
        """One step on the losses of the batch's rows, shape (rows of the batch,), or their mean; None for no row.

        A step without rows adds noise alone, and is accounted like any other. Raises WorkbenchError, before anything is
        learned, for more steps than were planned, and ValueError where a parameter has not one gradient for each loss.
        """
        self._accountant.note_training(self.noise_multiplier, self.sample_rate, 1)
        self.steps_done += 1
        self._find_gradients(loss)
        # The generator of a CPU takes 32 bits of a seed: fresh ones for each step cannot be guessed together.
        self._noise.manual_seed(secrets.randbits(63))
        self._optimizer.step()
        self._optimizer.zero_grad()

    def accumulate(self, loss: torch.Tensor) -> None:
        """Add rows to the coming step's batch, where a whole batch does not fit into memory; `step` takes the last."""
        self._find_gradients(loss)
        self._optimizer.signal_skip_step(True)
        self._optimizer.step()
        self._optimizer.zero_grad()

    def get_state(self) -> dict[str, Any]:
        """What a checkpoint needs beside the weights: plain values and tensors, to be loaded as weights only."""
        return {
            "steps_done": self.steps_done,
            "noise_multiplier": self.noise_multiplier,
            "sample_rate": self.sample_rate,
            "optimizer": self._optimizer.state_dict(),
            "accountant": self._accountant.get_state(),
        }

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Go on from a checkpoint: its steps count once, and the rest is trained with the noise that was planned then.

        What this object had planned for itself is given back. Raises WorkbenchError where both do not fit together.
        """
        if not np.isclose(state["sample_rate"], self.sample_rate):
            raise WorkbenchError("The checkpoint was made with other rows or batches.", "Fit anew.")
        self._accountant.cancel_plans()
        self._accountant.load_state(state["accountant"])
        self.steps_done = int(state["steps_done"])
        self.noise_multiplier = float(state["noise_multiplier"])
        self.sample_rate = float(state["sample_rate"])
        self._optimizer.noise_multiplier = self.noise_multiplier
        self._optimizer.load_state_dict(state["optimizer"])

    def _find_gradients(self, loss: torch.Tensor | None) -> None:
        """One gradient for each row in each parameter; without rows none, so that Opacus adds noise alone."""
        import torch

        if loss is None or not loss.numel():
            for parameter in self._optimizer.params:
                parameter.grad_sample = parameter.new_zeros((0, *parameter.shape))
            return
        with warnings.catch_warnings():
            # The first layer's inputs are rows, which need no gradient: torch wonders, Opacus has what it needs.
            warnings.filterwarnings("ignore", "Full backward hook is firing")
            torch.autograd.backward(loss.mean())
        if loss.dim() and any(len(gradients) != len(loss) for gradients in self._optimizer.grad_samples):
            raise ValueError("a row of the batch must be one along the first axis of each layer, and have one loss")
