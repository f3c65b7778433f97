"""The workbench's core: everything the screens and the commands do, importable and without a terminal."""

__version__ = "0.1.0"
