"""The chain of steps: each asks a task of its methods and may read what methods made in earlier steps."""

from __future__ import annotations

from dataclasses import dataclass, field

from protodune.core.errors import suggest
from protodune.core.registry import module_name
from protodune.dag.products import LEVELS
from protodune.dag.spec_reader import name_problem, read_spec

TASKS = "protodune.tasks.known"
MEASURES = "protodune.measure.known"
DERIVED = "protodune.learning.derived"


@dataclass(frozen=True)
class Step:
    """One step: its task by name, and by earlier step the method whose products it reads."""

    name: str
    task: str
    reads: dict[str, str] = field(default_factory=dict)

    @property
    def task_module(self) -> str:
        """The module of the task."""
        return module_name(TASKS, self.task)

    @property
    def spec(self) -> dict:
        """What the task's module says of it."""
        return read_spec(TASKS, self.task, "TASK")

    @property
    def learned(self) -> tuple[str, ...]:
        """Names of the outputs that a network can learn."""
        return tuple(self.spec.get("labels", ()))

    def measures(self, level: str) -> list[str]:
        """Names of the measures of a level, in order."""
        return [m for m in self.spec.get("measures", ()) if read_spec(MEASURES, m, "MEASURE").get("level") == level]


def measure_modules(names: list[str]) -> list[str]:
    """Return the modules of measures."""
    return [module_name(MEASURES, name) for name in names]


def make_steps(configured: dict[str, dict]) -> tuple[dict[str, Step], list[str]]:
    """Return the steps in an order in which each follows what it reads; and problems: unknown tasks and steps, cycles."""
    found = {name: Step(name, step["task"], step["reads"]) for name, step in configured.items()}
    problems = [
        f"config.steps.{s.name}.task: {problem}"
        for s in found.values()
        if (problem := name_problem(TASKS, s.task, "TASK", "task"))
    ]
    for step in found.values():
        problems += [
            f"config.steps.{step.name}.reads: found no step '{name}'{suggest(name, list(found))}; known: {', '.join(found)}"
            for name in step.reads
            if name not in found
        ]
    if problems:
        return found, problems
    ordered: dict[str, Step] = {}
    while len(ordered) < len(found):
        ready = [s for s in found.values() if s.name not in ordered and all(name in ordered for name in s.reads)]
        if not ready:
            cycle = " → ".join(_cycle({n: s for n, s in found.items() if n not in ordered}))
            return found, [f"config.steps: the steps read each other in a cycle ({cycle}), expected a chain; take one out"]
        ordered |= {s.name: s for s in ready}
    problems = [
        f"config.steps.{s.name}: measure of task '{s.task}': {problem}"
        for s in ordered.values()
        for m in s.spec.get("measures", ())
        if (problem := name_problem(MEASURES, m, "MEASURE", "measure"))
    ]
    problems += [
        f"config.steps.{s.name}: what task '{s.task}' derives: {problem}"
        for s in ordered.values()
        for name in s.spec.get("derived", {})
        if (problem := name_problem(DERIVED, name, "DERIVATION", "derived output"))
    ]
    problems += [
        f"config.steps.{s.name}: measure '{m}': level '{level}', expected {' or '.join(LEVELS)}"
        for s in ordered.values()
        for m in s.spec.get("measures", ())
        if (level := read_spec(MEASURES, m, "MEASURE").get("level", LEVELS[0])) not in LEVELS
    ]
    return ordered, problems


def _cycle(steps: dict[str, Step]) -> list[str]:
    """Return the names along one cycle, its first one again at the end."""
    path = [next(iter(steps))]
    while path[-1] not in path[:-1]:
        path.append(next(name for name in steps[path[-1]].reads if name in steps))
    return path[path.index(path[-1]) :]
