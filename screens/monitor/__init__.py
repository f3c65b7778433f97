"""One run: state, progress, chart, metrics and log."""
