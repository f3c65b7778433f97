"""Specs from elsewhere: inferred from a real table, or converted from DataDesigner's and SDV's own files."""
