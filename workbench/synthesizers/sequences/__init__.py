"""Sequences: the ordered records of each entity, learned as lengths, first records, times and steps."""
