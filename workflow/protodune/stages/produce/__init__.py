"""From samples to products."""
