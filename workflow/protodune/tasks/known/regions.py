"""Region selection: which pixels hold signal, without a waveform."""

from __future__ import annotations

from protodune.events.products import Output
from protodune.tasks.labels import majority, true_regions_mask
from protodune.tasks.spec import Label, Loss, Task

TASK = Task(
    name="regions",
    head="regions of interest",
    outputs=(
        Output("charge", "electrons", 4.0),
        Output("charge_error", "electrons", 0.25),
        Output("regions", "score", 1 / 255, kind="u1", activation="sigmoid"),
    ),
    labels={"regions": Label(true_regions_mask, majority, "u1")},
    losses={"regions": Loss(("cross_entropy", "bce", "softdice", "bce_dice"), "cross_entropy", "")},
    derived={"charge_of_regions": ("charge", "charge_error")},
    measures=("electrons", "electron_errors", "electrons_by_angle", "regions", "labels"),
)
