"""Networks by name: each is a module of its own with one ``SPEC``, imported when it is asked for (docs/extending.md).

A network maps features, float32 (batch, n_features, channels, pixels along time), to the images of its outputs one after the
other, (batch, sum of the outputs' channels, channels, pixels along time).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from functools import cache
from typing import TYPE_CHECKING, Any

from protodune.core.errors import ProtoduneError
from protodune.core.registry import load, module_name
from protodune.core.settings import build
from protodune.events.products import Output
from protodune.learning.featureset import FeatureSet, find_features
from protodune.tasks.spec import Task, find_task

if TYPE_CHECKING:
    import torch

PACKAGE = "protodune.learning.networks"
ANY_TASK = "*"
PRECISIONS = ("float32", "bfloat16")
_HINT = "see 'Add a network' in docs/extending.md"
_ABSENT: Any = object()


@dataclass(frozen=True, kw_only=True)
class NetworkSpec:
    """What the package needs to know of a network before it is built.

    ``build`` (settings, outputs) makes the torch module; ``settings``: dataclass of its own settings; ``features``: name of
    the feature set that it takes; ``serves``: the outputs that it makes of each task, with ``*`` for any task (no outputs:
    all that the task has labels of); ``window``: channels and pixels along time that it sees at a time (None in it: all of
    them), None for a convolutional network, which takes strips of any length; ``overlap`` of the windows;
    ``rounding_decides``: whether nearly equal numbers decide what it does, so that other machines give other pixels.

    Only ``overlap`` may be left out.  ``check`` says what is missing.
    """

    build: Callable[[Any, dict[str, int]], torch.nn.Module] = _ABSENT
    settings: type = _ABSENT
    features: str = _ABSENT
    serves: Mapping[str, tuple[str, ...]] = _ABSENT
    window: tuple[int | None, int | None] | None = _ABSENT
    rounding_decides: bool = _ABSENT
    overlap: tuple[int, int] | None = None

    def check(self, name: str) -> None:
        """Raise a ProtoduneError that says what a network's ``SPEC`` lacks."""
        missing = [f.name for f in fields(self) if getattr(self, f.name) is _ABSENT]
        if missing:
            raise ProtoduneError(f"network '{name}': its SPEC has no {', '.join(missing)}; {_HINT}")
        if not callable(self.build) or not hasattr(self.settings, "__dataclass_fields__"):
            raise ProtoduneError(
                f"network '{name}': build is {self.build!r} and settings {self.settings!r}, expected a function or class "
                f"and a dataclass; {_HINT}"
            )
        if not isinstance(self.serves, Mapping) or not self.serves:
            raise ProtoduneError(
                f"network '{name}': serves is {self.serves!r}, expected outputs by task, for instance "
                f"{{'denoise': ('denoised',)}}; {_HINT}"
            )
        if self.window is not None and self.overlap is None:
            raise ProtoduneError(f"network '{name}': its SPEC has a window but no overlap, expected both; {_HINT}")

    def served(self, name: str, task: str) -> tuple[Output, ...]:
        """Return the outputs that this network, called ``name``, makes of a task; refuse a task that it does not serve."""
        spec = find_task(task)
        wanted = self.serves.get(task, self.serves.get(spec.name))
        if wanted is None and ANY_TASK not in self.serves:
            raise ProtoduneError(
                f"network '{name}' does not serve the task '{task}', only {', '.join(sorted(self.serves))}; choose another "
                "network or task"
            )
        learned = spec.learned()
        wanted = wanted or self.serves.get(ANY_TASK) or learned
        unknown = [o for o in wanted if o not in learned]
        if unknown or not wanted:
            raise ProtoduneError(
                f"network '{name}' makes '{', '.join(unknown)}' of the task '{task}', which has labels of "
                f"{', '.join(learned) or 'nothing'}; change 'serves' of its SPEC"
            )
        return tuple(spec.output(o) for o in wanted)


@dataclass(frozen=True)
class Network:
    """A network that was built: its name, its spec, the task and the outputs that it makes of it, and the torch module."""

    name: str
    spec: NetworkSpec
    task: str
    outputs: tuple[Output, ...]
    module: torch.nn.Module

    @property
    def features(self) -> FeatureSet:
        """The feature set that it takes."""
        return find_features(self.spec.features)

    @property
    def task_spec(self) -> Task:
        """The task itself."""
        return find_task(self.task)

    def split(self, images: torch.Tensor) -> dict[str, torch.Tensor]:
        """Return what the module gave, (batch, all channels, h, w), by output, each (batch, its channels, h, w)."""
        sizes = [o.channels for o in self.outputs]
        if images.shape[1] != sum(sizes):
            wanted = ", ".join(f"{o.channels} of {o.name}" for o in self.outputs)
            raise ProtoduneError(
                f"network '{self.name}' gave {images.shape[1]} channels, expected {sum(sizes)} ({wanted}); its 'build' gets "
                "these numbers as 'outputs'"
            )
        return dict(zip((o.name for o in self.outputs), images.split(sizes, dim=1), strict=True))


@cache
def find_network(name: str) -> NetworkSpec:
    """Return the spec of a network: one of ``protodune.learning.networks``, or of a module of your own (``package.module``);
    it is checked here, before anything is built or trained."""
    try:
        spec = load(PACKAGE, name, "SPEC", NetworkSpec, "network")
    except TypeError as error:
        if "NetworkSpec" not in str(error):
            raise
        raise ProtoduneError(f"network '{name}': module {module_name(PACKAGE, name)}: {error}; {_HINT}") from None
    spec.check(name)
    return spec


def build_network(network: str, settings: dict, task: str) -> Network:
    """Build a network with fresh weights from its name, a mapping of its settings and the name of its task; what was built
    is checked at once."""
    spec = find_network(network)
    outputs = spec.served(network, task)
    own = build(spec.settings, settings, f"network_settings of {network}")
    module = spec.build(own, {o.name: o.channels for o in outputs})
    _check_module(network, module)
    return Network(network, spec, task, outputs, module)


def _check_module(name: str, module: torch.nn.Module) -> None:
    missing = [a for a in ("multiple", "reach", "bytes_per_pixel") if not hasattr(module, a)]
    if missing:
        raise ProtoduneError(f"network '{name}': the module that was built has no {', '.join(missing)}; {_HINT}")
    for attribute in ("multiple", "reach"):
        value = getattr(module, attribute)
        if not (isinstance(value, tuple) and len(value) == 2 and all(isinstance(v, int) for v in value)):
            raise ProtoduneError(
                f"network '{name}': {attribute} is {value!r}, expected whole numbers for channels and time; {_HINT}"
            )
    if not set(PRECISIONS) <= set(module.bytes_per_pixel):
        raise ProtoduneError(
            f"network '{name}': bytes_per_pixel has {sorted(module.bytes_per_pixel)}, expected {' and '.join(PRECISIONS)}; "
            f"{_HINT}"
        )


def count_parameters(module: torch.nn.Module) -> int:
    """Number of trainable parameters."""
    return sum(p.numel() for p in module.parameters() if p.requires_grad)
