"""Why a model cannot be used, as a ValueError that also keeps its two sentences apart for the command line."""

from __future__ import annotations


class UnusableModel(ValueError):
    """`cause` says what is wrong with the model, `solution` what to do; the text of the error is both."""

    def __init__(self, cause: str, solution: str) -> None:
        super().__init__(f"{cause} {solution}".strip())
        self.cause = cause
        self.solution = solution


class IncompleteModel(UnusableModel):
    """Some or all of its files of weights are missing."""
