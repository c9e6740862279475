"""The contract of Wire-Cell's DNNROIFinding, held by a process that has torch alone."""

import subprocess
import sys
import textwrap

import numpy as np
import pytest
import torch

from protodune.core.errors import ProtoduneError
from protodune.events.regions import from_runs, runs
from protodune.learning import wirecell
from protodune.learning.features import dnnroi
from protodune.learning.inference import fold_norms, infer_plane
from protodune.learning.network import build_network
from protodune.learning.portable import example_plane
from protodune.learning.weights import save_weights
from protodune.learning.wirecell import write_wirecell
from protodune.stages.learn import export_wirecell

SIZES = [(800, 60), (1, 1), (17, 31), (48, 64), (33, 16)]
RUN = """
import ctypes
import sys
import numpy as np
import torch

# As Wire-Cell: charge in electrons times 1/4000, means over ten ticks.
model = torch.jit.load(sys.argv[1])
for name in sys.argv[2:]:
    charge = torch.from_numpy(np.load(name))
    n, rows, ticks = charge.shape
    image = (charge * (1 / 4000)).reshape(n, rows, ticks // 10, 10).mean(3)
    batch = torch.stack([image])
    with torch.no_grad():
        found = model.forward(batch)
    assert isinstance(found, torch.Tensor)
    assert found.dtype is torch.float32
    assert tuple(found.shape) == (1, 1, rows, ticks // 10)
    # It copies so many bytes from where the first number is, whatever the strides.
    copied = (ctypes.c_float * found.numel()).from_address(found[0][0].data_ptr())
    np.save(name, np.array(copied).reshape(rows, ticks // 10))
assert not any(module.startswith("protodune") for module in sys.modules)
"""


def network(task="regions", name="dnnroi", **settings):
    torch.manual_seed(1)
    built = build_network(name, settings or {"width": 2}, task)
    for module in built.module.modules():
        if isinstance(module, torch.nn.BatchNorm2d):  # as after a training: not the identity
            module.running_mean.normal_(0, 0.2)
            module.running_var.uniform_(0.5, 1.5)
    built.module.eval()
    return built


def planes(sizes=SIZES):
    """Features of planes in our units, float32 (3, channels, slices)."""
    return [example_plane((3, *size))[0].numpy() if min(size) > 3 else np.full((3, *size), 9, np.float32) for size in sizes]


def probabilities(path, features, folder):
    """What a process that does not have our package makes of planes, float32 (channels, slices) each."""
    files = [folder / f"{i}.npy" for i in range(len(features))]
    for file, image in zip(files, features, strict=True):
        np.save(file, np.repeat(image * 125, 10, axis=2))
    command = [sys.executable, "-I", "-c", textwrap.dedent(RUN), str(path), *map(str, files)]
    result = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)
    assert result.returncode == 0, result.stderr
    return [np.load(file) for file in files]


def test_the_contract_of_dnnroi_finding(tmp_path):
    original = network()
    assert write_wirecell(original, [], tmp_path / "m.pt") < 1e-5
    features = planes()
    found = probabilities(tmp_path / "m.pt", features, tmp_path)
    fold_norms(original.module)
    for image, score, size in zip(features, found, SIZES, strict=True):
        assert score.shape == size
        assert 0 <= score.min() <= score.max() <= 1
        wanted = infer_plane(original, image)["regions"]
        assert np.abs(score - wanted).max() < 1e-5
    assert np.ptp(found[0]) > 1e-3, "or nothing was compared"


