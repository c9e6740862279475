"""What computes a network's inference, by name: each is a module of its own with one ``RUNTIME``, imported when it is asked
for (docs/extending.md)."""
