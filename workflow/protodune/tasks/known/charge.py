"""Charge: electrons that reached the wires, and in the same pass regions of interest."""

from __future__ import annotations

from protodune.events.products import Output
from protodune.events.truth import rebinned
from protodune.tasks.labels import majority, true_charge, true_regions_mask
from protodune.tasks.spec import Label, Loss, Task

TASK = Task(
    name="charge",
    head="charge",
    outputs=(
        Output("charge", "electrons", 4.0),
        Output("charge_error", "electrons", 0.25),
        Output("regions", "score", 1 / 255, kind="u1", activation="sigmoid"),
    ),
    labels={
        "charge": Label(true_charge, rebinned, "i2", 4.0),
        "regions": Label(true_regions_mask, majority, "u1"),
    },
    losses={
        "charge": Loss(("charge_sums", "charge_mse"), "charge_mse", "electrons²"),
        "regions": Loss(("cross_entropy", "bce", "softdice", "bce_dice"), "cross_entropy", ""),
    },
    derived={"charge_in_regions": ("charge", "charge_error")},
    measures=("electrons", "electron_errors", "electrons_by_angle", "regions", "labels"),
)
