"""The precision in which a network is used: the fastest that this machine has and that changes nothing that matters."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from protodune.core.errors import ProtoduneError, suggest
from protodune.events.products import Output
from protodune.learning.inference import infer_plane
from protodune.learning.network import Network

AUTO, FULL = "auto", "float32"
HALVES = ("bfloat16", "float16")
CHOICES = (AUTO, FULL, *HALVES)
LARGEST_DIFFERENCE, LEAST_SIZE = 0.02, {"ADC": 1.0, "electrons": 100.0}
"""Of an output that is no score: rms of its difference from float32 over its own rms, which counts as at least so much."""
LARGEST_CHANGE, LARGEST_SHARE = 0.1, 0.002
"""Share of pixels whose score may change by more."""
_ROWS, _PIXELS = 96, 512


@dataclass(frozen=True)
class Precision:
    """What was asked for (``wanted``), what is ``used``, and why, in words."""

    wanted: str
    used: str
    because: str


def choose_precision(wanted: str, network: Network) -> Precision:
    """Return the precision for a network's inference; ``auto``: half precision where the device computes in it and the
    network passes ``half_problem`` with it, else float32."""
    if wanted not in CHOICES:
        raise ProtoduneError(f"precision '{wanted}'{suggest(wanted, CHOICES)}, expected {' | '.join(CHOICES)}")
    if wanted != AUTO:
        return Precision(wanted, wanted, "it was asked for")
    device = next(network.module.parameters()).device
    half = half_of(device)
    if half is None:
        return Precision(wanted, FULL, f"this {_word(device)} has no arithmetic in half precision")
    problem = half_problem(network, half)
    if problem:
        return Precision(wanted, FULL, f"in {half} {problem}")
    return Precision(wanted, half, f"this {_word(device)} computes in it, and the network gives the same")


def half_of(device: torch.device) -> str | None:
    """Return the half precision that a device computes in faster than in float32, or None."""
    if device.type == "cuda":
        return "bfloat16" if torch.cuda.is_bf16_supported(including_emulation=False) else "float16"
    has = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
    return "bfloat16" if has.get("avx512_bf16") or has.get("amx_bf16") else None


def half_problem(network: Network, half: str) -> str | None:
    """Return what goes wrong with a network in half precision on a plane of noise with pulses, in words, or None.

    Networks that choose between nearly equal numbers are not asked: half precision draws lots among them.
    """
    if network.spec.rounding_decides:
        return "rounding would decide what the network does"
    plane = plane_with_track(network)
    full, less = (infer_plane(network, plane, precision) for precision in (FULL, half))
    problems = (_output_problem(output, full[output.name], less[output.name]) for output in network.outputs)
    return next((problem for problem in problems if problem), None)


def _output_problem(output: Output, full: np.ndarray, less: np.ndarray) -> str | None:
    difference = np.abs(less - full)
    if not np.isfinite(difference).all():
        return f"'{output.name}' holds NaN or infinity"
    if output.activation == "none":
        relative = _rms(difference) / max(_rms(full), LEAST_SIZE.get(output.unit, 1e-12))
        if relative > LARGEST_DIFFERENCE:
            return f"'{output.name}' differs by {relative:.1%} from float32, expected at most {LARGEST_DIFFERENCE:.1%}"
        return None
    share = float((difference > LARGEST_CHANGE).mean())
    if share > LARGEST_SHARE:
        return (
            f"{share:.2%} of the scores '{output.name}' change by more than {LARGEST_CHANGE}, expected at most "
            f"{LARGEST_SHARE:.2%}"
        )
    return None


def _rms(values: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(values, dtype=np.float64))))


def plane_with_track(network: Network) -> np.ndarray:
    """Return features of a plane of noise with pulses along a line, float32 (n_features, channels, pixels), always the
    same."""
    row_step, pixel_step = network.module.multiple
    rows, pixels = -(-_ROWS // row_step) * row_step, -(-_PIXELS // pixel_step) * pixel_step
    plane = np.random.default_rng(1).normal(0, 4, (len(network.features.names), rows, pixels)).astype(np.float32)
    row, pixel = np.arange(rows)[:, None], np.arange(pixels)
    plane[0] += 60 * np.exp(-0.5 * ((pixel - 40 - 3 * row) / 4.0) ** 2).astype(np.float32)
    return plane


def _word(device: torch.device) -> str:
    return "processor" if device.type == "cpu" else device.type
