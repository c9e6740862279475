"""Sets of input images of the networks, each a module of its own."""
