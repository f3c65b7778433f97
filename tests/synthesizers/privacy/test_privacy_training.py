"""DP-SGD: each row's gradient is clipped, each step accounted once, and empty batches and resumed trainings are too."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("opacus")

from opacus.accountants import PRVAccountant  # noqa: E402

from workbench.errors import WorkbenchError  # noqa: E402
from workbench.synthesizers.privacy.accounting import PrivacyAccountant  # noqa: E402
from workbench.synthesizers.privacy.training import PrivateTraining  # noqa: E402

torch.set_num_threads(1)


def _make_module(seed: int = 0) -> torch.nn.Module:
    torch.manual_seed(seed)
    return torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Tanh(), torch.nn.Linear(4, 1))


def _find_losses(training: PrivateTraining, rows: np.ndarray) -> torch.Tensor:
    inputs = torch.tensor(rows, dtype=torch.float32)
    return (training.module(inputs)[:, 0] - inputs.sum(1)).square()


def _read_weights(training: PrivateTraining) -> np.ndarray:
    return torch.cat([parameter.detach().reshape(-1) for parameter in training.module.parameters()]).numpy()


def _make_training(accountant: PrivacyAccountant, steps: int = 10, **settings: float) -> PrivateTraining:
    return PrivateTraining(
        _make_module(), 0.01, rows=200, batch_rows=20, steps=steps, accountant=accountant, **settings
    )


def test_a_training_costs_what_opacus_says_and_no_more_than_the_budget() -> None:
    accountant = PrivacyAccountant(2.0, 1e-5)
    training = _make_training(accountant)
    rows = np.random.default_rng(1).normal(size=(200, 3))
    for _ in range(10):
        batch = training.sample_batch()
        training.step(_find_losses(training, rows[batch]) if len(batch) else None)
    opacus = PRVAccountant()
    opacus.history = [(training.noise_multiplier, 0.1, 10)]
    assert accountant.epsilon == pytest.approx(opacus.get_epsilon(accountant.composition_delta, eps_error=2 / 300))
    assert 1.9 < accountant.epsilon <= 2.0
    with pytest.raises(WorkbenchError, match="exceed the privacy budget"):
        training.step(None)


def test_an_outlier_moves_the_sum_of_gradients_by_the_clip_at_most() -> None:
    gradients = []
    rows = np.random.default_rng(2).normal(size=(20, 3))
    for outlier in (1.0, 1e6):
        training = _make_training(PrivacyAccountant(2.0, 1e-5), max_grad_norm=0.5)
        training._optimizer.noise_multiplier = 0.0
        training._optimizer.attach_step_hook(
            lambda optimizer: gradients.append(torch.cat([p.grad.reshape(-1) for p in optimizer.params]).numpy() * 20)
        )
        changed = rows.copy()
        changed[3] *= outlier
        training.step(_find_losses(training, changed))
    assert 0 < np.linalg.norm(gradients[0] - gradients[1]) <= 2 * 0.5 + 1e-5


def test_an_empty_batch_changes_the_weights_by_noise_and_is_accounted() -> None:
    accountant = PrivacyAccountant(2.0, 1e-5)
    training = _make_training(accountant)
    before = _read_weights(training).copy()
    training.step(None)
    assert not np.array_equal(before, _read_weights(training))
    assert accountant.epsilon > 0
    assert training.steps_done == 1


def test_a_batch_in_parts_gives_the_gradient_of_the_whole() -> None:
    gradients = []
    rows = np.random.default_rng(2).normal(size=(20, 3))
    for parts in ([20], [7, 6, 7]):
        training = _make_training(PrivacyAccountant(2.0, 1e-5))
        training._optimizer.noise_multiplier = 0.0
        training._optimizer.attach_step_hook(
            lambda optimizer: gradients.append(torch.cat([p.grad.reshape(-1) for p in optimizer.params]).numpy())
        )
        pieces = np.split(rows, np.cumsum(parts)[:-1])
        for piece in pieces[:-1]:
            training.accumulate(_find_losses(training, piece))
        training.step(_find_losses(training, pieces[-1]))
    np.testing.assert_allclose(gradients[0], gradients[1], atol=1e-6)


def test_noise_does_not_follow_the_seed_of_torch() -> None:
    weights = []
    for _ in range(2):
        training = _make_training(PrivacyAccountant(2.0, 1e-5))
        torch.manual_seed(7)
        training.step(None)
        weights.append(_read_weights(training).copy())
    assert not np.array_equal(*weights)


def test_batches_are_poisson_samples_with_the_planned_rate() -> None:
    training = _make_training(PrivacyAccountant(2.0, 1e-5))
    sizes = [len(training.sample_batch()) for _ in range(400)]
    assert abs(np.mean(sizes) - 20) < 1.5
    assert 3.0 < np.std(sizes) < 5.6


def test_a_resumed_training_counts_each_step_once_and_keeps_its_noise(tmp_path: Path) -> None:
    first = PrivacyAccountant(2.0, 1e-5)
    first.release_gaussian(np.zeros(2), 1.0, 0.2)
    training = _make_training(first)
    for _ in range(4):
        training.step(None)
    torch.save(training.get_state(), tmp_path / "state.pt")
    second = PrivacyAccountant(2.0, 1e-5)
    resumed = _make_training(second)
    resumed.load_state(torch.load(tmp_path / "state.pt", weights_only=True))
    assert resumed.noise_multiplier == training.noise_multiplier
    assert second.epsilon == pytest.approx(first.epsilon)
    for _ in range(6):
        training.step(None)
        resumed.step(None)
    assert second.epsilon == pytest.approx(first.epsilon)
    assert second.epsilon <= 2.0
    with pytest.raises(WorkbenchError):
        resumed.step(None)


def test_a_batch_whose_rows_are_mixed_along_the_first_axis_is_refused() -> None:
    training = _make_training(PrivacyAccountant(2.0, 1e-5))
    inputs = torch.ones(6, 3)
    with pytest.raises(ValueError, match="one loss"):
        training.step(training.module(inputs)[:, 0].reshape(3, 2).mean(1))


def test_lora_layers_of_a_causal_language_model_are_trained_and_its_base_is_not() -> None:
    transformers = pytest.importorskip("transformers")
    peft = pytest.importorskip("peft")
    config = transformers.LlamaConfig(
        vocab_size=40,
        hidden_size=16,
        intermediate_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=2,
        max_position_embeddings=32,
    )
    model = peft.get_peft_model(
        transformers.LlamaForCausalLM(config),
        peft.LoraConfig(r=2, target_modules=["q_proj", "v_proj"], lora_dropout=0.0, task_type="CAUSAL_LM"),
    )
    frozen = {name: p.detach().clone() for name, p in model.named_parameters() if not p.requires_grad}
    training = PrivateTraining(model, 0.01, rows=50, batch_rows=5, steps=3, accountant=PrivacyAccountant(5.0, 1e-5))
    tokens = torch.randint(0, 40, (5, 8))
    before = {name: p.detach().clone() for name, p in model.named_parameters() if p.requires_grad}
    for _ in range(2):
        logits = training.module(input_ids=tokens).logits
        losses = torch.nn.functional.cross_entropy(
            logits[:, :-1].transpose(1, 2), tokens[:, 1:], reduction="none"
        ).mean(1)
        training.step(losses)
    after = dict(model.named_parameters())
    assert all(torch.equal(values, after[name]) for name, values in frozen.items())
    assert all(not torch.equal(values, after[name]) for name, values in before.items())
