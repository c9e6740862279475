"""What the checks of the configuration say of models, classical methods and trainings."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from protodune.core.errors import ProtoduneError, suggest
from protodune.core.registry import module_name
from protodune.dag.products import fills_in
from protodune.dag.sheets import Sample, Trial
from protodune.dag.spec_reader import name_problem, read_spec, settings_problems
from protodune.dag.steps import Step
from protodune.dag.weights import read_about

NETWORKS = "protodune.learning.networks"
FEATURES = "protodune.learning.features"
CLASSICAL_STEPS = "protodune.classical.steps"
RUNTIMES = "protodune.learning.runtimes"


def network_spec(network: str) -> dict:
    """Return what a network's module says of it."""
    return read_spec(NETWORKS, network, "SPEC")


def features_of(network: str) -> str:
    """Return the name of the set of features that a network takes."""
    return network_spec(network)["features"]


def wirecell_tags(network: str) -> tuple[str, ...]:
    """Return the tags of the images by which Wire-Cell itself gives a network its features; none where it has none."""
    return read_spec(FEATURES, features_of(network), "FEATURES").get("wirecell_tags", ())


def classical_steps(method: dict) -> list[tuple[str, dict]]:
    """Return the steps of a classical method with their settings."""
    return [(s, {}) if isinstance(s, str) else next(iter(s.items())) for s in method["steps"]]


def model_problems(config: dict, trials: list[Trial], steps: dict[str, Step], find_file: Callable[[str], Path]) -> list[str]:
    """Return what is wrong with the models: networks, their settings, patch sets and weights."""
    problems, patch_sets = [], list(config["patches"])
    for name, model in config["models"].items():
        where = f"config.models.{name}"
        problems += _network_problems(model, where)
        if "weights" in model:
            own = [t for t in trials if t.model == name]
            problems += _weights_problems(f"{where}.weights", model, own, steps, find_file)
        elif "patches" not in model:
            problems.append(f"{where}: found neither 'patches' nor 'weights', expected one of them")
        elif model["patches"] not in patch_sets:
            problems.append(
                f"{where}.patches: '{model['patches']}' is not in config.patches{suggest(model['patches'], patch_sets)}"
            )
        if name in config["methods"]:
            problems.append(f"config.methods.{name}: also a name in config.models; names must differ")
    return problems


def _network_problems(model: dict, where: str) -> list[str]:
    network = model["network"]
    problem = name_problem(NETWORKS, network, "SPEC", "network")
    if problem:
        return [f"{where}.network: {problem}"]
    module, spec = module_name(NETWORKS, network), network_spec(network)
    problem = name_problem(FEATURES, spec["features"], "FEATURES", "features")
    problems = [f"{where}.network: {module}: {problem}"] if problem else []
    return problems + settings_problems(module, str(spec["settings"]), model["settings"], f"{where}.settings")


def _weights_problems(
    where: str, model: dict, trials: list[Trial], steps: dict[str, Step], find_file: Callable[[str], Path]
) -> list[str]:
    """Return what is wrong with the files of a model's weights that its trials use: not there, of another network, task or
    family."""
    problems = []
    for trial in trials:
        path = find_file(model["weights"].replace("{family}", trial.family))
        if fills_in(str(path)):
            problems.append(
                f"{where}: found {path}, expected a path without {{, }}, < and > but for {{family}}, since Snakemake "
                "fills them in; rename it or make a link"
            )
            continue
        if not path.is_file():
            given = model["weights"].replace("{family}", trial.family)
            problems.append(f"{where}: found no file {given}, expected it in the working directory or the repository")
            continue
        try:
            about = read_about(path)
        except ProtoduneError as error:
            problems.append(f"{where}: {error}")
            continue
        wanted = {"network": model["network"], "task": steps[trial.step].task, "family": trial.family}
        problems += [
            f"{where}: {path} holds weights of {key} '{about.get(key)}', but trial '{trial.trial}' is of {key} '{value}'; "
            "give the weights that were trained for it"
            for key, value in wanted.items()
            if about.get(key) != value
        ]
    return list(dict.fromkeys(problems))


