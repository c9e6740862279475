"""Numbers of ProtoDUNE-SP that must not change: products of the shipped weights and of classical methods, their scores and
tables, and weights after two epochs of a deterministic training.

``reference.py compare small six trainings`` (``make test-reference``) compares with tests/data/reference.json, and
``compare FILE.root:NOISE_OFF.root`` with the numbers of such a file; ``write`` replaces them, which the CHANGELOG must
explain.  Arrays are hashed.  Where processor or versions differ from those of the reference, sums are compared instead.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import platform
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

import numpy as np

from helpers import DATA, REPOSITORY, small_sample
from protodune.core.tables import read_table
from protodune.detector.model import FAMILIES
from protodune.events.products import Products
from protodune.events.store import EventStore
from protodune.learning.method import NetworkSettings, infer_sample, load_method
from protodune.learning.weights import load_weights
from protodune.rawio.flat import write_flat
from protodune.simulation.events import simulate_events
from protodune.simulation.settings import SampleSettings, SimulationSettings
from protodune.stages.learn import prepare, train
from protodune.stages.measure import measure, table
from protodune.stages.produce import convert, infer_classical

FILE = DATA / "reference.json"
CHAIN = ["sticky", "tails", "low_pass", "coherent"]
METHODS = {
    "coherent_cut15": [*CHAIN, {"cut": {"size_adc": 15.0}}],
    "deconvolution": [*CHAIN, "deconvolve", "reconvolve"],
    "wiener": ["wiener"],
    "threshold_regions": [*CHAIN, {"threshold_regions": {"sigma": 4.0}}, "in_regions"],
}
NETWORKS = {"collection": {"unet": "denoise"}, "induction": {"unet": "denoise", "dnnroi": "regions"}}
TRAININGS = {
    "unet": ("unet", {"widths": [4, 8]}, "induction", "waveform", "denoise", (32, 64)),
    "cnn": ("cnn", {"width": 2}, "collection", "waveform", "denoise", (32, 32)),
    "cnn_regions": ("cnn", {"width": 2}, "collection", "waveform", "regions", (32, 32)),
    "dnnroi": ("dnnroi", {"width": 2}, "induction", "dnnroi", "regions", (32, 16)),
}
OPTIMISER = {
    "epochs": 2, "global_batch": 4, "micro_batch": 2, "calibration_patches": 8, "deterministic": True, "ema_decay": 0.9,
}  # fmt: skip


def machine() -> dict[str, str]:
    """What bits of floating point numbers depend on."""
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    # Processors of one name differ in their instructions, and with them rounding does.
    first = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in reversed(lines))}
    kind = " ".join(first.get(key, "") for key in ("model name", "cpu family", "model", "stepping"))
    return {
        "processor": kind.strip() or platform.processor(), "threads": str(os.cpu_count()),
        **{name: version(name) for name in ("torch", "numpy", "scipy")},
    }  # fmt: skip


def described(array: np.ndarray) -> str:
    """Return hash, mean and standard deviation of an array."""
    digest = hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()[:16]
    values = np.asarray(array, np.float64)
    return f"{digest} {values.mean():.9g} {values.std():.9g}"


def make_events(name: str, folder: Path) -> Path:
    """Make the event store of a sample: simulated ones by name, or FILE:NOISE_OFF."""
    units = {"small": (0,), "six": tuple(range(6))}
    raw, noise_off = (folder / "raw.root", None) if name in units else map(Path, name.split(":"))
    if name in units:
        ticks = 1024 if name == "small" else 6000
        settings = SimulationSettings(ticks=ticks)
        write_flat(raw, simulate_events(SampleSettings("reference", 77, 1, units[name], settings)), ticks, {})
    convert.run(
        convert.ConvertSettings("reference", "simulation", noisy_above=None),
        str(raw),
        noise_off and str(noise_off),
        str(folder / "events.h5"),
    )
    return folder / "events.h5"


def of_sample(name: str, folder: Path) -> dict[str, str]:
    """Return the numbers of a sample: events, products, scores, table."""
    events, found, scores = make_events(name, folder), {}, []
    with EventStore(events) as store:
        for image in range(len(store)):
            for plane in store.detector.plane_names:
                arrays = {n: getattr(store, n)(plane, image) for n in ("adc", "pedestal", "noise_rms", "status", "clean")}
                arrays |= {"charge": store.charge_image(plane, image)} if store.has_charge else {}
                found |= {f"events/{plane}/{image}/{n}": described(a) for n, a in arrays.items()}
    for family in FAMILIES:
        for method in (*NETWORKS[family], *METHODS):
            output = folder / f"{method}.{family}.h5"
            task = NETWORKS[family].get(method, "denoise")
            if method in METHODS:
                settings = json.dumps({"steps": METHODS[method]})
                arguments = ["--settings", settings, "--task", task, "--step", task, "--method", method, "--family", family]
                assert (
                    infer_classical.main([*arguments, "--events", str(events), "--output", str(output), "--threads", "2"])
                    == 0
                )
            else:
                weights = REPOSITORY / "zoo" / f"{method}.{family}.safetensors"
                loaded = load_method(NetworkSettings(task), family, str(weights), threads=2)
                infer_sample(loaded, task, method, str(events), str(output))
            found |= of_products(method, family, output, events)
            scores.append(str(folder / f"{method}.{family}.tsv"))
            about = {"task": task, "step": task, "method": method, "sample": "reference"}
            measure.run("scores", about, family, str(events), str(output), scores[-1])
            values = [r["value"] for r in read_table(scores[-1])]
            found[f"scores/{method}/{family}"] = hashlib.sha256("\n".join(values).encode()).hexdigest()[:16]
    table.run(scores, str(folder / "table.tsv"))
    for r in read_table(folder / "table.tsv"):
        found["/".join(["table", r["family"], r["channels"], r["method"], r["metric"]])] = r["value"]
    return found


def of_products(method: str, family: str, output: Path, events: Path) -> dict[str, str]:
    """Return the numbers of a product file."""
    found = {}
    with Products(output) as products, EventStore(events) as store:
        for image in range(len(store)):
            for plane in store.family(family, image):
                for name in products.names():
                    found[f"{method}/{plane.name}/{image}/{name}"] = described(products.image(name, plane.name, image))
    return found


def of_trainings(folder: Path) -> dict[str, str]:
    """Return the numbers of two epochs of each small training."""
    write_flat(folder / "raw.root", simulate_events(small_sample()), 512, {})
    events, found = folder / "events.h5", {}
    convert.run(
        convert.ConvertSettings("small", "simulation", noisy_above=None), str(folder / "raw.root"), None, str(events)
    )
    for name, (network, settings, family, features, task, (height, width)) in TRAININGS.items():
        for part, mode, n in (("train", "crop", 24), ("val", "tile", 6)):
            patches = {"mode": mode, "height": height, "width": width, "per_image": n, "signal_fraction": 0.7, "seed": 1}
            given = ["--settings", json.dumps({**patches, "features": features, "task": task}), "--family", family]
            assert prepare.main([*given, "--events", str(events), "--output", str(folder / f"{name}.{part}.h5")]) == 0
        training = {
            "task": task, "step": task, "model": network, "network": network, "network_settings": settings, "family": family,
            "trial": "t", "seed": 1, "optimiser": OPTIMISER,
        }  # fmt: skip
        files = ["--train", str(folder / f"{name}.train.h5"), "--val", str(folder / f"{name}.val.h5")]
        target = folder / name
        assert train.main(["--settings", json.dumps(training), *files, "--output", str(target), "--threads", "1"]) == 0
        tensors = load_weights(target / "weights.safetensors")[0].module.state_dict()
        found |= {f"{name}/{key}": described(value.numpy()) for key, value in tensors.items()}
        for row in read_table(target / "history.tsv"):
            found |= {f"{name}/history/{row['epoch']}/{k}": v for k, v in row.items() if "train_" in k or "val_" in k}
    return found


def make(name: str) -> dict[str, str]:
    """Return all numbers of a sample or of the trainings."""
    with tempfile.TemporaryDirectory() as folder:
        return of_trainings(Path(folder)) if name == "trainings" else of_sample(name, Path(folder))


def differences(found: dict[str, str], wanted: dict[str, str], exact: bool) -> list[str]:
    """Return which numbers differ: in any digit, or where bits may differ by more than a hundredth."""
    keys = sorted({*found, *wanted})
    return [k for k in keys if not _same(found.get(k, ""), wanted.get(k, ""), exact)]


def _same(found: str, wanted: str, exact: bool) -> bool:
    if found == wanted or exact:
        return found == wanted
    if len(found.split()) != len(wanted.split()):
        return False
    if len(found.split()) == 1 and not _is_number(wanted):
        return True  # a hash alone
    pairs = list(zip(found.split(), wanted.split(), strict=True))[-2:]
    return all(math.isclose(float(a), float(b), rel_tol=0.01, abs_tol=1e-3) for a, b in pairs if a != b)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return len(text) < 16


def main(verb: str, *names: str) -> int:
    """Compare with the reference, or write it."""
    stored = json.loads(FILE.read_text()) if FILE.exists() else {}
    here, failed = machine(), False
    for name in names:
        key, found = "file" if ":" in name else name, make(name)
        if verb == "write":
            stored[key] = {"machine": here, "numbers": found}
            continue
        exact = stored[key]["machine"] == here
        wrong = differences(found, stored[key]["numbers"], exact)
        print(f"{name}: {len(found)} numbers, {'bit by bit' if exact else 'within 1 %'}, {len(wrong)} differ", *wrong[:20])
        failed |= bool(wrong)
    if verb == "write":
        FILE.write_text(json.dumps(stored, indent=0, sort_keys=True) + "\n")
    return int(failed)


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:]))
