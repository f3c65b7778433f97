"""Where runs execute, and the helper process that answers what the screens ask live."""
