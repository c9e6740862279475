"""Feature sets, each a module of its own with one ``FEATURES``."""
