"""Detectors, each a module of its own with one ``DETECTOR``."""
