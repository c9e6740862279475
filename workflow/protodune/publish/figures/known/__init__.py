"""Figures, each a module of its own with one ``FIGURE``."""
