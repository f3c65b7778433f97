"""Models without a hub: which are on this machine, where their weights lie, and how to get more from any source."""
