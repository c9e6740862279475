"""Paths and settings of the evidence: measurements, checks without truth, injected signals, the figures of the paper."""

from __future__ import annotations

import json

from protodune.dag.config_check import find_file
from protodune.dag.sheets import Trial
from protodune.dag.targets import PLANES, Targets, merged_simulation

MEASURED_FIGURES = ("residuals", "amplitude", "charge", "ionisation", "labels")
"""Figures of a plane family from measurements against the truth."""
CHECK_FIGURES = ("noise", "boards", "checks")
"""Figures of a plane family of a sample that need no truth; "crossings", of all its planes, needs none either."""
ANGLE_FIGURES = ("angles", "angles_charge")
PAPER_ORDER = (
    "angles", "display", "zoom", "waveforms", "metrics", "residuals", "amplitude", "charge", "ionisation", "angles_charge",
    "roi", "labels", "noise", "boards", "checks", "crossings", "injection", "training",
)  # fmt: skip
"""Figures in the order of the paper."""


class Evidence:
    """What ``snakemake paper`` makes beyond the figures of every run."""

    def __init__(self, targets: Targets):
        self.targets = targets

    # Samples and methods.

    def checked(self) -> list[str]:
        """Names of the test samples that are checked without truth: all but tracks at one angle and injected signals."""
        t = self.targets
        return [s for s in t.samples_of("test") if t.angle_of(s) is None and not t.samples[s].recording]

    def injected(self) -> list[str]:
        """Names of the samples of injected signals."""
        return [s.sample for s in self.targets.samples.values() if s.recording]

    def angles(self) -> dict[str, tuple[str, float]]:
        """Plane and angle of every test sample of tracks at one angle."""
        t = self.targets
        return {s: angle for s in t.samples_of("test") if (angle := t.angle_of(s)) is not None}

    def methods(self, plane: str) -> list[str]:
        """The denoising methods that figures compare on a plane family, networks first."""
        wanted = self.targets.config["figures"].get("compared") or None
        here = [*sorted(self.targets.denoisers_of(plane)), *self.targets.methods]
        return [m for m in wanted if m in here] if wanted else here

    def shown_methods(self, plane: str) -> list[str]:
        """The network and the classical method whose noise is looked at."""
        shown = self.targets.config["figures"]
        return [m for m in (shown["network"], shown["classical"]) if m in self.targets.methods_of(plane)]

    # Files.

    def measurements(self, plane: str) -> list[str]:
        """Measurements of all compared methods of a plane family, region selectors among them."""
        t = self.targets
        selectors = [(r.task, r.method) for r in t.trials if r.plane == plane and r.task == "roi" and self._is_compared(r)]
        wanted = [*(("denoise", m) for m in self.methods(plane)), *selectors]
        return [f"results/measurements/{task}/{m}/{plane}/{s}.tsv" for task, m in wanted for s in t.compared()]

    def _is_compared(self, trial: Trial) -> bool:
        wanted = self.targets.config["figures"].get("compared") or None
        return wanted is None or trial.method in wanted

    def noise_checks(self, plane: str, sample: str) -> list[str]:
        """Checks without truth of one sample."""
        return [f"results/noise/denoise/{m}/{plane}/{sample}.tsv" for m in self.shown_methods(plane)]

    def crossings(self, sample: str) -> list[str]:
        """Charges of one sample at points that all planes see, of the methods that are looked at in both families."""
        both = [m for m in self.shown_methods("induction") if m in self.shown_methods("collection")]
        return [f"results/crossings/{m}/{sample}.tsv" for m in both]

    def injection_scores(self, plane: str, sample: str) -> list[str]:
        """Scores of one sample of injected signals."""
        return [f"results/injection/denoise/{m}/{plane}/{sample}.tsv" for m in self.methods(plane)]

    def angle_scores(self) -> list[str]:
        """Scores of all methods on the samples of tracks at one angle."""
        wanted = self.targets.config["figures"].get("compared") or [*self.targets.methods, *self.targets.networks]
        return [
            path
            for path in self.targets.scores()
            if path.split("/")[-1].removesuffix(".tsv") in self.angles() and path.split("/")[3] in wanted
        ]

    def recording_predictions(self, w) -> str:
        """What a method made of the recording to which signals were added."""
        recording = self.targets.samples[w.sample].recording
        return f"results/predictions/denoise/{w.method}/{w.plane}/{recording}.h5"

    def figure_table(self, w) -> str | list[str]:
        """The averaged table that a figure draws, or tables of one kind."""
        if w.figure == "crossings":
            return self.crossings(w.subject)
        if w.figure in ANGLE_FIGURES:
            return "results/tables/angles.tsv"
        if w.figure in MEASURED_FIGURES:
            return f"results/tables/measurements.{w.subject}.tsv"
        plane, sample = w.subject.split(".")
        return f"results/tables/{'injection' if w.figure == 'injection' else 'noise'}.{plane}.{sample}.tsv"

    def figure_of(self, w) -> str:
        """What a figure is about, for its title."""
        if w.figure in ANGLE_FIGURES:
            return ""
        if w.figure == "crossings":
            return f"sample {w.subject}"
        plane, _, sample = w.subject.partition(".")
        return f"{plane} planes" + (f", sample {sample}" if sample else "")

    def figure_names(self) -> list[str]:
        """All figures of the evidence that the samples allow, as figure.subject."""
        names = [f"{figure}.all" for figure in ANGLE_FIGURES if self.angles()]
        for plane in PLANES:
            if self.targets.compared():
                names += [f"{figure}.{plane}" for figure in MEASURED_FIGURES]
            if self.shown_methods(plane):
                names += [f"{figure}.{plane}.{s}" for s in self.checked() for figure in CHECK_FIGURES]
            names += [f"injection.{plane}.{s}" for s in self.injected()]
        return names + [f"crossings.{s}" for s in self.checked() if self.crossings(s)]

    def subjects(self) -> list[str]:
        """What figures are about: plane families, samples, both, or all."""
        return [
            "all",
            *PLANES,
            *self.checked(),
            *(f"{plane}.{s}" for plane in PLANES for s in [*self.checked(), *self.injected()]),
        ]

    def figures(self) -> list[str]:
        """PNG files of all figures of the evidence."""
        return [f"results/figures/{name}.png" for name in self.figure_names()]

    def angles_json(self) -> str:
        """Plane and angle of the samples, as the stage takes them."""
        return json.dumps(self.angles(), sort_keys=True)

    # The paper.

    def inference_runs(self) -> list[dict[str, str]]:
        """The inference jobs that the headline times: of all methods, on the samples of the table.  A method that denoises
        and, in another training, selects regions is timed by the first."""
        t, runs = self.targets, []
        for path in t.predictions(t.compared()):
            _, _, task, method, plane, file = path.split("/")
            if task == "roi" and method in t.denoisers_of(plane):
                continue
            kind = "classical" if method in t.methods else "network"
            benchmark = f"results/benchmarks/infer_{kind}/{task}.{method}.{plane}.{file.removesuffix('.h5')}.tsv"
            runs.append({"plane": plane, "method": method, "benchmark": benchmark, "predictions": path})
        return runs

    def headline_inputs(self) -> list[str]:
        """What the headline reads: predictions stand for the benchmarks, which Snakemake writes beside them."""
        return sorted({r["predictions"] for r in self.inference_runs()} | {w["weights"] for w in self.networks_json()})

    def networks_json(self) -> list[dict[str, str]]:
        """Plane, method and weights of all networks."""
        t, found = self.targets, []
        for trial in t.trials:
            given = t.config["models"][trial.model].get("weights")
            path = find_file(given.replace("{plane}", trial.plane)) if given else t.model_file(trial, "weights.safetensors")
            found.append({"plane": trial.plane, "method": trial.method, "weights": str(path)})
        return found

    def paper_items(self) -> list[dict]:
        """Figures and tables of the paper in order: kind, path below results/ without suffix, what it is about."""
        t, items = self.targets, []

        def add(kind: str, path: str, about: str = "", is_table: bool = False) -> None:
            items.append({"kind": kind, "path": path, "about": about, "is_table": is_table})

        made = [path.removeprefix("results/").removesuffix(".png") for path in [*t.figures(), *self.figures()]]
        if t.compared():
            together = f"Samples {' '.join(t.compared())}"
            for kind in ("headline", "methods", "reproduction"):
                add(kind, f"tables/{kind}", together, True)
        for figure in sorted(made, key=lambda f: PAPER_ORDER.index(f.split("/")[1].split(".")[0])):
            kind, *subject = figure.split("/")[1].split(".")
            if kind in ANGLE_FIGURES:
                add(kind, figure)
            elif kind == "crossings":
                add(kind, figure, f"Sample {subject[0]}")
            elif len(subject) == 2:
                add(kind, figure, f"Sample {subject[1]}, {subject[0]} planes")
            else:
                add(kind, figure, f"{subject[0]} planes" if subject else "")
        for trial in dict.fromkeys((trial.model, trial.plane) for trial in t.trained):
            patches, sample = t.config["models"][trial[0]]["patches"], t.samples_of("train")[0]
            add("crops", f"figures/crops.{patches}.{trial[1]}.{sample}", f"Sample {sample}, patches {patches}")
        if t.scaling_tables():
            add("scaling", "figures/scaling")
        if t.speed_tables():
            add("speed", "figures/speed")
        if t.toys():
            add("simulation", "simulation_report/checks")
        return items

    def paper_inputs(self) -> list[str]:
        """Files of all figures and tables of the paper."""
        return [
            f"results/{item['path']}.{suffix}"
            for item in self.paper_items()
            for suffix in (("md", "tex") if item["is_table"] else ("png", "svg"))
        ]

    def page_samples(self) -> list[dict]:
        """The samples that the page browses: a store, and what the compared methods made of it by family."""
        return [
            {
                "sample": sample,
                "events": f"results/events/{sample}.h5",
                "predictions": {
                    plane: {m: f"results/predictions/denoise/{m}/{plane}/{sample}.h5" for m in self.page_methods(plane)}
                    for plane in PLANES
                },
            }
            for sample in self.checked()
        ]

    def page_methods(self, plane: str) -> list[str]:
        """The methods that the page can show: those that comparisons are limited to, else the two of the displays."""
        return self.methods(plane) if self.targets.config["figures"].get("compared") else self.shown_methods(plane)

    def page_tables(self) -> list[dict[str, str]]:
        """Sortable tables of the page."""
        tables = [("Headline", "headline"), ("All metrics", "methods"), ("DUNEdn's definitions", "reproduction")]
        found = tables if self.targets.compared() else []
        found = [*found, *([("Prolonged tracks", "angles")] if self.angles() else [])]
        return [{"title": title, "path": f"results/tables/{name}.tsv"} for title, name in found]

    def page_figures(self) -> list[dict]:
        """The figures of the page: not those of events, which it shows itself."""
        return [
            i for i in self.paper_items() if not i["is_table"] and i["kind"] not in ("display", "zoom", "waveforms", "crops")
        ]

    def page_inputs(self) -> list[str]:
        """Everything that the page reads."""
        samples = self.page_samples()
        files = [path for s in samples for made in s["predictions"].values() for path in made.values()]
        files += [s["events"] for s in samples] + [table["path"] for table in self.page_tables()]
        return files + [f"results/{item['path']}.png" for item in self.page_figures()]

    def paper_about(self) -> str:
        """Samples, networks and seed in words, JSON."""
        t = self.targets
        samples = {name: self._sample_text(name) for name in t.samples}
        networks = {}
        for trial in t.trials:
            model = t.config["models"][trial.model]
            made = f"weights {model['weights']}" if model.get("weights") else f"trained here, patches {model['patches']}"
            networks[f"{trial.method} ({trial.task}, {trial.plane})"] = f"{model['architecture']}, {made}"
        return json.dumps({"samples": samples, "networks": networks, "seed": t.config["seed"]}, sort_keys=True)

    def _sample_text(self, name: str) -> str:
        row = self.targets.samples[name]
        if row.is_file:
            return f"{row.kind} from {row.source}"
        simulation = merged_simulation(self.targets.config["simulation"], row.simulation)
        if row.recording:
            return f"{row.simulation.get('content', 'cosmic')} signals on top of {row.recording}, seed {row.seed}"
        angle = self.targets.angle_of(name)
        content = f"tracks at {angle[1]:g} deg across {angle[0]}" if angle else simulation.get("content", "cosmic")
        apas = ", ".join(map(str, row.apas))
        preset = simulation.get("preset", "realistic")
        return f"embedded simulation, preset {preset}, {content}, {row.events} event(s), APAs {apas}, seed {row.seed}"
