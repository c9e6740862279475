"""Networks; ``registry`` knows them by name."""
