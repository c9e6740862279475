"""Which samples and which methods a run has: what the rules files ask about them."""

from __future__ import annotations

from protodune.core.registry import module_name
from protodune.dag.config_check import DETECTORS, Plan
from protodune.dag.model_check import network_spec
from protodune.dag.products import FAMILIES, Product
from protodune.dag.sheets import Sample, Trial
from protodune.dag.spec_reader import read_constant
from protodune.dag.steps import Step


def merged_simulation(general: dict, own: dict) -> dict:
    """Return the simulation of the configuration with a sample's own settings over it.

    A sample that names another preset takes its switches from there.
    """
    effects = {} if "preset" in own else general.get("effects", {})
    return {**general, **own, "effects": {**effects, **own.get("effects", {})}}


class Selection:
    """The samples, trials and methods of a plan."""

    def __init__(self, plan: Plan):
        self.config, self.trials, self.steps = plan.config, plan.trials, plan.steps
        self.rows = plan.samples
        """All rows of the sample sheet by name."""
        self.many = {name: s for name, s in plan.samples.items() if s.files}
        """Those that are many files, which only a campaign takes."""
        self.samples = {name: s for name, s in plan.samples.items() if not s.files}
        self.trained = [t for t in plan.trials if "weights" not in self.config["models"][t.model]]
        self._by_key = {(t.step, t.model, t.family, t.trial): t for t in plan.trials}
        self.networks = sorted({t.method for t in plan.trials})
        self.classical = list(plan.config["methods"])
        self.from_frames = [name for name, method in plan.config["methods"].items() if "frames" in method]

    # Samples.

    def samples_of(self, *splits: str) -> list[str]:
        """Names of the samples of the given splits."""
        return [s.sample for s in self.samples.values() if s.split in splits]

    def simulated(self) -> list[str]:
        """Names of the samples that the embedded simulation makes."""
        return [s.sample for s in self.samples.values() if s.is_simulated]

    def converted(self) -> list[str]:
        """Names of the samples whose event store is made from a file, simulated or not."""
        return [s.sample for s in self.samples.values() if not s.recording]

    def injected(self) -> list[str]:
        """Names of the samples of injected signals."""
        return [s.sample for s in self.samples.values() if s.recording]

    def scored(self) -> list[str]:
        """Names of the test samples with truth."""
        return [name for name in self.samples_of("test") if self.samples[name].has_truth]

    def simulation_of(self, sample: Sample) -> dict:
        """The settings of a sample's simulation: those of the configuration with its own over them."""
        return merged_simulation(self.config["simulation"], sample.simulation)

    def angle_of(self, sample: str) -> tuple[str, float] | None:
        """Plane and theta_xz in degrees of a simulated sample whose tracks all have one angle; None for any other."""
        row = self.samples[sample]
        simulation = self.simulation_of(row)
        angles = simulation["ideal_theta_xz_deg"]
        if not row.is_simulated or simulation["content"] != "ideal_tracks" or len(angles) != 1:
            return None
        return simulation["ideal_plane"] or self._family_planes(row)["collection"][-1], float(angles[0])

    def angles(self) -> dict[str, tuple[str, float]]:
        """Plane and angle of every test sample of tracks at one angle."""
        return {s: angle for s in self.samples_of("test") if (angle := self.angle_of(s)) is not None}

    def compared(self) -> list[str]:
        """Names of the test samples with truth that count in the tables of methods: not those of tracks at one angle, which
        have a figure of their own."""
        return [name for name in self.scored() if self.angle_of(name) is None]

    def checked(self) -> list[str]:
        """Names of the test samples that are checked without truth: all but tracks at one angle and injected signals."""
        return [s for s in self.samples_of("test") if self.angle_of(s) is None and not self.samples[s].recording]

    def has_family(self, sample: str, family: str) -> bool:
        """Whether a sample is looked at on a family of planes; tracks at one angle only where they have that angle."""
        angle = self.angle_of(sample)
        if angle is None:
            return True
        return angle[0] in self._family_planes(self.samples[sample])[family]

    def _family_planes(self, sample: Sample) -> dict[str, tuple[str, ...]]:
        """Names of the planes of each family that a sample's detector has, on any of its units."""
        return read_constant(module_name(DETECTORS, sample.detector), "FAMILY_PLANES")

    # Methods.

    def trial(self, w) -> Trial:
        """The trial of a job's wildcards."""
        return self._by_key[w.step, w.model, w.family, w.trial]

    def networks_of(self, step: str, family: str) -> list[str]:
        """Names of the networks of a step for a family, sorted."""
        return sorted(t.method for t in self.trials if (t.step, t.family) == (step, family))

    def classical_of(self, step: str) -> list[str]:
        """Names of the classical methods of a step."""
        return [name for name in self.classical if self.config["methods"][name]["step"] == step]

    def methods_of(self, step: str, family: str) -> list[str]:
        """Names of all methods of a step for a family: classical ones, then networks."""
        return self.classical_of(step) + self.networks_of(step, family)

    def all_methods(self, family: str) -> list[tuple[str, str]]:
        """Step and name of all methods for a family: classical ones, then networks."""
        classical = [(step, m) for step in self.steps for m in self.classical_of(step)]
        return classical + [(step, m) for step in self.steps for m in self.networks_of(step, family)]

    def denoising(self) -> list[str]:
        """Names of the steps that ask for denoised waveforms."""
        return [s.name for s in self.steps.values() if any(_name(o) == "denoised" for o in s.spec.get("outputs", ()))]

    @property
    def shown_step(self) -> str:
        """The step whose products the event displays and the checks without truth show: the first that denoises."""
        return next(iter(self.denoising()), next(iter(self.steps)))

    def shown_methods(self, family: str) -> list[str]:
        """The network and the classical method that displays and checks without truth show."""
        shown = self.config["figures"]
        here = self.methods_of(self.shown_step, family)
        return [m for m in (shown["network"], shown["classical"]) if m in here]

    def compared_methods(self, family: str) -> list[tuple[str, str]]:
        """Step and name of the methods that figures compare on a family, networks of the shown step first."""
        wanted, step = self.config["figures"]["compared"], self.shown_step
        here = [*((step, m) for m in self.networks_of(step, family)), *((step, m) for m in self.classical_of(step))]
        others = [(s, m) for s, m in self.all_methods(family) if s != step]
        if not wanted:
            return here + others
        return [k for m in wanted for k in here if k[1] == m] + [k for k in others if k[1] in wanted]

    # Products.

    def products(self, samples: list[str] | None = None) -> list[Product]:
        """Products of all methods for the given samples, or for all test samples."""
        wanted = self.samples_of("test") if samples is None else samples
        return [
            Product(step, method, family, sample)
            for family in FAMILIES
            for step, method in self.all_methods(family)
            for sample in wanted
            if self.has_family(sample, family)
        ]

    def read_products(self, step: Step, family: str, sample: str) -> list[Product]:
        """Products of earlier steps that a step reads."""
        return [Product(earlier, method, family, sample) for earlier, method in step.reads.items()]

    def serves(self, trial: Trial) -> list[str]:
        """Names of the outputs that a trial's network makes."""
        step = self.steps[trial.step]
        serves = network_spec(self.config["models"][trial.model]["network"])["serves"]
        return list(serves.get(step.task) or step.learned)


def _name(output: dict) -> str:
    return output.get("name") or output["_args"][0]
