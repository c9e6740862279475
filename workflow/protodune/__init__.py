"""protodune: cleaning raw liquid-argon detector data with deep networks."""

__version__ = "0.1.0"
