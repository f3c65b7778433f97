"""The languages whose code can be checked, one module each."""
