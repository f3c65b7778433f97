"""The generative models that columns call, each behind the same few requests."""
