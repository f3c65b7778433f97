"""Faker's methods as trees of choices, made for whole columns at once. See `trees` and `reading`."""
