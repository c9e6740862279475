"""How fast networks clean planes and train, beside DUNEdn's own networks as it runs them and as tuned as we can make them.

    python benchmarks/inference.py [--threads 2] [--repeats 5] [--only plane event peers training] [--json out.json]

plane: the U-Net with both outputs on a collection plane (960 x 6000), median, by runtime; with the shipped weights.
event: a whole event (15360 x 6000, six APAs) from the event store to product files, both families of planes in one process
of its own: seconds and peak memory, tails and sticky codes included.
peers: DUNEdn's CNN and GCNN (width 32) and USCG-Net: seconds per collection plane, from a few crops or one window scaled up.
"as shipped" is their arithmetic (two convolutions, every neighbour's product) on their tiling in float32 without gradients,
in the best batch of ``--batches``; "tuned" the same in bfloat16, channels last; "ours" what ``infer_network`` runs.
training: megapixels per second and thread of one optimiser step, ours and theirs.

Other work on the machine shows at once in these numbers: run it alone.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow"))

from protodune.core.errors import ProtoduneError
from protodune.core.memory import keep_freed_memory
from protodune.learning.choice import ORDER, choose
from protodune.learning.inference import fold_norms, infer_plane, pixels_at_once, plan_pieces
from protodune.learning.network import build_network
from protodune.learning.networks.cnn import TwoScaleConv
from protodune.learning.runtime import Model
from protodune.learning.runtimes.torch import executor as torch_executor
from protodune.learning.weights import load_weights

ZOO = Path(__file__).resolve().parents[1] / "zoo"
COLLECTION = (960, 6000)
TILES = 5828
"""32 x 32 tiles of a collection plane as DUNEdn cuts it; 31 x 188, padded (physics.md D.2)."""
WINDOWS = 5
THEIRS: dict[str, dict] = {"cnn": {}, "gcnn": {"mask": "dunedn"}, "uscg": {"dunedn": True}}
PARTS = ("plane", "event", "peers", "training")


def median_time(action: Callable[[], object], repeats: int) -> float:
    """Median of ``repeats`` timings after one that warms up, seconds."""
    action()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        action()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def noise(*shape: int) -> np.ndarray:
    """Planes of noise, float32, ADC."""
    return (5 * np.random.default_rng(1).standard_normal(shape)).astype(np.float32)


def plane(repeats: int) -> dict:
    """Time the shipped U-Net on one plane, in each runtime and precision that this machine has."""
    weights = ZOO / "unet.collection.safetensors"
    network, _ = load_weights(weights)
    fold_norms(network.module)
    features, found = noise(2, *COLLECTION), {}
    for runtime, precision in ORDER:
        try:
            executor = choose(Model(network, str(weights)), runtime, precision, torch.get_num_threads()).executor
        except ProtoduneError as error:
            print(f"U-Net, a collection plane, {runtime}, {precision}: {error}")
            continue
        times = [spent(lambda e=executor: infer_plane(network, features, e)) for _ in range(repeats + 1)][1:]
        wall, cpu = (statistics.median(column) for column in zip(*times, strict=True))
        found[f"{runtime} {precision}"] = wall
        print(
            f"U-Net, a collection plane, {runtime}, {precision}: {wall:.3f} s, {cpu:.3f} CPU s (median of {repeats})",
            flush=True,
        )
    return found


def spent(action: Callable[[], object]) -> tuple[float, float]:
    """Seconds and CPU seconds of an action."""
    start, cpu = time.perf_counter(), time.process_time()
    action()
    return time.perf_counter() - start, time.process_time() - cpu


def event(threads: int, repeats: int) -> dict:
    """Time a whole event in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        run = [sys.executable, __file__, "--make-event", folder]
        subprocess.run(run, check=True)
        runs = [
            json.loads(subprocess.run(
                [sys.executable, __file__, "--clean-event", folder, "--threads", str(threads)],
                check=True, capture_output=True, text=True,
            ).stdout.splitlines()[-1])
            for _ in range(repeats)
        ]  # fmt: skip
    found = {k: statistics.median(r[k] for r in runs) for k in ("seconds", "cpu_seconds", "memory_gb")}
    print(
        f"U-Net, an event of 15360 x 6000, store to files: {found['seconds']:.2f} s, {found['cpu_seconds']:.1f} CPU s, "
        f"{found['memory_gb']:.2f} GB (median of {repeats})",
        flush=True,
    )
    return found


def make_event(folder: Path) -> None:
    """Simulate one event with six APAs and convert it."""
    from protodune.rawio.flat import write_flat
    from protodune.simulation.events import simulate_events
    from protodune.simulation.settings import SampleSettings, SimulationSettings
    from protodune.stages.produce import convert

    sample = SampleSettings("benchmark", 1, 1, tuple(range(6)), SimulationSettings())
    write_flat(folder / "raw.root", simulate_events(sample), 6000, {})
    convert.run(
        convert.ConvertSettings("benchmark", "simulation"), str(folder / "raw.root"), None, str(folder / "events.h5")
    )


