"""Networks, each a module of its own with one ``SPEC``."""
