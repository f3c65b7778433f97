"""A method put on a loaded model, from a fixed seed, with the errors of PEFT in the user's words."""

from __future__ import annotations

from typing import Any

from transformers import set_seed

from workbench.errors import UsageError
from workbench.files import clean_text
from workbench.tuning.loading import LoadedModel
from workbench.tuning.methods import Method, MethodSettings


def apply_method(method: Method, loaded: LoadedModel, settings: MethodSettings) -> Any:
    """The model to train; `settings.seed` decides an adapter's first weights. Raises `UsageError` if it cannot be."""
    if settings.checkpointing and not method.checkpointing:
        raise UsageError(f"{method.name} does not work with checkpointing.", "Leave it off: checkpointing=false.")
    set_seed(settings.seed)
    try:
        return method.apply(loaded.model, settings)
    except (ValueError, RuntimeError) as error:
        reason = clean_text(str(error)).rstrip(".") or type(error).__name__
        raise UsageError(
            f"{method.name} cannot be put on this model: {reason}.",
            "Check the method's settings, such as target_modules.",
        ) from error
