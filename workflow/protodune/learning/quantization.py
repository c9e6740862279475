"""A network in INT8: made from its weights and calibrated on planes, and what that costs, measured on others.

Convolutions but the first and the last are quantised, with what lies between them; the ends, where a count of INT8 would be
a large part of the noise, and sums of two branches stay as they are.  The file is ONNX with pairs of QuantizeLinear and
DequantizeLinear, which ONNX Runtime and OpenVINO both compute in whole numbers.
"""

from __future__ import annotations

import json
import logging
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from tqdm import tqdm

from protodune.core.errors import ProtoduneError
from protodune.core.files import atomic_path, checksum, int8_path
from protodune.core.provenance import versions
from protodune.events.making import places
from protodune.events.products import DEFAULT_THRESHOLD
from protodune.events.store import EventStore
from protodune.learning.choice import choose
from protodune.learning.inference import fold_norms
from protodune.learning.method import NetworkSettings, PlanesByNetwork, TrainedMethod
from protodune.learning.network import Network
from protodune.learning.runtime import ABOUT, FULL, INPUT, INT8, Model, write_network
from protodune.learning.weights import load_weights

MOST_MSE, MOST_CHARGE, MOST_REGIONS = 0.03, 0.002, 0.03
"""How much larger the error of denoised waveforms may be than in float32, by how much the charge of all planes together may
differ, and how many pixels of regions may change side, each as a share."""
_QUANTISED = ("Conv", "MaxPool", "Relu", "Resize")
_STRIP_PIXELS = 1536

log = logging.getLogger(__name__)


@dataclass
class Comparison:
    """INT8 beside float32 on planes with truth: sums over them.  ``problem`` says what is beyond the bounds, or is None."""

    planes: int = 0
    pixels: int = 0
    squares: dict[str, float] = field(default_factory=lambda: {FULL: 0.0, INT8: 0.0})
    electrons: dict[str, float] = field(default_factory=lambda: {FULL: 0.0, INT8: 0.0, "true": 0.0})
    regions: int = 0
    changed: int = 0

    def figures(self) -> dict[str, float]:
        """The mean squared errors in ADC^2, their ratio less 1, the biases of the charge, their difference, and the share of
        the pixels of regions that changed side; what was not there to be compared is left out."""
        found: dict[str, float] = {"planes": self.planes}
        if self.squares[FULL]:
            found |= {f"mse_{k}": v / self.pixels for k, v in self.squares.items()}
            found["mse_change"] = self.squares[INT8] / self.squares[FULL] - 1
        if self.electrons["true"]:
            bias = {k: self.electrons[k] / self.electrons["true"] - 1 for k in (FULL, INT8)}
            found |= {f"charge_bias_{k}": v for k, v in bias.items()} | {"charge_change": bias[INT8] - bias[FULL]}
        if self.regions:
            found["regions_changed"] = self.changed / self.regions
        return found

    @property
    def problem(self) -> str | None:
        """What is beyond its bound, in words."""
        found, wrong = self.figures(), []
        for name, most in (("mse_change", MOST_MSE), ("charge_change", MOST_CHARGE), ("regions_changed", MOST_REGIONS)):
            size = abs(found[name]) if name == "charge_change" else found.get(name, 0.0)
            if size > most:
                wrong.append(f"{name} {found[name]:+.2%}, expected at most {most:.2%}")
        return f"INT8 is too far from float32: {', '.join(wrong)}" if wrong else None


def quantize(weights: str, family: str, calibration: Sequence[str], check: Sequence[str]) -> dict:
    """Write the INT8 file of some weights beside them; return what it says of itself.

    ``calibration`` and ``check``: event stores, the latter with truth.  The file is written even if it fails its check, says
    so, and is refused where it is used.
    """
    network, trained = load_weights(weights, {"family": family})
    fold_norms(network.module)
    path, model = int8_path(weights), Model(network, weights)
    about = {
        "weights_sha256": checksum(weights), "family": family, "problem": None,
        "calibration": {Path(p).stem: checksum(p) for p in calibration}, "check": {Path(p).stem: checksum(p) for p in check},
        "versions": versions("torch", "onnx", "onnxruntime"),
    }  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / "int8.onnx"
        _quantize_static(network, _strips(network, family, calibration), Path(folder), made)
        _write(made, path, about)
    comparison = compare(model, family, check, trained.get("threshold", DEFAULT_THRESHOLD))
    about |= {"figures": comparison.figures(), "problem": comparison.problem}
    _write(path, path, about)
    log.info("%s: %s", path, json.dumps(about["figures"]))
    if about["problem"]:
        log.warning("%s: %s", path, about["problem"])
    return about


