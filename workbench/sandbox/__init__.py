"""Running code that nobody has read, and checking generated code: parsing, linting, running it and its tests."""
