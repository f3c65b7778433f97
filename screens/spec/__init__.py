"""The spec editor with its problems and drafts."""
