"""From a spec to rows: check, plan, blocks with their rules and scenarios, preview, and the run that can be resumed."""
