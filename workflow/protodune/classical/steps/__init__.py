"""Classical steps, each a module of its own with one ``STEP``."""
