"""Asking models: answers stored as they arrive, turns taken, faults retried, failures and money counted."""
