"""Models fitted to a real table, which make new tables like it. Use from Python:

from workbench.synthesizers import fit, load

fitted = fit(frame, "gaussian_copula", label="is_fraud")
rows = fitted.sample(10_000, conditions={"is_fraud": True})
fitted.save("model"); load("model")
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from workbench.synthesizers.fitted import FittedTable, load
    from workbench.synthesizers.fitting import fit

__all__ = ["FittedTable", "fit", "load"]


def __getattr__(name: str) -> Any:
    """Import on first use: a spec's check needs the configs alone."""
    if name == "fit":
        from workbench.synthesizers.fitting import fit

        return fit
    if name in ("load", "FittedTable"):
        from workbench.synthesizers import fitted

        return getattr(fitted, name)
    raise AttributeError(name)
