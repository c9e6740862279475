"""From the checked configuration to paths and settings: every helper of the rules files, as plain functions."""

from __future__ import annotations

import json
from collections.abc import Iterable

from protodune.dag.config_check import Plan, find_file
from protodune.dag.digest import code_digest
from protodune.dag.sheets import Sample, Trial

PLANES = ("induction", "collection")
DEFAULT_VAL_PER_IMAGE = 100


def one_of(names: Iterable[str]) -> str:
    """Return a wildcard constraint that matches these names only; nothing if there are none."""
    return "|".join(sorted(set(names))) or "(?!)"


def feature_module(features: str) -> str:
    """Return the module that makes a set of features; stages find it by name, so the digest of their code must be told."""
    return f"protodune.learning.{features}_features"


def is_remote(path: str) -> bool:
    """Whether a source is an address that uproot opens itself; Snakemake would take it for a local path."""
    return "://" in path


def merged_simulation(general: dict, own: dict) -> dict:
    """Return the simulation of the configuration with a sample's own settings over it.

    A sample that names another preset takes its switches from there.
    """
    effects = {} if "preset" in own else general.get("effects", {})
    return {**general, **own, "effects": {**effects, **own.get("effects", {})}}


class Targets:
    """Paths and settings of one plan; settings are JSON text with sorted keys, since they are compared as text."""

    def __init__(self, plan: Plan):
        self.config, self.samples, self.trials = plan.config, plan.samples, plan.trials
        self.trained = [t for t in plan.trials if not self.config["models"][t.model].get("weights")]
        self._by_key = {(t.task, t.model, t.plane, t.trial): t for t in plan.trials}
        self.networks = sorted({t.method for t in plan.trials})
        self.methods = list(plan.config["methods"])

    def samples_of(self, *splits: str) -> list[str]:
        """Names of the samples of the given splits."""
        return [s.sample for s in self.samples.values() if s.split in splits]

    def toys(self) -> list[str]:
        """Names of the samples that the embedded simulation makes."""
        return [s.sample for s in self.samples.values() if s.is_toy]

    def converted(self) -> list[str]:
        """Names of the samples whose event store is made from a ROOT file, simulated or not."""
        return [s.sample for s in self.samples.values() if not s.recording]

    def scored(self) -> list[str]:
        """Names of the test samples with truth."""
        return [name for name in self.samples_of("test") if self.samples[name].has_clean]

    def angle_of(self, sample: str) -> tuple[str, float] | None:
        """Plane and theta_xz in degrees of a simulated sample whose tracks all have one angle; None for any other."""
        row = self.samples[sample]
        simulation = merged_simulation(self.config["simulation"], row.simulation)
        angles = simulation.get("ideal_theta_xz_deg", [])
        if not row.is_toy or simulation.get("content") != "ideal_tracks" or len(angles) != 1:
            return None
        return simulation.get("ideal_plane", "X"), float(angles[0])

    def compared(self) -> list[str]:
        """Names of the test samples with truth that count in the tables of methods: not those of tracks at one angle, which
        have a figure of their own."""
        return [name for name in self.scored() if self.angle_of(name) is None]

    def _has_plane(self, sample: str, plane: str) -> bool:
        """Whether a sample is looked at on a plane family; tracks at one angle only where they have that angle."""
        angle = self.angle_of(sample)
        return angle is None or (angle[0] == "X") == (plane == "collection")

    def trial(self, w) -> Trial:
        """The trial of a job's wildcards."""
        return self._by_key[w.task, w.model, w.plane, w.trial]

    # Settings of the stages.

    def sample_settings(self, w) -> str:
        """Settings of the simulation of one sample."""
        row = self.samples[w.sample]
        settings = {"sample": row.sample, "seed": row.seed, "events": row.events, "apas": list(row.apas)}
        if row.recording:  # events and APAs are the recording's, its noise too
            settings |= {"events": 1, "apas": [0]}
            return _json({**settings, "simulation": {"preset": "clean", **row.simulation}})
        return _json({**settings, "simulation": merged_simulation(self.config["simulation"], row.simulation)})

    def convert_settings(self, w) -> str:
        """Settings of the conversion of one sample."""
        row = self.samples[w.sample]
        settings = {k: v for k, v in self.config["convert"].items() if k != "bad_channels"}
        return _json({**settings, "sample": row.sample, "kind": row.kind, "tag": row.tag or None})

    def convert_options(self, w) -> list[str]:
        """Further options of the conversion: the files that it takes beside the source."""
        options = {"--partner": self.samples[w.sample].partner, "--bad-channels": self.config["convert"].get("bad_channels")}
        return [f"{option}={path}" for option, path in options.items() if path]

    def patch_settings(self, w) -> str:
        """Settings of one patch file; validation takes tiles of whole planes, so that its loss is a plane's."""
        patch = dict(self.config["patches"][w.patches])
        val_per_image = patch.pop("val_per_image", DEFAULT_VAL_PER_IMAGE)
        if self.samples[w.sample].split == "train":
            patch.setdefault("mode", "crop")
        else:
            patch.update(mode="tile", per_image=val_per_image)
        return _json({**patch, "seed": self.config["seed"]})

    def trial_settings(self, w) -> str:
        """Everything that defines one training."""
        trial = self.trial(w)
        model = self.config["models"][trial.model]
        return _json(
            {
                "task": trial.task,
                "model": trial.model,
                "architecture": model["architecture"],
                "family": trial.plane,
                "trial": trial.trial,
                "seed": self.config["seed"],
                "network": model.get("network", {}),
                "optimiser": {**model.get("training", {}), **trial.overrides},
            }
        )

    def network_settings(self, w) -> str:
        """Settings of a network's inference."""
        model = self.config["models"][w.model]
        precision = {**model.get("training", {}), **self.trial(w).overrides}.get("precision", "float32")
        trained_here = None if model.get("weights") else w.model
        cuts = {"cut_adc": model.get("cut_adc", 0), "roi_threshold": model.get("roi_threshold")}
        return _json({"task": w.task, "model": trained_here, "precision": precision, **cuts})

    def patch_code(self, w) -> str:
        """Digest of the code that makes patches of a set's features."""
        features = self.config["patches"][w.patches].get("features", "waveform")
        return code_digest("protodune.stages.learn.prepare", feature_module(features))

    def network_code(self, w) -> str:
        """Digest of the code of a network's inference, with the features that it takes."""
        architecture = self.config["models"][w.model]["architecture"]
        features = "dnnroi" if architecture == "dnnroi" else "waveform"
        return code_digest("protodune.stages.produce.infer_network", feature_module(features))

    def method_settings(self, w) -> str:
        """Settings of a classical method."""
        return _json(self.config["methods"][w.method])

    # Files.

    def source(self, w) -> str:
        """Path or address of a sample's raw digits."""
        row = self.samples[w.sample]
        return f"results/raw/{row.sample}.root" if row.is_toy else row.source

    def local_sources(self, w) -> list[str]:
        """The files on disk that a conversion reads."""
        paths = (self.source(w), self.samples[w.sample].partner, self.config["convert"].get("bad_channels"))
        return [path for path in paths if path and not is_remote(path)]

    def events(self) -> list[str]:
        """Event stores of all samples."""
        return [f"results/events/{name}.h5" for name in self.samples]

    def checks(self) -> list[str]:
        """Inspections of the sources that are not simulated."""
        return [f"results/checks/{s.sample}.txt" for s in self.samples.values() if s.is_file]

    def patch_files(self, trial: Trial, split: str) -> list[str]:
        """Patch files that a trial reads from the samples of one split."""
        patches = self.config["models"][trial.model]["patches"]
        return [f"results/patches/{patches}/{trial.plane}/{name}.h5" for name in self.samples_of(split)]

    def train_patches(self, w) -> list[str]:
        """Patch files that one training fits."""
        return self.patch_files(self.trial(w), "train")

    def val_patches(self, w) -> list[str]:
        """Patch files that one training validates on."""
        return self.patch_files(self.trial(w), "val")

    def all_patches(self) -> list[str]:
        """Patch files of all trials."""
        return sorted({p for t in self.trained for split in ("train", "val") for p in self.patch_files(t, split)})

    def model_file(self, trial: Trial, name: str) -> str:
        """A product of one training."""
        return f"results/models/{trial.task}/{trial.model}/{trial.plane}/{trial.trial}/{name}"

    def weights(self) -> list[str]:
        """Weights of all trials that are trained."""
        return [self.model_file(t, "weights.safetensors") for t in self.trained]

    def network_weights(self, w) -> str:
        """The weights that a network's inference uses: those of its training, or the file that its model names."""
        given = self.config["models"][w.model].get("weights")
        if given:
            return str(find_file(given.replace("{plane}", w.plane)))
        return self.model_file(self.trial(w), "weights.safetensors")

    def scan_settings(self, w) -> str:
        """The search for settings: the training that it varies, and how."""
        scan = self.config["scan"]
        model = self.config["models"][scan["model"]]
        training = {
            "task": scan.get("task", "denoise"), "model": scan["model"], "architecture": model["architecture"],
            "family": scan["plane"], "trial": "scan", "seed": self.config["seed"], "network": model.get("network", {}),
            "optimiser": {**model.get("training", {}), **scan.get("training", {})},
        }  # fmt: skip
        chosen = {k: scan[k] for k in ("space", "sampler", "pruning", "trials") if k in scan}
        return _json({"training": training, "seed": self.config["seed"], **chosen})

    def scan_patches(self, split: str) -> list[str]:
        """Patch files of the search, of the samples of one split."""
        scan = self.config["scan"]
        patches = self.config["models"][scan["model"]].get("patches")
        return [f"results/patches/{patches}/{scan['plane']}/{name}.h5" for name in self.samples_of(split)]

    def scan_trials(self) -> list[str]:
        """Rows of all trials of the search."""
        return [f"results/scan/{number}.tsv" for number in range(self.config["scan"]["trials"])]

    def scaling_options(self, w) -> list[str]:
        """Options of the scaling study."""
        wanted = self.config["scaling"]
        ranks = ["--ranks", *map(str, wanted["ranks"])] if wanted.get("ranks") else []
        return [*ranks, "--steps", str(wanted.get("steps", 20)), "--repeats", str(wanted.get("repeats", 3))]

    def scaling_tables(self) -> list[str]:
        """Tables of the scaling study, one a training."""
        names, plane = self.config["scaling"]["networks"], self.config["scaling"]["plane"]
        return [
            f"results/scaling/{t.task}/{t.model}/{t.plane}/{t.trial}.tsv"
            for t in self.trained
            if t.method in names and t.plane == plane
        ]

    def speed_tables(self) -> list[str]:
        """Tables of the speed of inference, one a network and plane family."""
        names = self.config["speed"]["networks"]
        return [f"results/speed/{t.task}/{t.model}.{t.trial}/{t.plane}.tsv" for t in self.trials if t.method in names]

    def histories(self, plane: str) -> list[str]:
        """Training histories of a plane family."""
        return [self.model_file(t, "history.tsv") for t in self.trained if t.plane == plane]

    def trained_of(self, plane: str) -> list[str]:
        """Names of the trained networks of a plane family, in the order of ``histories``."""
        return [t.method for t in self.trained if t.plane == plane]

    def denoisers_of(self, plane: str) -> list[str]:
        """Names of the denoising networks of a plane family."""
        return [t.method for t in self.trials if t.plane == plane and t.task == "denoise"]

    def methods_of(self, plane: str) -> list[str]:
        """Names of all denoising methods for a plane family: classical ones, then networks."""
        return self.methods + sorted(self.denoisers_of(plane))

    def predictions(self, samples: list[str] | None = None) -> list[str]:
        """Predictions of all methods for the given samples, or for all test samples."""
        return self._of_methods("predictions", "h5", self.samples_of("test") if samples is None else samples)

    def scores(self) -> list[str]:
        """Scores of all methods for all test samples with truth."""
        return self._of_methods("scores", "tsv", self.scored())

    def table_scores(self) -> list[str]:
        """The scores that the table of methods averages."""
        return self._of_methods("scores", "tsv", self.compared())

    def curves(self, plane: str) -> list[str]:
        """Curves of the region selectors of a plane family, sample by sample within each method."""
        return [path for path in self._of_methods("curves", "tsv", self.compared()) if f"/{plane}/" in path]

    def scored_methods(self, plane: str) -> list[str]:
        """The method of each file of ``curves``."""
        return [method for _, method in self._tasks_and_methods(plane) for _ in self.compared()]

    def _of_methods(self, folder: str, suffix: str, samples: list[str]) -> list[str]:
        return [
            f"results/{folder}/{task}/{method}/{plane}/{sample}.{suffix}"
            for plane in PLANES
            for task, method in self._tasks_and_methods(plane)
            for sample in samples
            if self._has_plane(sample, plane)
        ]

    def _tasks_and_methods(self, plane: str) -> list[tuple[str, str]]:
        """Task and name of all methods for a plane family; classical ones count as denoising, whatever they find."""
        return [("denoise", m) for m in self.methods] + sorted((t.task, t.method) for t in self.trials if t.plane == plane)

    def shown(self, w) -> dict[str, str]:
        """Events and predictions that a display compares."""
        shown, folder = self.config["figures"], "results/predictions/denoise"
        return {
            "events": f"results/events/{w.sample}.h5",
            "network": f"{folder}/{shown['network']}/{w.plane}/{w.sample}.h5",
            "classical": f"{folder}/{shown['classical']}/{w.plane}/{w.sample}.h5",
        }

    def exported_predictions(self, w) -> list[str]:
        """Predictions of one method for one sample, all plane families that it has."""
        planes = [p for p in PLANES if w.method in self.methods_of(p) and self._has_plane(w.sample, p)]
        return [f"results/predictions/denoise/{w.method}/{plane}/{w.sample}.h5" for plane in planes]

    def exports(self) -> list[str]:
        """ROOT files of the network that the figures show."""
        shown = self.config["figures"]["network"]
        return [f"results/export/{shown}/{name}.root" for name in self.samples_of("test") if self.trials]

    def exported_models(self) -> list[str]:
        """Cards of all networks, for other frameworks."""
        return [f"results/exported_models/{t.task}/{t.method}/{t.plane}/model_card.md" for t in self.trials]

    def tables(self) -> list[str]:
        """The table of the methods, if a test sample has truth, and that of the events that were left out."""
        methods = [f"results/tables/methods.{suffix}" for suffix in ("tsv", "md", "tex", "html")] if self.compared() else []
        return methods + [f"results/tables/losses.{suffix}" for suffix in ("tsv", "html") if self.samples]

    def figures(self) -> list[str]:
        """All figures that the samples and trials allow (PNG)."""
        names = [
            f"{figure}.{plane}.{sample}"
            for plane in PLANES
            if self.config["figures"]["network"] in self.denoisers_of(plane)
            for sample in self.samples_of("test")
            if self.angle_of(sample) is None
            for figure in _event_figures(self.samples[sample])
        ]
        names += [f"training.{plane}" for plane in PLANES if self.trained_of(plane)]
        names += ["metrics", *(f"roi.{plane}" for plane in PLANES)] if self.compared() else []
        return [f"results/figures/{name}.png" for name in names]

    def report(self) -> list[str]:
        """The report, if there is anything to show."""
        return ["results/report.html"] if self.tables() + self.figures() else []


def _event_figures(sample: Sample) -> list[str]:
    return ["display", "zoom", *(["waveforms"] if sample.has_clean else [])]


def _json(settings: dict) -> str:
    return json.dumps(settings, sort_keys=True)
