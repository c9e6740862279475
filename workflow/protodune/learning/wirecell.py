"""A region selector as TorchScript that Wire-Cell's DNNROIFinding runs (docs/wirecell.md).

DNNROIFinding hands over one tensor and copies one tensor of four axes back, byte by byte: what comes out must be contiguous
float32.
"""

from __future__ import annotations

import json
import logging
import warnings
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import nn

from protodune.core.errors import ProtoduneError
from protodune.core.files import atomic_path, checksum, write_text
from protodune.core.provenance import versions
from protodune.events.products import DEFAULT_THRESHOLD
from protodune.learning.network import Network
from protodune.learning.portable import example_plane
from protodune.learning.weights import load_weights

ELECTRONS_PER_INPUT = 4000.0
"""What 1 stands for in the tensor that DNNROIFinding makes with its default ``input_scale``, electrons per tick."""
ELECTRONS_PER_FEATURE = 125.0
"""And in our features that are the same."""
SIZES = ((32, 40), (37, 51))
"""Channels and slices of the planes on which an export is compared with its network."""
TOLERANCE = 1e-4

Margins = Sequence[tuple[int, int]]
"""Regions of at least the first number of slices grow on both sides by the second; the largest counts."""

log = logging.getLogger(__name__)

_CARD = """# {model}, {family} planes, for Wire-Cell

| | |
|---|---|
| file | `{file}` ({megabytes:.1f} MB, sha256 {sha256}) |
| from weights | `{weights}`, sha256 {weights_sha256} |
| network | {network} {network_settings}, task {task} |
| regions | widened on both sides: {margins} |
| agreement | largest difference from the original on test planes, without margins: {difference:.1e} |
| versions | {versions} |

`forward` takes one float32 tensor (1, {n_features}, channels, slices) and returns one of (1, 1, channels, slices):
probabilities, after regions have grown. Any number of channels and slices.

```jsonnet
local model = {{
    type: "TorchService",
    name: "{model}_{family}",
    data: {{ model: "{file}", device: "cpu" }},
}};
local regions(anode, plane) = {{
    type: "DNNROIFinding",
    name: "dnnroi%d_%d" % [anode.data.ident, plane],
    data: {{
        anode: wc.tn(anode),
        plane: plane,
        sort_chanids: true,
        intags: [{tags}],
        input_scale: {input_scale},
        tick_per_slice: {rebin},
        mask_thresh: {threshold},
        decon_charge_tag: "decon_charge%d" % anode.data.ident,
        outtag: "dnnsp%d_%d" % [anode.data.ident, plane],
        forward: wc.tn(model),
    }},
}};
```
"""


