"""Digests of the code of jobs: a stage, and what it finds by name for this job and no other."""

from __future__ import annotations

from protodune.core.registry import module_name, names
from protodune.dag.config_check import FIGURES, detector_module
from protodune.dag.digest import code_digest
from protodune.dag.model_check import CLASSICAL_STEPS, FEATURES, NETWORKS, RUNTIMES, classical_steps, features_of
from protodune.dag.selection import Selection
from protodune.dag.steps import DERIVED, measure_modules


def stage(name: str) -> str:
    """Return the module of a stage, given as ``room.name``."""
    return f"protodune.stages.{name}"


class JobCode:
    """The digest of each job's code, by its wildcards."""

    def __init__(self, selection: Selection):
        self._of, self._config = selection, selection.config

    def _detector(self, sample: str) -> str:
        return detector_module(self._of.samples[sample].detector)

    def _network(self, model: str) -> str:
        return module_name(NETWORKS, self._config["models"][model]["network"])

    def _features(self, features: str) -> str:
        return module_name(FEATURES, features)

    def of_sample(self, name: str):
        """Return the digest function of a stage that reads or writes the events of one sample."""
        return lambda w: code_digest(stage(name), self._detector(w.sample))

    def patches(self, w) -> str:
        """Digest of what makes patches: features and labels."""
        modules = (self._features(w.features), self._of.steps[w.step].task_module, self._detector(w.sample))
        return code_digest(stage("learn.prepare"), *modules)

    def training(self, w) -> str:
        """Digest of a training: its network and its task, no other."""
        return code_digest(stage("learn.train"), self._network(w.model), self._of.steps[w.step].task_module)

    def search(self, w) -> str:
        """Digest of the search trials."""
        search = self._config["search"]
        task = self._of.steps[search["step"]].task_module
        return code_digest(stage("learn.search_trial"), self._network(search["model"]), task)

    def scaling(self, w) -> str:
        """Digest of the scaling study of one training."""
        stages = (stage("learn.measure_scaling"), stage("learn.time_steps"))
        return code_digest(*stages, self._network(w.model), self._of.steps[w.step].task_module)

    def _used_network(self, w) -> tuple[str, ...]:
        """Modules of a network in use: its own, that of the features that it takes, that of its task, and those that may
        compute it, since the machine decides which does."""
        features = self._features(features_of(self._config["models"][w.model]["network"]))
        runtimes = (module_name(RUNTIMES, name) for name in names(RUNTIMES))
        return self._network(w.model), features, self._of.steps[w.step].task_module, *runtimes

    def of_network(self, *names: str):
        """Return the digest function of stages that take a network's weights and a plane of the first sample's detector."""
        detectors = [self._detector(sample) for sample in list(self._of.samples)[:1]]
        return lambda w: code_digest(*map(stage, names), *self._used_network(w), *detectors)

    def network(self, w) -> str:
        """Digest of a network's inference, with the features that it takes and what is computed from its outputs."""
        derived = [module_name(DERIVED, name) for name in self._of.steps[w.step].spec.get("derived", {})]
        return code_digest(stage("produce.infer_network"), *self._used_network(w), *derived, self._detector(w.sample))

    def campaign(self, w) -> str:
        """Digest of what makes the files of a campaign: the whole chain, the networks, the detector; not its pictures."""
        shown = self._config["figures"]["network"]
        modules = set()
        for t in self._of.trials:
            if t.method == shown and t.step == self._of.shown_step:
                modules.update(self._used_network(t))
                modules.update(module_name(DERIVED, name) for name in self._of.steps[t.step].spec.get("derived", {}))
        detector = detector_module(self._of.rows[w.sample].detector)
        return code_digest("protodune.campaign.batch", *sorted(modules), detector)

    def method(self, w) -> str:
        """Digest of a classical method: its steps, no other."""
        steps = [module_name(CLASSICAL_STEPS, name) for name, _ in classical_steps(self._config["methods"][w.method])]
        modules = (*steps, self._of.steps[w.step].task_module, self._detector(w.sample))
        return code_digest(stage("produce.infer_classical"), *modules)

    def frames(self, w) -> str:
        """Digest of a method that takes its products from frame files."""
        return code_digest(stage("produce.infer_frames"), self._of.steps[w.step].task_module, self._detector(w.sample))

    def measurements(self, w) -> str:
        """Digest of the measurements of one level."""
        step = self._of.steps[w.step]
        modules = (*measure_modules(step.measures(w.level)), step.task_module, self._detector(w.sample))
        return code_digest(stage("measure.measure"), *modules)

    def table(self, name: str) -> str:
        """Digest of a stage that writes a table with heads of metrics."""
        return code_digest(stage(name), *self._judges())

    def measures(self) -> list[str]:
        """Names of the measures of all steps, in order."""
        names = [m for step in self._of.steps.values() for m in step.spec.get("measures", ())]
        return list(dict.fromkeys(names))

    def _judges(self) -> list[str]:
        """Modules of the tasks of all steps and of their measures, which hold heads and units."""
        return [*(step.task_module for step in self._of.steps.values()), *measure_modules(self.measures())]

    def figure(self, w) -> str:
        """Digest of one figure: its module, and tasks and measures whose heads stand at its axes."""
        return code_digest(stage("publish.draw_figure"), module_name(FIGURES, w.figure), *self._judges())

    def event_figure(self, figure: str | None = None):
        """Return the digest function of a figure that shows images of one sample."""
        return lambda w: code_digest(
            stage("publish.draw_event"), module_name(FIGURES, figure or w.figure), self._detector(w.sample)
        )

    def captions(self, name: str) -> str:
        """Digest of a stage that writes captions: those of all figures stand in their modules."""
        figures = [*names(FIGURES), *self._config["figures"]["more"]]
        return code_digest(stage(name), *(module_name(FIGURES, figure) for figure in figures))
