"""Which files the stage targets ask for, and which files jobs read."""

from __future__ import annotations

from pathlib import Path

from protodune.core.files import int8_path
from protodune.dag.config_check import find_file
from protodune.dag.job_settings import JobSettings, is_remote
from protodune.dag.model_check import features_of, wirecell_tags
from protodune.dag.products import FAMILIES, Product, events, fills_in
from protodune.dag.selection import Selection
from protodune.dag.sheets import Trial


class Files:
    """Paths of a plan."""

    def __init__(self, selection: Selection):
        self._of, self._config, self._settings = selection, selection.config, JobSettings(selection)

    # Samples.

    def local_sources(self, w) -> list[str]:
        """The files on disk that a conversion reads, of those that Snakemake can name."""
        return [path for path in self._sources(w) if not fills_in(path)]

    def unnamed_sources(self, w) -> list[str]:
        """Name, size and time of the files that a conversion reads and Snakemake cannot name: their changes count too."""
        found = [Path(path) for path in self._sources(w) if fills_in(path)]
        return [f"{path} {path.stat().st_size} {path.stat().st_mtime_ns}" if path.is_file() else f"{path}" for path in found]

    def _sources(self, w) -> list[str]:
        partner, listed = self._of.samples[w.sample].partner, self._config["convert"]["bad_channels"]
        return [path for path in (self._settings.source(w), partner, listed) if path and not is_remote(path)]

    def events(self) -> list[str]:
        """Event stores of all samples."""
        return [events(name) for name in self._of.samples]

    def checks(self) -> list[str]:
        """What the checks of the sources that are not simulated found."""
        return [f"results/checks/{s.sample}.tsv" for s in self._of.samples.values() if s.is_file]

    def checked_files(self, w) -> list[str]:
        """The files on disk that a check reads; one that is missing is none, so that the check can say so."""
        return [path for path in self.local_sources(w) if Path(path).is_file()]

    # Trainings.

    def _patches(self, step: str, model: str, family: str, split: str) -> list[str]:
        entry = self._config["models"][model]
        folder = f"results/patches/{step}/{entry.get('patches')}/{features_of(entry['network'])}/{family}"
        return [f"{folder}/{name}.h5" for name in self._of.samples_of(split)]

    def train_patches(self, w) -> list[str]:
        """Patch files that one training fits."""
        return self._patches(w.step, w.model, w.family, "train")

    def val_patches(self, w) -> list[str]:
        """Patch files that one training validates on."""
        return self._patches(w.step, w.model, w.family, "val")

    def search_patches(self, split: str) -> list[str]:
        """Patch files of the search, of the samples of one split."""
        search = self._config["search"]
        return self._patches(search["step"], search["model"], search["family"], split)

    def all_patches(self) -> list[str]:
        """Patch files of all trials."""
        return sorted(
            {
                p
                for t in self._of.trained
                for split in ("train", "val")
                for p in self._patches(t.step, t.model, t.family, split)
            }
        )

    def patch_names(self) -> list[str]:
        """Names of the sets of features that trainings use."""
        return sorted({features_of(self._config["models"][t.model]["network"]) for t in self._of.trials})

    def crops(self, trial: Trial) -> str:
        """Name (step.patches.features) of the patches of a trial, for the figure that shows them."""
        entry = self._config["models"][trial.model]
        return f"{trial.step}.{entry['patches']}.{features_of(entry['network'])}"

    def model_file(self, trial: Trial, name: str) -> str:
        """A product of one training."""
        return f"results/models/{trial.step}/{trial.model}/{trial.family}/{trial.trial}/{name}"

    def weights_of(self, trial: Trial) -> str:
        """The weights that a trial's inference uses: those of its training, or the file that its model names."""
        given = self._config["models"][trial.model].get("weights")
        return (
            str(find_file(given.replace("{family}", trial.family)))
            if given
            else self.model_file(trial, "weights.safetensors")
        )

    def network_weights(self, w) -> str:
        """The weights that a network's inference uses."""
        return self.weights_of(self._of.trial(w))

    def network_int8(self, w) -> list[str]:
        """The INT8 file that lies beside weights that are given, if there is one."""
        path = int8_path(self.network_weights(w))
        return [str(path)] if path.is_file() else []

    def weights(self) -> list[str]:
        """Weights of all trials that are trained."""
        return [self.model_file(t, "weights.safetensors") for t in self._of.trained]

    def histories(self, family: str) -> list[str]:
        """Training histories of a family."""
        return [self.model_file(t, "history.tsv") for t in self.trained_of(family)]

    def trained_of(self, family: str) -> list[Trial]:
        """The trained trials of a family, in the order of ``histories``."""
        return [t for t in self._of.trained if t.family == family]

    def search_trials(self) -> list[str]:
        """Rows of all trials of the search."""
        return [f"results/search/{number}.tsv" for number in range(self._config["search"]["trials"])]

    def scaling_tables(self) -> list[str]:
        """Tables of the scaling study, one per training."""
        wanted, family = self._config["scaling"]["networks"], self._config["scaling"]["family"]
        return [
            f"results/scaling/{t.step}/{t.model}/{t.family}/{t.trial}.tsv"
            for t in self._of.trained
            if t.method in wanted and t.family == family
        ]

    def speed_tables(self) -> list[str]:
        """Tables of the speed of inference, one per network and family."""
        wanted = self._config["speed"]["networks"]
        return [f"results/speed/{t.step}/{t.model}.{t.trial}/{t.family}.tsv" for t in self._of.trials if t.method in wanted]

    # Products and what is measured of them.

    def inputs(self, w) -> list[str]:
        """Product files of earlier steps that a job reads."""
        return [p.path for p in self._of.read_products(self._of.steps[w.step], w.family, w.sample)]

    def frames(self, w) -> str:
        """The frame file from which a method has its products of a sample."""
        return self._config["methods"][w.method]["frames"]["file"].replace("{sample}", w.sample)

    def products(self) -> list[str]:
        """Products of all methods for the test samples."""
        return [p.path for p in self._of.products()]

    def measured(self, level: str, samples: list[str], family: str | None = None) -> list[str]:
        """Measurements of a level of all methods on samples, of one family or of all; of steps that have such measures."""
        return [p.measurements(level) for p in self.measured_products(level, samples, family)]

    def measured_products(self, level: str, samples: list[str], family: str | None = None) -> list[Product]:
        """The products that ``measured`` names the measurements of."""
        return [
            p for p in self._of.products(samples) if self._of.steps[p.step].measures(level) and family in (None, p.family)
        ]

    def table_scores(self) -> list[str]:
        """The scores that the table of methods averages."""
        return self.measured("scores", self._of.compared())

    def scores(self) -> list[str]:
        """Scores of all methods for all test samples with truth."""
        return self.measured("scores", self._of.scored())

    def shown(self, w) -> dict[str, str]:
        """Events and products that a display compares."""
        shown, step = self._config["figures"], self._of.shown_step
        found = {"events": events(w.sample)}
        return found | {kind: Product(step, shown[kind], w.family, w.sample).path for kind in ("network", "classical")}

    def exported_products(self, w) -> list[str]:
        """Products of one denoising method for one sample, of all families that it has."""
        step = self._of.shown_step
        families = [f for f in FAMILIES if w.method in self._of.methods_of(step, f) and self._of.has_family(w.sample, f)]
        return [Product(step, w.method, f, w.sample).path for f in families]

    def exports(self) -> list[str]:
        """ROOT files of the network that the figures show."""
        shown = self._config["figures"]["network"]
        return [f"results/export/{shown}/{name}.root" for name in self._of.samples_of("test") if self._of.trials]

    def exported_models(self) -> list[str]:
        """Cards of all networks, for other frameworks."""
        return [f"results/exported_models/{t.step}/{t.method}/{t.family}/model_card.md" for t in self._of.trials]

    def exported_frames(self) -> list[str]:
        """Frame files of the test samples, for Wire-Cell."""
        return [f"results/frames/{name}.tar.gz" for name in self._of.samples_of("test")]

    def wirecell_models(self) -> list[str]:
        """Cards of networks for Wire-Cell: those on features that it makes as well."""
        return [
            f"results/exported_models/{t.step}/{t.method}/{t.family}/model.wirecell.md"
            for t in self._of.trials
            if wirecell_tags(self._config["models"][t.model]["network"])
        ]

    # Evidence.

    def recording_product(self, w) -> str:
        """What a method made of the recording to which signals were added."""
        return Product(self._of.shown_step, w.method, w.family, self._of.samples[w.sample].recording).path

    def details(self, family: str) -> list[str]:
        """Detailed measurements of all compared methods of a family."""
        wanted = [k for k in self._of.compared_methods(family) if self._of.steps[k[0]].measures("details")]
        return [Product(step, m, family, s).measurements("details") for step, m in wanted for s in self._of.compared()]

    def noise_checks(self, family: str, sample: str) -> list[str]:
        """Checks without truth of one sample."""
        return [Product(self._of.shown_step, m, family, sample).noise for m in self._of.shown_methods(family)]

    def crossings(self, sample: str) -> list[str]:
        """Charges of one sample at points that all planes see, of the methods that are looked at in all families."""
        shown = [self._of.shown_methods(family) for family in FAMILIES]
        both = [m for m in shown[0] if all(m in others for others in shown)]
        return [f"results/crossings/{self._of.shown_step}/{m}/{sample}.tsv" for m in both]

    def injection_scores(self, family: str, sample: str) -> list[str]:
        """Scores of one sample of injected signals."""
        step = self._of.shown_step
        wanted = [m for s, m in self._of.compared_methods(family) if s == step]
        return [Product(step, m, family, sample).injection for m in wanted]

    def angle_scores(self) -> list[str]:
        """Scores of all compared methods on the samples of tracks at one angle."""
        wanted = self._config["figures"]["compared"] or [*self._of.classical, *self._of.networks]
        found = self.measured_products("scores", list(self._of.angles()))
        return [p.measurements("scores") for p in found if p.method in wanted]

    def tables(self) -> list[str]:
        """The table of the methods, if a test sample has truth, and that of the events that were left out."""
        methods = [f"results/tables/methods.{s}" for s in ("tsv", "md", "tex", "html")] if self.table_scores() else []
        return methods + [f"results/tables/lost_events.{s}" for s in ("tsv", "html") if self._of.samples]
