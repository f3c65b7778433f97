"""The state of a training on disk: tensors as safetensors, the rest as JSON that names them; never a pickle.

The tensors go to a new file first, then the JSON changes over to it in one step, then the old tensors go: whenever a
process dies, the JSON that is there names tensors that are whole.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.random import Generator

from workbench.errors import WorkbenchError
from workbench.files import write_atomic, write_json

if TYPE_CHECKING:
    import torch

    from workbench.synthesizers.neural.training import NeuralTask, TrainingState

STATE = "training.json"
FORMAT = 1


def write_checkpoint(
    folder: Path,
    task: NeuralTask,
    generator: Generator,
    state: TrainingState,
    best: Mapping[str, torch.Tensor],
    identity: str,
) -> None:
    """Write all that `read_checkpoint` needs. Raises WorkbenchError where the folder cannot be written."""
    from safetensors.torch import save

    tensors: dict[str, torch.Tensor] = {f"best/{name}": weight for name, weight in best.items()}
    optimizers: dict[str, Any] = {}
    for name, module in task.modules.items():
        tensors |= {f"module/{name}/{key}": weight for key, weight in module.state_dict().items()}
    for name, optimizer in task.optimizers.items():
        content = optimizer.state_dict()
        plain: dict[str, dict[str, Any]] = {}
        for number, entries in content["state"].items():
            for key, value in entries.items():
                if hasattr(value, "detach"):
                    tensors[f"optimizer/{name}/{number}/{key}"] = value
                else:
                    plain.setdefault(str(number), {})[key] = value
        optimizers[name] = {"groups": content["param_groups"], "plain": plain}
    file = f"training-{state.step}.safetensors"
    saved = save({name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()})
    write_atomic(folder / file, saved)
    write_json(
        folder / STATE,
        {
            "format": FORMAT,
            "identity": identity,
            "tensors": file,
            "optimizers": optimizers,
            "generator": _write_plain(generator.bit_generator.state),
            "step": state.step,
            "best_step": state.best_step,
            "best_score": state.best_score,
            "scores": state.scores,
            "finished": state.finished,
        },
    )
    _remove_tensors(folder, file)


def read_checkpoint(
    folder: Path, task: NeuralTask, generator: Generator, identity: str
) -> tuple[TrainingState, dict[str, torch.Tensor]] | None:
    """Bring modules, optimizers and generator to the checkpoint; its state and best weights, None if there is none.

    One of another `identity` counts as none. Raises WorkbenchError where the checkpoint is damaged.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load

    try:
        content = json.loads((folder / STATE).read_text(encoding="utf-8"))
        if content["format"] != FORMAT or content["identity"] != identity:
            return None
        tensors = load((folder / content["tensors"]).read_bytes())
        return _restore(content, tensors, task, generator)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (ValueError, KeyError, TypeError, RuntimeError, SafetensorError) as error:
        raise WorkbenchError(f"The checkpoint in {folder} is damaged.", "Remove it and fit again.") from error


def _restore(
    content: Mapping[str, Any], tensors: Mapping[str, torch.Tensor], task: NeuralTask, generator: Generator
) -> tuple[TrainingState, dict[str, torch.Tensor]]:
    from workbench.synthesizers.neural.training import TrainingState

    device = next(next(iter(task.modules.values())).parameters()).device
    for name, module in task.modules.items():
        module.load_state_dict(_select(tensors, f"module/{name}/"))
    for name, optimizer in task.optimizers.items():
        saved = content["optimizers"][name]
        states: dict[int, dict[str, Any]] = {int(number): dict(plain) for number, plain in saved["plain"].items()}
        for key, tensor in _select(tensors, f"optimizer/{name}/").items():
            number, entry = key.split("/", 1)
            states.setdefault(int(number), {})[entry] = tensor
        optimizer.load_state_dict({"state": states, "param_groups": saved["groups"]})
    generator.bit_generator.state = _read_plain(content["generator"])
    scores = [(int(step), float(score)) for step, score in content["scores"]]
    state = TrainingState(
        content["step"], content["best_step"], content["best_score"], scores, content["finished"]
    )  # fmt: skip
    return state, {name: weight.to(device) for name, weight in _select(tensors, "best/").items()}


def _select(tensors: Mapping[str, torch.Tensor], prefix: str) -> dict[str, torch.Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}


def _remove_tensors(folder: Path, keep: str) -> None:
    for path in folder.glob("training-*.safetensors"):
        if path.name != keep:
            path.unlink(missing_ok=True)


def _write_plain(value: Any) -> Any:
    """A generator's state as JSON holds it."""
    if isinstance(value, Mapping):
        return {name: _write_plain(entry) for name, entry in value.items()}
    return {"words": value.tolist()} if isinstance(value, np.ndarray) else value


def _read_plain(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    if "words" in value:
        return np.array(value["words"], np.uint64)
    return {name: _read_plain(entry) for name, entry in value.items()}
