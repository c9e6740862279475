"""Runtime and precision in which a network is used: the fastest that this machine has and that change nothing that
matters."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from protodune.core.errors import ProtoduneError, suggest
from protodune.core.files import int8_path
from protodune.events.products import Output
from protodune.learning.inference import infer_plane
from protodune.learning.network import Network
from protodune.learning.runtime import FULL, HALVES, INT8, Executor, Model, find_runtime, runtime_names

AUTO = "auto"
PRECISIONS = (AUTO, FULL, *HALVES, INT8)
RUNTIMES = (AUTO, *runtime_names())
ORDER = (
    ("openvino", INT8), ("openvino", HALVES[0]), ("onnxruntime", INT8), ("torch", HALVES[0]), ("torch", HALVES[1]),
    ("openvino", FULL), ("onnxruntime", FULL), ("torch", FULL),
)  # fmt: skip
"""The fastest first, as measured on CPUs (docs/models.md).  It is not measured on each machine: the same file must give the
same numbers there every time."""
LARGEST_DIFFERENCE, LEAST_SIZE = {FULL: 0.001, INT8: 0.1}, {"ADC": 1.0, "electrons": 100.0}
LARGEST_OF_HALF = 0.02
"""Of an output that is no score: rms of its difference from float32 over its own rms, which counts as at least so much.  Of
INT8 this finds a processor that computes it wrongly; what it costs was measured when its file was made."""
LARGEST_CHANGE, LARGEST_SHARE = 0.1, {FULL: 0.002, INT8: 0.02}
"""Share of pixels whose score may change by more."""
_ROWS, _PIXELS = 96, 512


@dataclass(frozen=True)
class Choice:
    """What ``runtime`` and ``precision`` were ``wanted``, which are used, and why, in words; ``executor`` computes it."""

    wanted: tuple[str, str]
    runtime: str
    precision: str
    because: str
    executor: Executor

    def about(self) -> dict:
        """What product files say of it."""
        return {
            "precision": {"wanted": self.wanted[1], "used": self.precision, "because": self.because},
            "runtime": {"wanted": self.wanted[0], "used": self.runtime},
        }


def choose(model: Model, runtime: str = AUTO, precision: str = AUTO, threads: int = 1, together: int = 1) -> Choice:
    """Return runtime and precision for a network's inference, ready: as they are asked for, or of those that ``auto`` leaves
    open the first of ``ORDER`` that this machine has and with which the network passes ``problem_with``.

    ``threads`` of a plane, and planes that go through it ``together``.
    """
    for what, found, known in (("runtime", runtime, RUNTIMES), ("precision", precision, PRECISIONS)):
        if found not in known:
            raise ProtoduneError(f"{what} '{found}'{suggest(found, known)}, expected {' | '.join(known)}")
    refused = []
    for name, kind in ORDER:
        if runtime not in (AUTO, name) or precision not in (AUTO, kind):
            continue
        executor, problem = None, _unfit(model, name, kind, runtime != AUTO, precision != AUTO)
        if problem is None:
            sure = (name == "torch" and precision != AUTO) or (name, kind) == ("torch", FULL)
            executor, problem = _ready(model, name, kind, threads, together, sure)
        if executor is not None:
            because = "it was asked for" if AUTO not in (runtime, precision) else "the fastest of what is here"
            return Choice((runtime, precision), name, kind, "; ".join([because, *refused]), executor)
        refused.append(f"not {name} in {kind}: {problem}")
    raise ProtoduneError(
        f"{model.weights or 'network'}: runtime {runtime} and precision {precision} cannot be had: "
        f"{'; '.join(refused) or 'no runtime has it'}; choose others, or auto (docs/models.md)"
    )


def _ready(
    model: Model, runtime: str, precision: str, threads: int, together: int, sure: bool
) -> tuple[Executor | None, str | None]:
    """Return a network made ready by a runtime, checked unless ``sure``, or None and what is wrong, in words; what torch
    raises is not caught, since nothing is left to take its place."""
    try:
        executor = find_runtime(runtime).load(model, precision, threads, together)
        problem = None if sure else problem_with(model.network, executor, precision)
    except Exception as error:  # each library raises kinds of its own
        if runtime == "torch":
            raise
        return None, f"it failed: {' '.join(str(error).split())[:200] or type(error).__name__}"
    return (None, problem) if problem else (executor, None)


def _unfit(model: Model, runtime: str, precision: str, asked_runtime: bool, asked_precision: bool) -> str | None:
    """Return why a runtime cannot be had in a precision, or is not tried unless asked for, in words; else None."""
    if model.device.type != "cpu" and runtime != "torch":
        return f"it is for CPUs, and the network is on {model.device.type}"
    asked = asked_precision or (asked_runtime and precision == FULL)
    if model.network.spec.rounding_decides and not asked and (runtime, precision) != ("torch", FULL):
        return "rounding would decide what the network does"
    found = find_runtime(runtime)
    missing = found.missing()
    if missing:
        return missing
    if runtime == "torch" and precision != INT8 and asked_precision:
        return None  # slow where the machine has no such arithmetic, but right
    try:
        return None if precision in found.precisions(model) else _absent(model, precision)
    except ProtoduneError as error:
        return str(error)


def _absent(model: Model, precision: str) -> str:
    if precision == INT8:
        return f"{int8_path(model.weights)} is not there" if model.weights else "the weights are in no file"
    if precision == FULL:
        return "the weights are in no file"
    return f"this {'processor' if model.device.type == 'cpu' else model.device.type} has no arithmetic in it"


def problem_with(network: Network, executor: Executor, precision: str) -> str | None:
    """Return what goes wrong with a network that an executor computes in a precision, in words, or None: its outputs on a
    plane of noise with pulses beside those of torch in float32."""
    plane = plane_with_track(network)
    full, other = infer_plane(network, plane), infer_plane(network, plane, executor)
    problems = (_output_problem(output, full[output.name], other[output.name], precision) for output in network.outputs)
    return next((problem for problem in problems if problem), None)


def _output_problem(output: Output, full: np.ndarray, less: np.ndarray, precision: str) -> str | None:
    difference = np.abs(less - full)
    if not np.isfinite(difference).all():
        return f"'{output.name}' holds NaN or infinity"
    if output.activation == "none":
        relative = _rms(difference) / max(_rms(full), LEAST_SIZE.get(output.unit, 1e-12))
        most = LARGEST_DIFFERENCE.get(precision, LARGEST_OF_HALF)
        if relative > most:
            return f"'{output.name}' differs by {relative:.1%} from float32, expected at most {most:.1%}"
        return None
    share = float((difference > LARGEST_CHANGE).mean())
    most = LARGEST_SHARE[INT8 if precision == INT8 else FULL]
    if share > most:
        return f"{share:.2%} of the scores '{output.name}' change by more than {LARGEST_CHANGE}, expected at most {most:.2%}"
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
