"""Modules of a user's own, as the tests bring them: found by dotted name on PYTHONPATH."""
