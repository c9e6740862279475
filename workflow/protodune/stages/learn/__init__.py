"""From products to networks."""
