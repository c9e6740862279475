"""Measures, each a module of its own with one ``MEASURE``."""
