"""protodune: cleaning raw liquid-argon detector data with deep networks.  ``protodune.clean`` cleans an array."""

__version__ = "0.1.0"
__all__ = ["__version__", "clean"]


def __getattr__(name: str):
    if name != "clean":
        raise AttributeError(f"module 'protodune' has no attribute '{name}'")
    from protodune.campaign.array import clean  # torch is only for those who ask for it

    return clean
