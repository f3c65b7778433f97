"""What the user writes: a dataset spec in YAML. This package imports nothing else of the project."""