def method_problems(config: dict, steps: dict[str, Step]) -> list[str]:
    """Return what is wrong with the classical methods: steps of the chain, classical steps and their settings."""
    problems = []
    for name, method in config["methods"].items():
        where = f"config.methods.{name}"
        if method["step"] not in steps:
            problems.append(f"{where}.step: '{method['step']}' is not in config.steps{suggest(method['step'], list(steps))}")
        problems += _frames_problems(method, where)
        for step, settings in classical_steps(method):
            problem = name_problem(CLASSICAL_STEPS, step, "STEP", "classical step")
            if problem:
                problems.append(f"{where}.steps: {problem}")
                continue
            spec = read_spec(CLASSICAL_STEPS, step, "STEP")
            module = module_name(CLASSICAL_STEPS, step)
            problems += settings_problems(module, str(spec.get("settings", "")), settings, f"{where}.steps.{step}")
    return problems


def _frames_problems(method: dict, where: str) -> list[str]:
    """Return what is wrong with a method that takes its products from frame files."""
    if "frames" not in method:
        return []
    problems, path = [], method["frames"]["file"]
    if method["steps"]:
        problems.append(f"{where}: found both 'steps' and 'frames', expected one of them; take the other out")
    if fills_in(path.replace("{sample}", "")):
        problems.append(
            f"{where}.frames.file: found {path}, expected a path without {{, }}, < and > but for {{sample}}, since "
            "Snakemake fills them in; rename it or make a link"
        )
    return problems


def is_known(network: str) -> bool:
    """Whether a network and its features are there and whole, so that more can be asked of them."""
    if name_problem(NETWORKS, network, "SPEC", "network"):
        return False
    return not name_problem(FEATURES, features_of(network), "FEATURES", "features")


def trial_problems(config: dict, trials: list[Trial], steps: dict[str, Step], samples: list[Sample]) -> list[str]:
    """Return which trials ask of a network what it does not serve, and what trainings lack."""
    problems = []
    for trial in trials:
        model, step = config["models"][trial.model], steps[trial.step]
        where = f"{config['trials']}: trial '{trial.trial}': {trial.model}"
        if not is_known(model["network"]):
            continue
        problems += [f"{where}: {problem}" for problem in serve_problems(model["network"], step)]
        problems += _loss_problems(where, {**model["training"], **trial.overrides}, step)
        needs = read_spec(FEATURES, features_of(model["network"]), "FEATURES").get("reads", ())
        read = [steps[name].task for name in step.reads]
        problems += [
            f"{where}: features '{features_of(model['network'])}' need products of a step of task {task}, expected one in "
            f"config.steps.{trial.step}.reads"
            for task in needs
            if task not in read
        ]
        problems += [
            f"{where}: config.models.{trial.model}.combine: step '{name}' is not read, expected it in "
            f"config.steps.{trial.step}.reads"
            for name in model["combine"]
            if name not in step.reads
        ]
    if any("weights" not in config["models"][t.model] for t in trials):
        for split in ("train", "val"):
            if samples and not any(s.split == split for s in samples):
                problems.append(f"{config['samples']}: no sample of split {split}, which the trials need")
    return problems


def serve_problems(network: str, step: Step) -> list[str]:
    """Return why a network cannot be trained for the task of a step: it does not serve it, or makes of it what nothing is
    there to learn from."""
    serves, learned = network_spec(network).get("serves", {}), step.learned
    if not isinstance(serves, dict) or "_call" in serves:
        return [f"network {network}: serves is no literal, expected {{task: (outputs)}}; see docs/extending.md"]
    if step.task not in serves and "*" not in serves:
        return [
            f"network {network} does not serve task {step.task} of step {step.name}, expected one of {', '.join(serves)}; "
            "choose another network or step"
        ]
    unknown = [o for o in serves.get(step.task) or serves.get("*") or learned if o not in learned]
    if unknown or not learned:
        return [
            f"network {network} makes '{', '.join(unknown)}' of task {step.task}, which has labels of "
            f"{', '.join(learned) or 'nothing'}; change 'serves' of its SPEC, or choose another network or step"
        ]
    return []


def _loss_problems(where: str, training: dict, step: Step) -> list[str]:
    losses = step.spec.get("losses", {})
    problems = []
    for key in ("loss", "weight"):
        for output, value in training.get(key, {}).items():
            if output not in losses:
                problems.append(
                    f"{where}: training.{key}: task {step.task} has no output '{output}' to learn"
                    f"{suggest(output, list(losses))}; known: {', '.join(losses)}"
                )
            elif key == "loss":
                choices = losses[output].get("choices") or losses[output]["_args"][0]
                if value not in choices:
                    problems.append(
                        f"{where}: training.loss.{output}: found '{value}', expected {' | '.join(choices)}"
                        f"{suggest(value, list(choices))}"
                    )
    return problems