def compare(model: Model, family: str, events: Sequence[str], threshold: float = DEFAULT_THRESHOLD) -> Comparison:
    """Return INT8 beside float32 on the planes of a family in event stores with truth, charge included."""
    settings, sums = NetworkSettings(model.network.task), Comparison()
    methods = {
        kind: PlanesByNetwork(
            TrainedMethod(model.network, settings, family, choose(model, runtime, kind).executor, {"threshold": threshold}),
            {},
        )
        for kind, runtime in ((FULL, "torch"), (INT8, "auto"))
    }
    for path in events:
        with EventStore(path) as store:
            for [place] in tqdm(places(store, family, "plane"), desc=Path(path).stem, unit="plane", disable=None):
                good = ~store.bad(place.plane.name, place.image)
                product = {kind: method(store, [place])[0] for kind, method in methods.items()}
                sums.planes += 1
                if "denoised" in product[FULL]:
                    clean = store.clean(place.plane.name, place.image)[good].astype(np.float64)
                    sums.pixels += clean.size
                    for kind, images in product.items():
                        sums.squares[kind] += float(np.square(images["denoised"][good] - clean).sum())
                if "charge" in product[FULL]:
                    sums.electrons["true"] += float(store.charge_image(place.plane.name, place.image)[good].sum())
                    for kind, images in product.items():
                        sums.electrons[kind] += float(images["charge"][good].sum(dtype=np.float64))
                if "regions" in product[FULL]:
                    full, other = (product[kind]["regions"][good] >= threshold for kind in (FULL, INT8))
                    sums.regions += int(full.sum())
                    sums.changed += int((full != other).sum())
    return sums


def _strips(network: Network, family: str, events: Sequence[str]) -> Iterator[np.ndarray]:
    """Yield features of strips of planes, float32 (1, n_features, channels, pixels)."""
    rows, pixels = network.module.multiple
    for path in events:
        with EventStore(path) as store:
            for [place] in tqdm(places(store, family, "plane"), desc=Path(path).stem, unit="plane", disable=None):
                features = network.features.build(store, place.plane.name, place.image, {})
                padded = np.pad(features, ((0, 0), (0, -features.shape[1] % rows), (0, -features.shape[2] % pixels)))
                width = max(pixels, _STRIP_PIXELS // pixels * pixels)
                for first in range(0, padded.shape[2] - width + 1, width):
                    yield padded[None, :, :, first : first + width]


def _quantize_static(network: Network, strips: Iterator[np.ndarray], folder: Path, output: Path) -> None:
    """Quantise the network with the ranges that its activations have on the strips."""
    import onnx
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    class Reader(CalibrationDataReader):
        def get_next(self) -> dict | None:
            strip = next(strips, None)
            return None if strip is None else {INPUT: strip}

    plain, prepared = folder / "float.onnx", folder / "prepared.onnx"
    write_network(network, plain)
    quant_pre_process(str(plain), str(prepared), skip_symbolic_shape=True)
    nodes = [node for node in onnx.load(str(prepared)).graph.node if node.op_type == "Conv"]
    if len(nodes) < 3:
        raise ProtoduneError(f"network '{network.name}': {len(nodes)} convolutions, expected three or more for INT8")
    quantize_static(
        str(prepared), str(output), Reader(), quant_format=QuantFormat.QDQ, per_channel=True,
        op_types_to_quantize=_QUANTISED,
        activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8,
        nodes_to_exclude=[nodes[0].name, nodes[-1].name],
    )  # fmt: skip


def _write(source: Path, target: Path, about: dict) -> None:
    """Write an ONNX file with ``about`` in it."""
    import onnx

    model = onnx.load(str(source))
    del model.metadata_props[:]
    onnx.helper.set_model_props(model, {ABOUT: json.dumps(about, sort_keys=True)})
    with atomic_path(target) as temporary:
        onnx.save(model, str(temporary))
