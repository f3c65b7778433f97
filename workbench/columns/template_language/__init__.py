"""The part of Jinja that `template` columns and training templates may use, bounded in time and memory."""
