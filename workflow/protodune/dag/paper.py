"""The paper and the interactive page: which figures and tables stand in them, and what is said of samples and networks."""

from __future__ import annotations

from protodune.dag.figures import Figures, Pair, as_json
from protodune.dag.files import Files
from protodune.dag.products import FAMILIES, Product, events
from protodune.dag.selection import Selection


class Paper:
    """What ``snakemake paper`` makes beyond the figures of every run."""

    def __init__(self, selection: Selection, files: Files, figures: Figures):
        self._of, self._files, self._figures = selection, files, figures

    # The headline.

    def inference_runs(self) -> list[dict[str, str]]:
        """The inference jobs that the headline times: of all methods that run here, on the samples of the table."""
        runs = []
        for p in self._files.measured_products("scores", self._of.compared()):
            if p.method in self._of.from_frames:  # another program did it
                continue
            kind = "classical" if p.method in self._of.classical else "network"
            about = {"step": p.step, "family": p.family, "method": p.method}
            runs.append({**about, "benchmark": p.benchmark(kind), "products": p.path})
        return runs

    def networks(self) -> list[dict[str, str]]:
        """Step, family, method and weights of all networks."""
        return [
            {"step": t.step, "family": t.family, "method": t.method, "weights": self._files.weights_of(t)}
            for t in self._of.trials
        ]

    def headline_inputs(self) -> list[str]:
        """What the headline reads: products stand for the benchmarks, which Snakemake writes beside them."""
        return sorted({r["products"] for r in self.inference_runs()} | {n["weights"] for n in self.networks()})

    # The paper.

    def items(self) -> list[dict]:
        """Figures and tables of the paper in order: kind, path below results/ without suffix, what it is about."""
        of, items = self._of, []

        def add(kind: str, path: str, about: str = "", is_table: bool = False) -> None:
            items.append({"kind": kind, "path": path, "about": about, "is_table": is_table})

        if self._files.table_scores():
            together = f"Samples {' '.join(of.compared())}"
            for kind in ("headline", "methods", "reproduction"):
                add(kind, f"tables/{kind}", together, True)
        pairs = [*self._figures.of_every_run(), *self._figures.of_evidence(), *self._own_targets()]
        for figure, subject in sorted(pairs, key=lambda pair: self._figures.order(pair[0])):
            add(figure, f"figures/{figure}.{subject}", self._about(subject))
        for trial in {(t.step, t.model, t.family): t for t in of.trained}.values():
            sample = of.samples_of("train")[0]
            patches = of.config["models"][trial.model]["patches"]
            name = f"crops.{self._files.crops(trial)}.{trial.family}.{sample}"
            add("crops", f"figures/{name}", f"Sample {sample}, patches {patches}")
        return items

    def _own_targets(self) -> list[Pair]:
        kinds = ["scaling"] if self._files.scaling_tables() else []
        kinds += ["speed"] if self._files.speed_tables() else []
        kinds += ["simulation"] if self._of.simulated() else []
        return self._figures.of_kinds(*kinds)

    def _about(self, subject: str) -> str:
        if subject == "all":
            return ""
        if subject in self._of.samples:
            return f"Sample {subject}"
        family, _, sample = subject.partition(".")
        return f"Sample {sample}, {family} planes" if sample else f"{family} planes"

    def inputs(self) -> list[str]:
        """Files of all figures and tables of the paper."""
        return [
            f"results/{item['path']}.{suffix}"
            for item in self.items()
            for suffix in (("md", "tex") if item["is_table"] else ("png", "svg"))
        ]

    def about(self) -> str:
        """Samples, networks and seed in words, JSON."""
        of = self._of
        networks = {}
        for trial in of.trials:
            model = of.config["models"][trial.model]
            made = f"weights {model['weights']}" if "weights" in model else f"trained here, patches {model['patches']}"
            networks[f"{trial.method} ({trial.step}, {trial.family})"] = f"{model['network']}, {made}"
        samples = {name: self._sample_text(name) for name in of.samples}
        return as_json({"samples": samples, "networks": networks, "seed": of.config["seed"]})

    def _sample_text(self, name: str) -> str:
        row = self._of.samples[name]
        detector = f", {row.detector}" if row.detector != "protodune_sp" else ""
        if row.is_file:
            return f"{row.kind} from {row.source}{detector}"
        simulation = self._of.simulation_of(row)
        if row.recording:
            return f"{row.simulation.get('content', 'cosmic')} signals on top of {row.recording}, seed {row.seed}"
        angle = self._of.angle_of(name)
        content = f"tracks at {angle[1]:g} deg across {angle[0]}" if angle else simulation["content"]
        units = ", ".join(map(str, row.units))
        preset = simulation["preset"]
        made = f"embedded simulation{detector}, preset {preset}, {content}"
        return f"{made}, {row.events} event(s), units {units}, seed {row.seed}"

    # The page.

    def page_samples(self) -> list[dict]:
        """The samples that the page browses: a store, and what the compared methods made of it by family."""
        step = self._of.shown_step
        return [
            {
                "sample": sample,
                "events": events(sample),
                "products": {
                    family: {m: Product(step, m, family, sample).path for m in self._page_methods(family)}
                    for family in FAMILIES
                },
            }
            for sample in self._of.checked()
        ]

    def _page_methods(self, family: str) -> list[str]:
        """The methods that the page can show: those that comparisons are limited to, else the two of the displays."""
        if not self._of.config["figures"]["compared"]:
            return self._of.shown_methods(family)
        here = [m for step, m in self._of.compared_methods(family) if step == self._of.shown_step]
        return [m for m in here if m not in self._of.from_frames]  # which have no waveforms

    def page_tables(self) -> list[dict[str, str]]:
        """Sortable tables of the page."""
        tables = [("Headline", "headline"), ("All metrics", "methods"), ("DUNEdn's definitions", "reproduction")]
        found = tables if self._files.table_scores() else []
        found = [*found, *([("Prolonged tracks", "angles")] if self._of.angles() else [])]
        return [{"title": title, "path": f"results/tables/{name}.tsv"} for title, name in found]

    def page_figures(self) -> list[dict]:
        """The figures of the page: not those of events, which it shows itself."""
        return [i for i in self.items() if not i["is_table"] and i["kind"] not in self._figures.from_images]

    def page_inputs(self) -> list[str]:
        """Everything that the page reads."""
        samples = self.page_samples()
        files = [path for s in samples for made in s["products"].values() for path in made.values()]
        files += [s["events"] for s in samples] + [table["path"] for table in self.page_tables()]
        return files + [f"results/{item['path']}.png" for item in self.page_figures()]
