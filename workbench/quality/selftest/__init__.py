"""Defects planted one at a time into data that has none, to see which check trips."""
