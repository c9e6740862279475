"""INT8 beside float32 on the cosmic muons of `config/zoo_test.yaml`: error of denoised waveforms, charge, regions.

    python benchmarks/int8.py [--weights zoo/unet.{family}.safetensors] [--events 2] [--units 3 4 5]

Three seeds, six APA-events each by default; a line per family and seed. Six minutes on two cores.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow"))

from protodune.classical.pedestal import estimate_pedestal
from protodune.detector.model import FAMILIES
from protodune.learning.inference import fold_norms
from protodune.learning.quantization import compare
from protodune.learning.runtime import Model
from protodune.learning.weights import load_weights
from protodune.rawio.conversion import ConvertSettings, convert_file
from protodune.rawio.flat import write_flat
from protodune.simulation.events import simulate_events
from protodune.simulation.settings import SampleSettings, SimulationSettings

SEEDS = (2001, 2011, 2021)
UNET = str(Path(__file__).resolve().parents[1] / "zoo" / "unet.{family}.safetensors")


def store(folder: Path, seed: int, events: int, units: tuple[int, ...]) -> str:
    """Simulate and convert; return the event store."""
    sample = SampleSettings(f"seed{seed}", seed, events, units, SimulationSettings())
    raw, converted = folder / "raw.root", folder / f"{seed}.h5"
    write_flat(raw, simulate_events(sample), 6000, {})
    convert_file(ConvertSettings(f"seed{seed}", "simulation"), str(raw), None, str(converted), estimate_pedestal)
    return str(converted)


def main() -> None:
    """Measure and print, a line per family and seed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", default=UNET)
    parser.add_argument("--events", type=int, default=2)
    parser.add_argument("--units", type=int, nargs="+", default=[3, 4, 5])
    a = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        stores = {seed: store(Path(folder), seed, a.events, tuple(a.units)) for seed in SEEDS}
        for family in FAMILIES:
            path = a.weights.replace("{family}", family)
            network, about = load_weights(path)
            fold_norms(network.module)
            for seed, path_of_events in stores.items():
                found = compare(Model(network, path), family, [path_of_events], about.get("threshold", 0.5)).figures()
                print(f"{family}, seed {seed}: " + ", ".join(f"{k} {v:.5g}" for k, v in found.items()), flush=True)


if __name__ == "__main__":
    main()
