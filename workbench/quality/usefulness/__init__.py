"""Usefulness: what a model learns from synthetic rows, measured on real rows that neither side has seen."""
