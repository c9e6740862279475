"""The precision of inference: chosen by machine and network, and said."""

import numpy as np
import pytest
import torch

from helpers import REPOSITORY
from protodune.core.errors import ProtoduneError
from protodune.core.settings import load_schema
from protodune.learning import precision
from protodune.learning.network import build_network
from protodune.learning.precision import CHOICES, choose_precision, half_problem
from protodune.learning.weights import load_weights


@pytest.fixture
def bfloat16(monkeypatch):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": True}, raising=False)


@pytest.mark.parametrize("path", sorted((REPOSITORY / "zoo").glob("*.safetensors")), ids=lambda p: p.stem)
def test_shipped_weights_are_used_in_half_precision(path, bfloat16):
    chosen = choose_precision("auto", load_weights(path)[0])
    assert (chosen.wanted, chosen.used) == ("auto", "bfloat16"), chosen.because


def test_a_machine_without_it_takes_float32(monkeypatch):
    network = build_network("unet", {"widths": [4, 8]}, "denoise")
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": False}, raising=False)
    assert choose_precision("auto", network).used == "float32"
    assert choose_precision("bfloat16", network).used == "bfloat16", "who asks for it gets it"
    monkeypatch.delattr(torch.cpu, "get_capabilities")
    assert choose_precision("auto", network).because == "this processor has no arithmetic in half precision"


def test_a_network_that_half_precision_changes_takes_float32(bfloat16, monkeypatch):
    torch.manual_seed(1)
    network = build_network("unet", {"widths": [4, 8]}, "denoise")
    assert choose_precision("auto", network).used == "bfloat16"
    infer = precision.infer_plane
    for change, message in (
        (
            lambda f: {"denoised": 1.1 * f["denoised"]},
            "in bfloat16 'denoised' differs by 10.",
        ),
        (lambda f: {"regions": 1.3 - f["regions"]}, "of the scores 'regions' change by more than 0.1, expected at most"),
        (lambda f: {"denoised": np.nan * f["denoised"]}, "'denoised' holds NaN or infinity"),
    ):

        def worse(network, plane, wanted, change=change):
            found = infer(network, plane, wanted)
            return found if wanted == "float32" else {**found, **change(found)}

        monkeypatch.setattr(precision, "infer_plane", worse)
        chosen = choose_precision("auto", network)
        assert chosen.used == "float32"
        assert message in chosen.because


def test_rounding_must_not_decide():
    network = build_network("gcnn", {"width": 2}, "denoise")
    assert half_problem(network, "bfloat16") == "rounding would decide what the network does"


def test_choices_are_those_of_the_configuration():
    model = load_schema("config")["properties"]["models"]["additionalProperties"]["properties"]
    assert tuple(model["precision"]["enum"]) == CHOICES
    with pytest.raises(
        ProtoduneError, match=r"precision 'bfloat61' \(did you mean 'bfloat16'\?\), expected auto \| float32"
    ):
        choose_precision("bfloat61", None)
