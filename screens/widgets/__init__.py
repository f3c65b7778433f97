"""Widgets that several panes use. They show values and post messages; they know no run, spec or helper."""