class WireCellRegions(nn.Module):
    """Probabilities of regions as DNNROIFinding asks for them; to be scripted.

    ``traced``: from features in units of 125 electrons per tick, (1, n, channels, slices) in multiples of ``steps``, to
    probabilities (1, 1, channels, slices); ``margins``: regions of at least the first number of slices grow on both sides by
    the second; the largest counts.
    """

    def __init__(self, traced: nn.Module, steps: tuple[int, int], scale: float, margins: Sequence[tuple[int, int]]):
        super().__init__()
        self.traced = traced
        self.row_step, self.column_step = steps
        self.scale = scale
        # TorchScript knows the type of a list by what is in it: one that changes nothing is always there.
        self.margins = [(1, 0), *((int(least), int(margin)) for least, margin in margins)]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map float32 (1, n, channels, slices) in units of 4000 electrons per tick to float32 (1, 1, channels, slices)."""
        rows, columns = x.size(2), x.size(3)
        below = (self.row_step - rows % self.row_step) % self.row_step
        after = (self.column_step - columns % self.column_step) % self.column_step
        x = nn.functional.pad(x * self.scale, [0, after, 0, below])
        score = self.traced(x)[:, :, :rows, :columns]
        grown = score
        for least, margin in self.margins:
            if columns >= least:
                # What is above any threshold in as many slices in a row: least of all windows, spread over the window again.
                lowest = -nn.functional.max_pool2d(-score, [1, least], [1, 1])
                reach = least - 1 + margin
                wide = nn.functional.max_pool2d(nn.functional.pad(lowest, [reach, reach]), [1, least + 2 * margin], [1, 1])
                grown = torch.maximum(grown, wide)
        return grown.contiguous()


class _Probabilities(nn.Module):
    """The scores of regions alone, of what a network makes."""

    def __init__(self, network: Network, place: int):
        super().__init__()
        self.module, self.place = network.module.eval(), place

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.sigmoid(self.module(x)[:, self.place : self.place + 1])


def export_wirecell(weights: str, family: str, output: str, card: str, margins: Margins) -> None:
    """Write the TorchScript file ``output`` and beside it ``card``, which says how it is put into Wire-Cell."""
    network, about = load_weights(weights, {"family": family})
    difference = write_wirecell(network, margins, output)
    log.info("%s: differs by at most %.1e", output, difference)
    write_text(card, _card(network, about, Path(weights), Path(output), margins, difference))
    log.info("%s: the card", card)


def write_wirecell(network: Network, margins: Margins, path: str | Path) -> float:
    """Write a network as TorchScript; return the largest difference of its probabilities, without margins, from the
    network's own on planes of several sizes.

    Raises a ProtoduneError if the network takes other features or windows, makes no regions, or differs by more than 1e-4;
    then nothing is written.
    """
    place = _place_of_regions(network, path)
    if not all(len(pair) == 2 and min(pair) >= 1 for pair in margins):
        raise ProtoduneError(
            f"{path}: margins {list(margins)}, expected pairs of a length and a margin, slices of 1 or more; mend them"
        )
    own, steps, scale = _Probabilities(network, place), network.module.multiple, ELECTRONS_PER_INPUT / ELECTRONS_PER_FEATURE
    n_features = len(network.features.names)
    with warnings.catch_warnings(), torch.inference_mode(False), torch.no_grad():
        warnings.simplefilter("ignore")
        traced = torch.jit.trace(own, (example_plane((n_features, 2 * steps[0], 2 * steps[1])),), check_trace=False)
        plain = torch.jit.script(WireCellRegions(traced, steps, scale, ()))
        difference = max(_difference(own, plain, (n_features, *size), steps) for size in SIZES)
        if not difference <= TOLERANCE:
            raise ProtoduneError(
                f"{path}: the exported network differs from the original by {difference:.2g}, expected at most "
                f"{TOLERANCE:.2g}; nothing was written, use the weights with protodune"
            )
        with atomic_path(path) as temporary:
            torch.jit.script(WireCellRegions(traced, steps, scale, margins)).save(str(temporary))
    return difference


def _place_of_regions(network: Network, path: str | Path) -> int:
    """Which channel of the network's images the scores of regions are."""
    if not network.features.wirecell_tags or network.spec.window is not None:
        raise ProtoduneError(
            f"{path}: network '{network.name}' takes features '{network.spec.features}'"
            f"{', in windows' if network.spec.window else ''}, expected whole planes of features with 'wirecell_tags', "
            "which Wire-Cell makes as well; export another network, or this one with export_model"
        )
    place = 0
    for output in network.outputs:
        if (output.name, output.channels, output.activation) == ("regions", 1, "sigmoid"):
            return place
        place += output.channels
    raise ProtoduneError(
        f"{path}: network '{network.name}' makes {', '.join(o.name for o in network.outputs)}, expected regions; export "
        "another network"
    )


def _difference(own: nn.Module, exported: nn.Module, shape: tuple[int, int, int], steps: tuple[int, int]) -> float:
    """Largest difference of probabilities on a plane of noise with pulses."""
    x = example_plane(shape)
    rows, columns = shape[1:]
    wanted = own(nn.functional.pad(x, (0, -columns % steps[1], 0, -rows % steps[0])))[:, :, :rows, :columns]
    found = exported(x * (ELECTRONS_PER_FEATURE / ELECTRONS_PER_INPUT))
    return float((found - wanted).abs().max())


def _card(network: Network, about: dict, weights: Path, output: Path, margins: Margins, difference: float) -> str:
    ticks = network.features.rebin
    grow = [f"by {margin * ticks} ticks from {least * ticks} ticks on" for least, margin in margins]
    return _CARD.format(
        **{key: about.get(key, "not recorded") for key in ("model", "family", "network", "task")},
        network_settings=json.dumps(about["network_settings"]),
        file=output.name,
        megabytes=output.stat().st_size / 1e6,
        sha256=checksum(output),
        weights=weights.name,
        weights_sha256=checksum(weights),
        margins=", ".join(grow) or "no",
        rebin=ticks,
        n_features=len(network.features.names),
        difference=difference,
        tags=", ".join(f'"{tag}%d" % anode.data.ident' for tag in network.features.wirecell_tags),
        input_scale=1 / ELECTRONS_PER_INPUT,
        threshold=about.get("threshold", DEFAULT_THRESHOLD),
        versions=json.dumps(versions("torch")),
    )
