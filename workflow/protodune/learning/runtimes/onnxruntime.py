"""ONNX Runtime on a CPU."""

from __future__ import annotations

from protodune.core.files import int8_path
from protodune.learning.runtime import (
    FULL,
    INPUT,
    INT8,
    Executor,
    Model,
    Runtime,
    int8_about,
    not_installed,
    onnx_file,
)

_SHARE_OF_MEMORY = 0.5


def precisions(model: Model) -> tuple[str, ...]:
    """INT8 where a file of it lies beside the weights, and float32 of weights in a file."""
    return (*((INT8,) if int8_about(model) is not None else ()), *((FULL,) if model.weights else ()))


def load(model: Model, precision: str, threads: int, together: int) -> Executor:
    """Return a session that all threads share."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # others need the cores meanwhile
    path = int8_path(model.weights) if precision == INT8 else onnx_file(model)
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return Executor(
        lambda features: session.run(None, {INPUT: features})[0],
        _SHARE_OF_MEMORY * model.network.module.bytes_per_pixel[FULL],
    )


RUNTIME = Runtime(missing=lambda: not_installed("onnxruntime"), precisions=precisions, load=load)
