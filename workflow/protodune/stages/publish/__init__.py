"""From tables to figures, paper and page."""
