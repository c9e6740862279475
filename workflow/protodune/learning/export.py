"""A trained network as ONNX and TorchScript, each with the same model card beside it."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from pathlib import Path

from protodune.core.errors import ProtoduneError
from protodune.core.files import checksum, write_text
from protodune.core.provenance import versions
from protodune.detector.model import Detector, Plane
from protodune.detector.registry import find_detector
from protodune.events.products import Output
from protodune.learning.network import Network, count_parameters
from protodune.learning.portable import OPSET, Portable, write_onnx, write_torchscript
from protodune.learning.weights import load_weights

log = logging.getLogger(__name__)

_CARD = """# {model}, {family} planes

| | |
|---|---|
| files | {files} |
| from weights | `{weights}`, sha256 {sha256} |
| network | {network} {network_settings}, {parameters:,} parameters, task {task} |
| agreement | largest difference from the original on a test plane: ONNX {onnx:.1e}, TorchScript {torchscript:.1e} |
| versions | {versions} |

## Input and output

{input}
Windows: {window}.

{outputs}

ONNX (opset {opset}) takes any batch; TorchScript was traced with a batch of one.

## Training

{training}

## Validation

{validation}

## Limits

* Made for planes of {detector}; another detector, gain or noise than in the training is new to it.
* {channels} channels by {columns} {pixels} only, in float32; the difference above was measured on this machine's processor.
* Bad channels stay what the network makes of zeros; set them to zero afterwards.
"""
_INPUTS = {
    "waveforms": """`waveforms`: float32 (batch, {channels}, {columns}), ADC without pedestal, channels in offline order, bad
channels all zero. Before it, as in `protodune.learning.features.waveform`: stuck codes interpolated{tails}. What else the
network wants is computed inside.""",
    "features": """`features`: float32 (batch, {n_features}, {channels}, {columns}): {names}, scaled as by the feature set
`{features}`; {pixels}, channels in offline order, bad channels all zero.""",
}
_VALUES = {"none": "{unit}", "sigmoid": "probability, 0 to 1", "softmax": "probabilities of {k} classes, which sum to 1"}


@dataclass(frozen=True)
class Shape:
    """What an exported network takes at a time: a plane or a window of it, in its pixels."""

    plane: Plane
    channels: int
    columns: int
    rebin: int
    window: str

    @property
    def pixels(self) -> str:
        """Its pixels along time, in words."""
        return "ticks" if self.rebin == 1 else f"slices of {self.rebin} ticks"


def plane_of_family(detector: Detector, family: str) -> Plane:
    """Return the first plane of a family."""
    found = next((p for p in detector.planes() if p.family == family), None)
    if found is None:
        raise ProtoduneError(f"detector {detector.name}: no {family} planes, expected some; choose another family")
    return found


def export_model(weights: str, family: str, output: str, detector: str, ticks: int | None = None) -> None:
    """Write ``model.onnx``, ``model.torchscript.pt`` and ``model_card.md`` into the folder ``output``; the card last, so
    that it stands for the other two.  ``ticks`` of a plane, None: the detector's readout."""
    network, about = load_weights(weights, {"family": family})
    known = find_detector(detector)
    shape = shape_of(network, plane_of_family(known, family), ticks or known.readout_ticks)
    portable = portable_of(network, shape.plane, shape.channels)
    size = (shape.channels, shape.columns)
    wanted = size if portable.input == "waveforms" else (len(network.features.names), *size)
    folder = Path(output)
    log.info("%s: %s, %s", weights, about["network"], " x ".join(map(str, wanted)))
    found = {}
    for name, file, write in (
        ("onnx", folder / "model.onnx", write_onnx),
        ("torchscript", folder / "model.torchscript.pt", write_torchscript),
    ):
        found[name] = write(portable, wanted, file)
        log.info("%s: differs by at most %.1e", file, found[name])
    write_text(folder / "model_card.md", card(portable, shape, about, Path(weights), folder, found, known))
    log.info("%s: the card", folder / "model_card.md")


def shape_of(network: Network, plane: Plane, ticks: int) -> Shape:
    """Return what a network takes of a plane at a time."""
    rebin, spec = network.features.rebin, network.spec
    size = (plane.n_channels, ticks // rebin)
    if spec.window is None:
        return Shape(plane, *size, rebin, "none, a whole plane at once")
    channels, columns = (want or size for want, size in zip(spec.window, size, strict=True))
    overlap = " x ".join(map(str, spec.overlap))
    return Shape(
        plane, channels, columns, rebin, f"cut the plane into pieces of {channels} x {columns} that overlap by {overlap}"
    )


def portable_of(network: Network, plane: Plane, channels: int) -> Portable:
    """Return the network with what it makes of waveforms of ``channels`` channels of a plane."""
    # A window smaller than a board is only for networks that do not use the board's median.
    whole = channels % plane.group_size == 0
    return Portable(network, plane.group_size if whole else channels, plane.adc_scale)


def card(
    portable: Portable, shape: Shape, about: dict, weights: Path, folder: Path, found: dict[str, float], detector: Detector
) -> str:
    """Return the model card in Markdown; ``found``: largest differences of the exports."""
    files = (folder / "model.onnx", folder / "model.torchscript.pt")
    features = portable.network.features
    size = {"channels": shape.channels, "columns": shape.columns, "pixels": shape.pixels}
    return _CARD.format(
        **{key: about.get(key, "not recorded") for key in ("model", "family", "network", "task")},
        parameters=count_parameters(portable.network.module),
        **found,
        **size,
        files=", ".join(f"`{f.name}` ({f.stat().st_size / 1e6:.1f} MB, sha256 {checksum(f)[:16]}…)" for f in files),
        weights=weights.name,
        sha256=checksum(weights),
        network_settings=json.dumps(about["network_settings"]),
        versions=json.dumps(versions("torch", "onnx", "onnxruntime")),
        input=_INPUTS[portable.input].format(
            **size,
            tails=", tails of the AC coupling removed" if shape.plane.tail_us is not None else "",
            n_features=len(features.names),
            names=", ".join(features.names),
            features=portable.network.spec.features,
        ),
        window=shape.window,
        outputs="\n".join(_output_line(output, shape) for output in portable.network.outputs),
        opset=OPSET,
        detector=detector.title,
        training=_training(about),
        validation=_validation(portable.network, about),
    )


def _output_line(output: Output, shape: Shape) -> str:
    size = ", ".join(map(str, output.shape(shape.channels, shape.columns)))
    values = _VALUES[output.activation].format(unit=output.unit, k=output.channels)
    return f"* `{output.name}`: float32 (batch, {size}), {values}."


def _training(about: dict) -> str:
    if "imported" in about:
        source = about["imported"]
        return f"Imported from `{source['file']}` (sha256 {source['sha256']}); its training data are not known here."
    data = about.get("data")
    text = f"Settings: `{json.dumps(about['settings'], sort_keys=True)}`." if "settings" in about else "Not recorded."
    return text if data is None else f"Patches: {', '.join(data['train'])} (validation: {', '.join(data['val'])}). {text}"


def _validation(network: Network, about: dict) -> str:
    found = []
    for output in network.outputs:
        loss, value = network.task_spec.losses[output.name], about.get(f"val_{output.name}")
        if value is not None:
            found.append(f"{output.name} ({loss.reports}) {value:.4f} {loss.unit}".rstrip())
    return f"On tiles of whole planes never trained on: {', '.join(found)}." if found else "None recorded in the weights."
