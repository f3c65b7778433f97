"""Differential privacy: the budget and its accounting, and the private view of a table."""
