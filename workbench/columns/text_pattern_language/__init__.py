"""The language of `text_pattern`: a subset of regular expressions that describes finitely many texts."""
