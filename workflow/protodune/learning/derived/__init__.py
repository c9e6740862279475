"""Outputs that are computed from those of a network, each a module of its own with one ``DERIVATION``."""