@pytest.mark.parametrize("margins", [[(1, 1)], [(1, 3)], [(1, 40)], [(1, 1), (3, 2), (6, 5)], [(100, 2)]])
def test_regions_grow_along_time_alone_long_ones_by_more(margins, tmp_path):
    features = planes(SIZES[:3])
    for name, wanted in (("plain", []), ("wide", margins)):
        write_wirecell(network(), wanted, tmp_path / f"{name}.pt")
    plain, wide = (probabilities(tmp_path / f"{name}.pt", features, tmp_path) for name in ("plain", "wide"))
    for a, b in zip(plain, wide, strict=True):
        for threshold in np.quantile(a, [0.2, 0.5, 0.8, 0.95]):
            row, begin, end = runs(a > threshold)
            margin = np.zeros(len(row), int)
            for least, slices in margins:
                margin = np.where(end - begin >= least, np.maximum(margin, slices), margin)
            assert np.array_equal(b > threshold, from_runs(row, begin - margin, end + margin, a.shape))


def test_units_are_those_of_the_features():
    assert wirecell.ELECTRONS_PER_FEATURE == dnnroi.ELECTRONS_PER_UNIT
    assert dnnroi.MP_VALUE * dnnroi.ELECTRONS_PER_UNIT == wirecell.ELECTRONS_PER_INPUT
    assert len(dnnroi.FEATURES.wirecell_tags) == len(dnnroi.FEATURES.names)


@pytest.mark.parametrize(
    ("made", "margins", "message"),
    [
        (("denoise", "unet"), [], "takes features 'waveform', expected whole planes of features with 'wirecell_tags'"),
        (("denoise", "uscg"), [], "takes features 'waveform', in windows, expected"),
        (("regions", "dnnroi"), [[4, -1]], r"margins \[\[4, -1\]\], expected pairs of a length and a margin"),
        (("regions", "dnnroi"), [[4]], r"margins \[\[4\]\], expected pairs of a length and a margin"),
    ],
)
def test_what_wire_cell_cannot_run_is_refused(made, margins, message, tmp_path):
    torch.manual_seed(1)
    built = build_network(made[1], {"width": 2} if made[1] == "dnnroi" else {}, made[0])
    with pytest.raises(ProtoduneError, match=message):
        write_wirecell(built, margins, tmp_path / "m.pt")
    assert list(tmp_path.iterdir()) == []


def test_an_export_that_differs_is_not_left_behind(tmp_path, monkeypatch):
    monkeypatch.setattr(wirecell, "ELECTRONS_PER_FEATURE", 100.0)
    monkeypatch.setattr(wirecell, "_difference", lambda own, exported, shape, steps: 0.5)
    with pytest.raises(
        ProtoduneError, match=r"differs from the original by 0\.5, expected at most 0\.0001; nothing was written"
    ):
        write_wirecell(network(), [], tmp_path / "m.pt")
    assert list(tmp_path.iterdir()) == []


def test_the_stage_writes_the_model_and_a_card(tmp_path, capsys):
    about = {
        "task": "regions", "model": "tiny", "network": "dnnroi", "family": "induction", "trial": "t", "threshold": 0.4,
        "network_settings": {"width": 2},
    }  # fmt: skip
    save_weights(tmp_path / "w.safetensors", network().module, about)
    argv = [
        "--weights",
        str(tmp_path / "w.safetensors"),
        "--output",
        str(tmp_path / "m.pt"),
        "--card",
        str(tmp_path / "m.md"),
    ]
    assert export_wirecell.main([*argv, "--family", "induction"]) == 0
    card = (tmp_path / "m.md").read_text()
    for text in (
        "# tiny, induction planes, for Wire-Cell",
        "widened on both sides: by 10 ticks from 10 ticks on, by 30 ticks from 40 ticks on, by 60 ticks from 80 ticks on",
        'model: "m.pt"',
        "sort_chanids: true,",
        "mask_thresh: 0.4,",
        "tick_per_slice: 10,",
        "input_scale: 0.00025,",
        'intags: ["loose_lf%d" % anode.data.ident, "mp2_roi%d" % anode.data.ident, "mp3_roi%d" % anode.data.ident],',
    ):
        assert text in card
    assert export_wirecell.main([*argv, "--family", "collection"]) == 1
    assert "weights of family 'induction', expected 'collection'" in capsys.readouterr().err
