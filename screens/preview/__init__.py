"""The first rows of the spec, live."""
