"""Figures: drawn from tables and planes, nothing computed."""