def clean_event(folder: Path, threads: int) -> None:
    """Clean the event of ``make_event`` and print seconds and peak memory as JSON."""
    from protodune.learning.method import NetworkSettings, infer_sample, load_method

    start, cpu = time.perf_counter(), time.process_time()  # after imports, which do not come again with every event
    for family in ("collection", "induction"):
        settings = NetworkSettings("denoise", runtime="auto", precision="auto")
        weights = str(ZOO / f"unet.{family}.safetensors")
        output = str(folder / f"{family}.h5")
        method = load_method(settings, family, weights, threads)
        infer_sample(method, "denoise", "unet", str(folder / "events.h5"), output)
    found = {"seconds": time.perf_counter() - start, "cpu_seconds": time.process_time() - cpu}
    print(json.dumps({**found, "memory_gb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6}))


@contextmanager
def their_arithmetic() -> Iterator[None]:
    """Compute both convolutions of the CNN's layers, then their mean, as DUNEdn does."""

    def forward(self, x: torch.Tensor, graph: None = None) -> torch.Tensor:
        return torch.mean(torch.stack([self.conv1(x), self.conv2(x)]), dim=0)

    ours, TwoScaleConv.forward = TwoScaleConv.forward, forward
    yield
    TwoScaleConv.forward = ours


def forward_time(model: torch.nn.Module, shape: tuple[int, ...], repeats: int, precision: str) -> float:
    """Median time of a network on noise of a shape, seconds."""
    x = torch.from_numpy(noise(*shape))
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=precision == "bfloat16"):
        return median_time(lambda: model(x), repeats)


def peers(repeats: int, batches: list[int]) -> dict:
    """Time DUNEdn's networks, scaled to a collection plane."""
    found = {}
    for name, theirs in THEIRS.items():
        model = build_network(name, theirs, "denoise").module.eval()
        for label, precision in (("as shipped", "float32"), ("tuned", "bfloat16")):
            model.memory_format = torch.contiguous_format if precision == "float32" else torch.channels_last
            with their_arithmetic():
                if name == "uscg":
                    seconds = WINDOWS * forward_time(model, (1, 2, COLLECTION[0], 2000), repeats, precision)
                else:
                    tiles = (forward_time(model, (n, 2, 32, 32), repeats, precision) / n for n in batches)
                    seconds = TILES * min(tiles)
            found[f"{name} {label}"] = seconds
        network = build_network(name, {}, "denoise")
        model = network.module.eval()
        fold_norms(model)
        executor = torch_executor(Model(network), "bfloat16")
        pieces = plan_pieces(network, COLLECTION, pixels_at_once(executor, torch.device("cpu"), None))
        r, t = pieces[0][0]
        shape = (len(pieces[0]), 2, r.stop - r.start, t.stop - t.start)
        found[f"{name} ours"] = len(pieces) * forward_time(model, shape, repeats, "bfloat16")
        line = ", ".join(f"{k.removeprefix(name + ' ')} {v:.1f} s" for k, v in found.items() if k.split()[0] == name)
        print(f"{name}, a collection plane: {line} (median of {repeats})", flush=True)
    return found


def step_time(model: torch.nn.Module, shape: tuple[int, ...], repeats: int, precision: str) -> float:
    """Median time of a step with gradients and AdamW on noise, seconds."""
    x, y = (torch.from_numpy(noise(shape[0], n, *shape[1:])) for n in (2, 1))
    optimizer = torch.optim.AdamW(model.parameters(), foreach=True)

    def step() -> None:
        optimizer.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bfloat16"):
            output = model(x).float()
        (output[:, :1] - y).square().mean().backward()
        optimizer.step()

    return median_time(step, repeats)


def fresh(name: str, settings: dict) -> torch.nn.Module:
    """Return a network that is to be trained."""
    return build_network(name, settings, "denoise").module.train()


def training(threads: int, repeats: int) -> dict:
    """Throughput of training, megapixels per second and thread; ours in bfloat16, theirs in float32."""
    found = {}
    shapes = {"unet": (4, 96, 512), "cnn": (16, 32, 32), "gcnn": (16, 32, 32), "uscg": (1, 960, 2000)}
    for name, shape in shapes.items():
        megapixels = np.prod(shape) / 1e6 / threads
        found[f"{name} ours"] = megapixels / step_time(fresh(name, {}), shape, repeats, "bfloat16")
        if name in THEIRS:
            model = fresh(name, THEIRS[name])
            model.memory_format = torch.contiguous_format
            with their_arithmetic():
                found[f"{name} theirs"] = megapixels / step_time(model, shape, repeats, "float32")
        line = ", ".join(f"{k.split()[1]} {v:.4f}" for k, v in found.items() if k.split()[0] == name)
        print(f"training {name}: {line} Mpixel/s per thread", flush=True)
    return found


def main() -> None:
    """Measure and print, or do one of the two steps of ``event`` in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--batches", type=int, nargs="+", default=[2, 8, 32], help="crops at a time of the peers")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--json")
    parser.add_argument("--make-event", help=argparse.SUPPRESS)
    parser.add_argument("--clean-event", help=argparse.SUPPRESS)
    a = parser.parse_args()
    if a.make_event or a.clean_event:
        make_event(Path(a.make_event)) if a.make_event else clean_event(Path(a.clean_event), a.threads)
        return
    keep_freed_memory()
    torch.set_num_threads(a.threads)
    parts = {
        "plane": lambda: plane(a.repeats),
        "event": lambda: event(a.threads, a.repeats),
        "peers": lambda: peers(a.repeats, a.batches),
        "training": lambda: training(a.threads, a.repeats),
    }
    results = {"threads": a.threads} | {name: parts[name]() for name in a.only}
    if {"plane", "peers"} <= results.keys():
        unet = results["plane"]["bfloat16"]
        for label in ("as shipped", "tuned"):
            results[f"speed-up over the CNN {label}"] = results["peers"][f"cnn {label}"] / unet
            print(f"U-Net against DUNEdn's CNN {label}: {results['peers'][f'cnn {label}'] / unet:.0f} times as fast")
    if a.json:
        Path(a.json).write_text(json.dumps(results, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
