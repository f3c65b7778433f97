"""The commands: one module per group, each with `add_commands`. Everything heavy is imported inside the handlers."""
