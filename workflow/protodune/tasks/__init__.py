"""What is asked of a method: each task is a module of its own with one ``TASK``."""
