"""The types of synthesizers, each a package or module of its own that registers itself."""
