"""Questions and lists that lie over the panes; each returns one value."""
