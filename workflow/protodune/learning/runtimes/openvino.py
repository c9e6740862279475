"""OpenVINO on a CPU."""

from __future__ import annotations

import threading
import warnings

import numpy as np
import torch

from protodune.core.files import int8_path
from protodune.learning.runtime import FULL, INT8, Executor, Model, Runtime, half_of, int8_about, not_installed

_SHARE_OF_MEMORY, _MEMORY_MB = 0.3, 130
"""Of what torch needs for the same; and two strips of a plane, which are a twentieth slower than one and need half."""
_HINTS = {FULL: "f32", "bfloat16": "bf16"}


def precisions(model: Model) -> tuple[str, ...]:
    """INT8 where a file of it lies beside the weights, half precision where the processor computes in it, and float32."""
    half = half_of(torch.device("cpu"))
    return (*((INT8,) if int8_about(model) is not None else ()), *((half,) if half else ()), FULL)


def load(model: Model, precision: str, threads: int, together: int) -> Executor:
    """Return a compiled model for each shape of the features that comes, with a request of its own for each thread."""
    import openvino

    core, module = openvino.Core(), model.network.module
    if precision == INT8:
        read = core.read_model(str(int8_path(model.weights)))
    else:
        rows, pixels = module.multiple
        read = _converted(module.eval(), torch.zeros(1, len(model.network.features.names), 4 * rows, 4 * pixels))
    half = half_of(torch.device("cpu")) if precision == INT8 else None
    options = {
        "INFERENCE_PRECISION_HINT": _HINTS[half or (FULL if precision == INT8 else precision)],
        "INFERENCE_NUM_THREADS": threads * together,
        "NUM_STREAMS": together,
        "ENABLE_CPU_PINNING": False,  # several processes may share the machine
    }
    compiled = _Compiled(core, read, options)
    per_pixel = module.bytes_per_pixel[FULL if precision == FULL else "bfloat16"]
    return Executor(compiled, _SHARE_OF_MEMORY * per_pixel, _MEMORY_MB)


def _converted(module: torch.nn.Module, example: torch.Tensor):
    """Return a module as OpenVINO has it.  By its reader itself: ``openvino.convert_model`` does the same, and reports each
    call to its makers unless the user has opted out."""
    from openvino.frontend import FrontEndManager
    from openvino.frontend.pytorch.ts_decoder import TorchScriptPythonDecoder

    reader = FrontEndManager().load_by_framework("pytorch")
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        decoder = TorchScriptPythonDecoder(module, example_input=example)  # must live until the model is converted
        return reader.convert(reader.load(decoder))


class _Compiled:
    """A model by the shape of its input."""

    def __init__(self, core, model, options: dict):
        self._core, self._model, self._options = core, model, options
        self._by_shape: dict[tuple[int, ...], object] = {}
        self._lock, self._own = threading.Lock(), threading.local()

    def __call__(self, features: np.ndarray) -> np.ndarray:
        requests = self._own.__dict__.setdefault("requests", {})
        if features.shape not in requests:
            requests[features.shape] = self._compiled(features.shape).create_infer_request()
        # What comes out is valid until this thread calls again.
        found = requests[features.shape].infer([features], share_inputs=True, share_outputs=True)
        return next(iter(found.values()))

    def _compiled(self, shape: tuple[int, ...]):
        with self._lock:
            if shape not in self._by_shape:
                # Fixed shapes run faster than open ones.
                self._model.reshape(list(shape))
                self._by_shape[shape] = self._core.compile_model(self._model, "CPU", self._options)
            return self._by_shape[shape]


RUNTIME = Runtime(missing=lambda: not_installed("openvino"), precisions=precisions, load=load)
