"""Networks on whole planes, in as few pieces as memory allows and without seams."""

from __future__ import annotations

import logging
from itertools import pairwise

import numpy as np
import torch
from torch.nn.utils.fusion import fuse_conv_bn_eval

from protodune.core.errors import ProtoduneError
from protodune.events.products import Output, PlaneProduct
from protodune.learning.network import Network
from protodune.learning.runtime import FULL, Executor, Model
from protodune.learning.runtimes.torch import executor as torch_executor
from protodune.learning.tiles import Span, plan_axis, plan_tiles, put_tile

GPU_SHARE = 0.2
"""Of the memory of a GPU that is free, what a plane may need at a time: several planes are there."""

log = logging.getLogger(__name__)

Piece = list[tuple[Span, Span]]
"""Windows of one size that go through the network together."""


class OutOfMemory(Exception):
    """The piece was too large for the device."""


def infer_plane(
    network: Network, features: np.ndarray, executor: Executor | None = None, memory_mb: int | None = None
) -> PlaneProduct:
    """Run a network over one plane, float32 (n_features, channels, ticks); return an image of each output with its
    activation, float32 (channels, ticks), or (k, channels, ticks) of k channels.

    A convolutional network takes strips of all channels, which overlap along time by its reach on both sides and begin at
    multiples of its stride, so the result is that of the whole plane at once.  A network with a ``window`` of its own takes
    windows, several together, of which the middles are kept.  ``executor``: who computes it (``choice.choose``), None: torch
    in float32.  ``memory_mb`` bounds the activations; a device that has less
    gets half as much at a time until it is enough.
    """
    n_features = len(network.features.names)
    if features.ndim != 3 or len(features) != n_features:
        raise ProtoduneError(f"network: found an input of shape {features.shape}, expected ({n_features}, channels, ticks)")
    if not np.isfinite(features).all():
        raise ProtoduneError("network: the input holds NaN or infinity; convert the sample again or mark those channels bad")
    _, rows, ticks = features.shape
    row_step, tick_step = network.module.multiple
    whole = (rows + -rows % row_step, ticks + -ticks % tick_step)
    device = next(network.module.parameters()).device
    executor = executor or torch_executor(Model(network), FULL)
    pixels = pixels_at_once(executor, device, memory_mb)
    while True:
        pieces = plan_pieces(network, whole, pixels)
        try:
            images = _run(network, features, whole, pieces, executor, device)
        except OutOfMemory:
            largest = max(len(piece) * _size(piece[0]) for piece in pieces)
            smaller = min(pixels, largest) // 2
            if max(len(piece) * _size(piece[0]) for piece in plan_pieces(network, whole, smaller)) >= largest:
                raise ProtoduneError(
                    f"network: {device} has no memory for {largest} pixels, the fewest that this network takes at a time; "
                    "use a machine with more memory or a smaller network"
                ) from None
            log.warning("%s ran out of memory with %d pixels at a time; going on with half as many", device, largest)
            pixels = smaller
            continue
        return {name: image[..., :rows, :ticks] for name, image in images.items()}


def _size(window: tuple[Span, Span]) -> int:
    return (window[0].stop - window[0].start) * (window[1].stop - window[1].start)


def fold_norms(module: torch.nn.Module) -> None:
    """Let convolutions do what the BatchNorm registered right after them does, in place; for inference only."""
    for parent in module.modules():
        for (name, conv), (next_name, norm) in pairwise(list(parent.named_children())):
            if isinstance(conv, torch.nn.Conv2d) and isinstance(norm, torch.nn.BatchNorm2d):
                setattr(parent, name, fuse_conv_bn_eval(conv, norm))
                setattr(parent, next_name, torch.nn.Identity())


def pixels_at_once(executor: Executor, device: torch.device, memory_mb: int | None) -> int:
    """Return for how many pixels the activations of a network have room, in ``memory_mb`` if that is given."""
    if memory_mb is not None:
        available = memory_mb * 1e6
    elif device.type == "cuda":
        available = GPU_SHARE * torch.cuda.mem_get_info(device)[0]
    else:
        available = executor.memory_mb * 1e6
    return max(1, int(available / executor.bytes_per_pixel))


def plan_pieces(network: Network, shape: tuple[int, int], pixels: int) -> list[Piece]:
    """Return what goes through the network together, at most ``pixels`` at a time where that is possible."""
    rows, ticks = shape
    spec, module = network.spec, network.module
    if spec.window is not None:
        window = tuple(min(want or size, size) for want, size in zip(spec.window, shape, strict=True))
        tiles = plan_tiles(shape, window, tuple(min(o, w - 1) for o, w in zip(spec.overlap, window, strict=True)))
        together = max(1, pixels // (window[0] * window[1]))
        return [tiles[i : i + together] for i in range(0, len(tiles), together)]
    step = module.multiple[1]
    halo = -(-module.reach[1] // step)
    # In units of the stride, so that strips begin at its multiples; as many strips as are needed, all of the same length.
    size, most = ticks // step, max(1, pixels // rows // step - 2 * halo)
    inner = max(1, size - 2 * halo)
    strip = 2 * halo + -(-inner // -(-inner // most))
    spans = [Span(*(step * t for t in (s.start, s.stop, s.keep_start, s.keep_stop)))
             for s in plan_axis(size, strip, 2 * halo)]  # fmt: skip
    return [[(Span(0, rows, 0, rows), span)] for span in spans]


def _run(
    network: Network,
    features: np.ndarray,
    whole: tuple[int, int],
    pieces: list[Piece],
    executor: Executor,
    device: torch.device,
) -> dict[str, np.ndarray]:
    results = {o.name: np.empty(o.shape(*whole), np.float32) for o in network.outputs}
    for piece in pieces:
        parts = [_window(features, r, t) for r, t in piece]
        try:
            given = torch.as_tensor(executor.call(parts[0] if len(parts) == 1 else np.concatenate(parts)))
        except (RuntimeError, MemoryError) as error:
            if not _is_out_of_memory(error):
                raise
            if device.type == "cuda":
                torch.cuda.empty_cache()
            raise OutOfMemory from None
        with torch.inference_mode():
            by_output = network.split(given)
            for output in network.outputs:
                images = activated(output, by_output[output.name])
                for image, where in zip(images.numpy(), piece, strict=True):
                    put_tile(results[output.name], image, where)
    return results


def _window(features: np.ndarray, rows: Span, ticks: Span) -> np.ndarray:
    """Return a window of the features, (1, n_features, channels, pixels), zeros beyond their ends."""
    part = features[None, :, rows.start : rows.stop, ticks.start : ticks.stop]
    missing = (rows.stop - rows.start - part.shape[2], ticks.stop - ticks.start - part.shape[3])
    return np.pad(part, ((0, 0), (0, 0), (0, missing[0]), (0, missing[1]))) if any(missing) else part


def activated(output: Output, images: torch.Tensor) -> torch.Tensor:
    """Return the values of an output from what a network gave of it, (batch, its channels, h, w); (batch, h, w) of one
    channel."""
    if output.channels == 1:
        images = images[:, 0]
    if output.activation == "softmax":
        return torch.softmax(images, dim=1)
    return torch.sigmoid(images) if output.activation == "sigmoid" else images


def _is_out_of_memory(error: Exception) -> bool:
    text = str(error)
    return (
        isinstance(error, (torch.cuda.OutOfMemoryError, MemoryError))
        or "not enough memory" in text
        or "can't allocate" in text
    )
