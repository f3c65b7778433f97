"""All runs and their scores."""
