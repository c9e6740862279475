"""From products to tables."""
