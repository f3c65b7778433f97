"""Trainers that a dataset is exported for, one module each: `workbench export DATASET --to NAME`."""
