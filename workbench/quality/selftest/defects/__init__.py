"""Defects by what they spoil: one module for each kind of data, registered by being in this folder."""
