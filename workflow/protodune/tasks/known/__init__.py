"""Tasks, each a module of its own with one ``TASK``."""
