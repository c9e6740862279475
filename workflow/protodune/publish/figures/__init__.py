"""Figures: drawn from small tables and planes, nothing computed; no torch here."""
