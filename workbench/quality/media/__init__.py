"""Pictures and sounds of a dataset: reading their files without trusting them, and what can be measured of each."""
