import numpy as np
import pytest
import torch

from protodune.core.errors import ProtoduneError
from protodune.learning.network import build_network
from protodune.learning.training.losses import LOSSES, charge_mse, charge_sums, class_cross_entropy, output_losses
from protodune.learning.training.settings import OptimiserSettings
from protodune.tasks.spec import find_task, task_names


def test_cross_entropy_of_classes_by_hand():
    logits = torch.log(torch.tensor([[0.7, 0.2, 0.1], [0.1, 0.1, 0.8]])).T[None, :, None]  # (1, 3 classes, 1, 2 pixels)
    label = torch.tensor([0.0, 1.0]).reshape(1, 1, 1, 2)
    wanted = -(np.log(0.7) + np.log(0.1)) / 2
    assert class_cross_entropy(logits, label).item() == pytest.approx(wanted, rel=1e-5)
    label[..., 1] = 255
    assert class_cross_entropy(logits, label).item() == pytest.approx(-np.log(0.7), rel=1e-5)
    label[:] = 255
    assert class_cross_entropy(logits, label).item() == 0, "a patch without any label says nothing"


def test_an_error_of_charge_that_goes_on_counts_more_than_one_that_changes_sign():
    true = torch.zeros(1, 1, 2, 16)
    alike = torch.full_like(true, 500.0)
    turns = alike * torch.tensor([1.0, -1.0]).repeat(8)
    assert charge_mse(alike, true).item() == charge_mse(turns, true).item() == 1
    assert charge_sums(turns, true).item() == pytest.approx(1)
    assert charge_sums(alike, true).item() == pytest.approx(1 + 8), "the means of eight pixels, eight times"
    assert charge_sums(400 * turns, true).item() < 400 * charge_sums(8 * turns, true).item(), "linear beyond 4000 electrons"


def of(network="unet", task="denoise", **settings):
    return output_losses(build_network(network, {}, task), OptimiserSettings(**settings))


def test_losses_and_weights_are_the_tasks_unless_the_settings_say_otherwise():
    denoised, regions = of()
    assert (denoised.weight, denoised.name, denoised.unit) == (1.0, "mse", "ADC²")
    assert denoised.loss is LOSSES["huber"]
    assert (regions.weight, regions.name) == (0.2, "cross_entropy")
    assert denoised.weight_of_reported == 1 / 25
    denoised, regions = of(loss={"denoised": "imae"}, weight={"regions": 3})
    assert denoised.loss is LOSSES["imae"]
    assert regions.weight == 3.0
    assert of("cnn", "regions")[0].weight == 1.0


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"loss": {"denoised": "bce"}},
            r"training\.loss\.denoised: found 'bce'.*that the task 'denoise' allows: huber, mse",
        ),
        ({"loss": {"region": "bce"}}, r"unet makes no 'region' of the task 'denoise' \(did you mean 'regions'\?\)"),
        ({"weight": {"charge": 1}}, r"training\.weight\.charge: unet makes no 'charge'"),
        ({"weight": {"denoised": 0, "regions": 0}}, "all of denoised, regions are 0"),
    ],
)
def test_losses_that_are_not_the_tasks_are_refused(settings, message):
    with pytest.raises(ProtoduneError, match=message):
        of(**settings)


def test_every_task_names_losses_that_there_are():
    for name in task_names():
        for loss in find_task(name).losses.values():
            assert {*loss.choices, loss.reports} <= set(LOSSES)
