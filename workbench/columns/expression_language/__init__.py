"""The small language of `expression` columns: parsed by Python's own parser, run over whole numpy columns."""
