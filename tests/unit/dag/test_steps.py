"""The chain of steps: order, and what is refused before anything runs."""

from protodune.dag.steps import make_steps


def chain(**reads):
    return make_steps({name: {"task": "denoise", "reads": dict.fromkeys(of, "m")} for name, of in reads.items()})


def test_steps_come_in_an_order_in_which_each_follows_what_it_reads():
    steps, problems = chain(last=["middle"], middle=["first"], first=[])
    assert not problems
    assert list(steps) == ["first", "middle", "last"]


def test_a_cycle_is_named():
    _, problems = chain(a=["b"], b=["c"], c=["b"])
    assert problems == ["config.steps: the steps read each other in a cycle (b → c → b), expected a chain; take one out"]


def test_a_missing_step_and_an_unknown_task_are_named():
    _, problems = make_steps(
        {"denoise": {"task": "denose", "reads": {}}, "pixels": {"task": "regions", "reads": {"denois": "m"}}}
    )
    assert "config.steps.denoise.task: task 'denose' is unknown (did you mean 'denoise'?)" in problems[0]
    assert "config.steps.pixels.reads: found no step 'denois' (did you mean 'denoise'?)" in problems[1]


def test_the_measures_of_a_level_are_those_of_the_task():
    steps, _ = chain(denoise=[])
    assert "waveforms" in steps["denoise"].measures("scores")
    assert "waveforms" not in steps["denoise"].measures("details")
    assert steps["denoise"].learned == ("denoised", "regions")
