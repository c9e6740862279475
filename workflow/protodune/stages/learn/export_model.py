"""Write a trained network as ONNX and TorchScript for other frameworks, each with the same model card beside it."""

from __future__ import annotations

import argparse
import hashlib
import json
import logging
from pathlib import Path

from protodune.learning.features.registry import feature_set
from protodune.core.files import write_text
from protodune.detector.geometry import PLANE_FAMILIES, PLANES
from protodune.learning.portable import OPSET, Portable, write_onnx, write_torchscript
from protodune.learning.weights import load_weights
from protodune.core.provenance import versions
from protodune.stages.command import run_stage, stage_parser

log = logging.getLogger(__name__)
DEFAULT_TICKS = 6000

_CARD = """# {model}, {family} planes

| | |
|---|---|
| files | {files} |
| from weights | `{weights}`, sha256 {sha256} |
| architecture | {architecture} {network}, {parameters:,} parameters, task {task} |
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

* Trained on simulated planes of ProtoDUNE-SP at the settings above; another detector, gain or noise is new to it.
* {channels} channels by {columns} {pixels} only, in float32; the difference above was measured on this machine's processor.
* Bad channels stay what the network makes of zeros; set them to zero afterwards.
"""
_INPUTS = {
    "waveforms": """`waveforms`: float32 (batch, {channels}, {columns}), ADC without pedestal, channels in offline order, bad
channels all zero. Before it, as in `protodune.learning.features.waveform`: stuck codes interpolated{tails}. What else the
network wants is computed inside.""",
    "features": """`features`: float32 (batch, {n_features}, {channels}, {columns}): {names}, scaled as by
`protodune.learning.{features}_features`; slices of {rebin} ticks, channels in offline order, bad channels all zero.""",
}
_OUTPUTS = {
    "denoised": "* `denoised`: float32 (batch, {channels}, {columns}), ADC without noise.",
    "roi": "* `roi`: float32 (batch, {channels}, {columns}), probability that a pixel belongs to a region of interest.",
}


def parser() -> argparse.ArgumentParser:
    """Command line of the stage."""
    p = stage_parser("export_model", __doc__)
    p.add_argument("--weights", required=True, help="weights of the network (.safetensors)")
    p.add_argument("--plane", required=True, choices=sorted(PLANE_FAMILIES))
    p.add_argument("--ticks", type=int, default=DEFAULT_TICKS, help="samples a channel of the planes")
    p.add_argument("--output", required=True, help="folder for model.onnx, model.torchscript.pt and model_card.md")
    return p


def run(weights: str, plane: str, ticks: int, output: str) -> None:
    """Write the three files; the card last, so that it stands for the other two."""
    model, about = load_weights(weights, {"family": plane})
    features = feature_set(model.features)
    views = [PLANES[view] for view in PLANE_FAMILIES[plane]]
    channels, columns = views[0].n_channels, ticks // features.rebin
    window = "none, a whole plane at once"
    if model.window is not None:
        channels, columns = (want or size for want, size in zip(model.window, (channels, columns), strict=True))
        window = (
            f"cut the plane into pieces of {channels} x {columns} that overlap by {model.overlap[0]} x {model.overlap[1]}"
        )
    # A window smaller than a board is only for networks that do not use the board's median.
    portable = Portable(model, views[0].group_size if channels % views[0].group_size == 0 else channels)
    shape = (channels, columns) if portable.input == "waveforms" else (model.n_features, channels, columns)
    folder = Path(output)
    log.info("%s: %s, %s", weights, about["architecture"], " x ".join(map(str, shape)))
    found = {"onnx": write_onnx(portable, shape, folder / "model.onnx")}
    log.info("%s: differs by at most %.1e", folder / "model.onnx", found["onnx"])
    found["torchscript"] = write_torchscript(portable, shape, folder / "model.torchscript.pt")
    log.info("%s: differs by at most %.1e", folder / "model.torchscript.pt", found["torchscript"])
    files = (folder / "model.onnx", folder / "model.torchscript.pt")
    card = _CARD.format(
        **{key: about[key] for key in ("model", "family", "architecture", "task", "parameters")},
        **found,
        files=", ".join(f"`{f.name}` ({f.stat().st_size / 1e6:.1f} MB, sha256 {_digest(f)[:16]}…)" for f in files),
        weights=Path(weights).name,
        sha256=_digest(weights),
        network=json.dumps(about["network"]),
        versions=json.dumps(versions("torch", "onnx", "onnxruntime")),
        channels=channels,
        columns=columns,
        pixels="ticks" if features.rebin == 1 else f"slices of {features.rebin} ticks",
        input=_INPUTS[portable.input].format(
            channels=channels,
            columns=columns,
            tails=", tails of the AC coupling removed" if plane == "collection" else "",
            n_features=model.n_features,
            names=", ".join(features.names),
            features=model.features,
            rebin=features.rebin,
        ),
        window=window,
        outputs="\n".join(_OUTPUTS[name].format(channels=channels, columns=columns) for name in portable.outputs),
        opset=OPSET,
        training=_training(about),
        validation=_validation(about),
    )
    write_text(folder / "model_card.md", card)
    log.info("%s: the card", folder / "model_card.md")


def _training(about: dict) -> str:
    if "imported" in about:
        source = about["imported"]
        return f"Imported from `{source['file']}` (sha256 {source['sha256']}); its training data are not known here."
    data = about.get("data")
    text = f"Settings: `{json.dumps(about['settings'], sort_keys=True)}`."
    return text if data is None else f"Patches: {', '.join(data['train'])} (validation: {', '.join(data['val'])}). {text}"


def _validation(about: dict) -> str:
    lines = {"val_mse": "squared error of the waveforms {:.4f} ADC²", "val_roi": "cross entropy of the regions {:.4f}"}
    found = [text.format(about[key]) for key, text in lines.items() if key in about]
    return f"On tiles of whole planes never trained on: {', '.join(found)}." if found else "None recorded in the weights."


def _digest(path: str | Path) -> str:
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    a = parser().parse_args(argv)
    return run_stage("export_model", lambda: run(a.weights, a.plane, a.ticks, a.output))


if __name__ == "__main__":
    raise SystemExit(main())
