"""Settings of the stages as JSON text with sorted keys, since Snakemake compares them as text."""

from __future__ import annotations

import json

from protodune.core.settings import load_schema
from protodune.dag.config_check import with_defaults
from protodune.dag.model_check import features_of
from protodune.dag.selection import Selection


def to_json(settings: object) -> str:
    """Return settings as a stage takes them."""
    return json.dumps(settings, sort_keys=True)


class JobSettings:
    """What changes the numbers of each job, by its wildcards."""

    def __init__(self, selection: Selection):
        self._of, self._config = selection, selection.config

    def sample(self, w) -> str:
        """Settings of the simulation of one sample."""
        row = self._of.samples[w.sample]
        settings = {"sample": row.sample, "detector": row.detector, "seed": row.seed}
        if row.recording:  # events and units are the recording's, its noise too
            simulation = with_defaults(
                {"preset": "clean", **row.simulation}, load_schema("config")["properties"]["simulation"]
            )
            return to_json({**settings, "events": 1, "units": [0], "simulation": simulation})
        return to_json(
            {**settings, "events": row.events, "units": list(row.units), "simulation": self._of.simulation_of(row)}
        )

    def convert(self, w) -> str:
        """Settings of the conversion of one sample."""
        row = self._of.samples[w.sample]
        settings = {k: v for k, v in self._config["convert"].items() if k != "bad_channels"}
        return to_json(
            {**settings, "sample": row.sample, "kind": row.kind, "detector": row.detector, "tag": row.tag or None}
        )

    def patches(self, w) -> str:
        """Settings of one patch file; validation takes tiles of whole planes, so that its loss is that of a plane."""
        patch = dict(self._config["patches"][w.patches])
        val_per_image = patch.pop("val_per_image")
        if self._of.samples[w.sample].split != "train":
            patch |= {"mode": "tile", "per_image": val_per_image}
        task = self._of.steps[w.step].task
        return to_json({**patch, "seed": self._config["seed"], "task": task, "features": w.features})

    def _training(self, step: str, model_name: str, family: str, trial: str, overrides: dict) -> dict:
        model = self._config["models"][model_name]
        return {
            "task": self._of.steps[step].task, "step": step, "model": model_name, "network": model["network"],
            "network_settings": model["settings"], "family": family, "trial": trial, "seed": self._config["seed"],
            "optimiser": {**model["training"], **overrides}, "mixed_detectors": self._config["mixed_detectors"],
        }  # fmt: skip

    def training(self, w) -> str:
        """Everything that defines one training."""
        trial = self._of.trial(w)
        return to_json(self._training(trial.step, trial.model, trial.family, trial.trial, trial.overrides))

    def search(self, w) -> str:
        """The search for settings: the training that it varies, and how."""
        search = self._config["search"]
        training = self._training(search["step"], search["model"], search["family"], "search", search["training"])
        chosen = {k: search[k] for k in ("space", "sampler", "pruning", "trials")}
        return to_json({"training": training, "seed": self._config["seed"], **chosen})

    def network(self, w) -> str:
        """Settings of a network's inference."""
        model = self._config["models"][w.model]
        trained_here = None if "weights" in model else w.model
        # A trial of given weights trains nothing: what it overrides is how they are used.
        overrides = self._of.trial(w).overrides if "weights" in model else {}
        how = {name: overrides.get(name, model[name]) for name in ("runtime", "precision")}
        task = self._of.steps[w.step].task
        cuts = {name: model[name] for name in ("combine", "cut_adc", "threshold")}
        return to_json({"task": task, "model": trained_here, "network": model["network"], **how, **cuts})

    def method(self, w) -> str:
        """Settings of a classical method."""
        return to_json({"steps": self._config["methods"][w.method]["steps"]})

    def frames(self, w) -> str:
        """Settings of a method that takes its products from frame files."""
        return to_json({k: v for k, v in self._config["methods"][w.method]["frames"].items() if k != "file"})

    def whole(self) -> str:
        """The whole configuration, defaults filled in, indented."""
        return json.dumps(self._config, sort_keys=True, indent=1)

    # Options beside the settings.

    def convert_options(self, w) -> list[str]:
        """Further options of the conversion: the files that it takes beside the source, the checksum of the source."""
        row = self._of.samples[w.sample]
        options = {
            "--partner": row.partner,
            "--adler32": row.adler32,
            "--bad-channels": self._config["convert"]["bad_channels"],
        }
        return [f"{option}={path}" for option, path in options.items() if path]

    def check_options(self, w) -> list[str]:
        """Options of the check of a source."""
        row = self._of.samples[w.sample]
        return [f"--detector={row.detector}", *([f"--tag={row.tag}"] if row.tag else []), *self.convert_options(w)]

    def export_options(self, w) -> list[str]:
        """Options of the way back to ROOT."""
        wanted = self._config["export"]["denoised_runs_adc"]
        return [] if wanted is None else [f"--denoised-runs-adc={wanted}"]

    def margins(self) -> str:
        """By how much networks for Wire-Cell widen regions, as JSON."""
        return json.dumps(self._config["export"]["wirecell_margins"])

    def scaling_options(self, w) -> list[str]:
        """Options of the scaling study."""
        wanted = self._config["scaling"]
        ranks = ["--ranks", *map(str, wanted["ranks"])] if wanted["ranks"] else []
        return [*ranks, "--steps", str(wanted["steps"]), "--repeats", str(wanted["repeats"])]

    def plane_options(self, w) -> list[str]:
        """Detector and readout length of the planes on which networks are timed, and for which they are exported."""
        detectors = list(dict.fromkeys(row.detector for row in self._of.samples.values()))
        ticks = self._config["simulation"]["ticks"]
        return [f"--detector={detectors[0]}"] * bool(detectors) + ([f"--ticks={ticks}"] if ticks else [])

    def task(self, w) -> str:
        """The task of a job's step."""
        return self._of.steps[w.step].task

    def features(self, model: str) -> str:
        """The features of a model's network."""
        return features_of(self._config["models"][model]["network"])

    def inputs(self, w) -> list[str]:
        """Products of earlier steps that a job reads, as STEP=FILE."""
        step = self._of.steps[w.step]
        return [f"{p.step}={p.path}" for p in self._of.read_products(step, w.family, w.sample)]

    def source(self, w) -> str:
        """Path or address of a sample's raw digits."""
        row = self._of.samples[w.sample]
        return f"results/raw/{row.sample}.root" if row.is_simulated else row.source


def is_remote(path: str) -> bool:
    """Whether a source is an address that uproot opens itself; Snakemake would take it for a local path."""
    return "://" in path
