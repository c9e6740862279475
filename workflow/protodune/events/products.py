"""What a method makes of one plane, classical or network."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass
class PlaneProduct:
    """All (channels, ticks): ``denoised`` float32 in ADC without pedestal, ``charge`` float32 in electrons a tick and
    ``roi``, each where the method finds it, else None.  ``roi`` is bool, or float32 from 0 to 1 where the method is more or
    less sure."""

    denoised: np.ndarray | None = None
    charge: np.ndarray | None = None
    roi: np.ndarray | None = None

    def images(self) -> dict[str, np.ndarray]:
        """The images that are there, by name."""
        return {name: image for name, image in vars(self).items() if image is not None}
