"""Networks, each a module of its own."""
