"""Tuning a language model on a dataset: methods and their settings, training, evaluation, the shipped model."""
