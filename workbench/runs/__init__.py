"""Runs: anything that takes long is a folder, a detached worker executes it, and any number of watchers read it."""
