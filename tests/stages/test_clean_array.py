"""``protodune.clean``: an array, and the numbers that a file of the same digits gives."""

import numpy as np
import pytest
import uproot

import protodune
from protodune.core.errors import ProtoduneError
from protodune.rawio.source import open_raw
from protodune.stages.produce import clean as stage


@pytest.fixture(scope="module")
def event(flat_file):
    return open_raw(str(flat_file)).read(0)


def test_an_array_gives_the_numbers_of_its_file(event, flat_file, tmp_path):
    order = np.random.default_rng(3).permutation(len(event.channel))
    found = protodune.clean(event.adc[order], event.channel[order], runtime="torch", precision="float32")
    assert np.array_equal(found.channel, event.channel[order])
    assert stage.main([str(flat_file), "--output", str(tmp_path), "--runtime", "torch", "--precision", "float32"]) == 0
    with uproot.open(tmp_path / f"{flat_file.stem}.root") as file:
        tree = file["denoised"].arrays(["channel", "adc"], library="np")
        charge = file["charge"].arrays(["channel", "begin", "end", "electrons"], library="np")
        regions = file["regions"].arrays(["channel", "begin", "end"], library="np")
    row = {int(c): i for i, c in enumerate(found.channel)}
    assert len(tree["channel"]) == (~found.bad).sum() > 0
    for channel, adc in zip(tree["channel"], tree["adc"], strict=True):
        assert np.array_equal(found.denoised[row[int(channel)]], adc)
    assert len(charge["begin"]) > 0
    assert found.charge_error.max() > 0
    for channel, begin, end, electrons in zip(*charge.values(), strict=True):
        assert found.charge[row[int(channel)], begin:end].sum() == pytest.approx(electrons, rel=1e-4)
    assert sum(regions["end"] - regions["begin"]) == found.regions.sum() > 0
    assert set(found.about) == {"collection", "induction"}


def test_channels_may_be_left_out(event):
    plane = event.channel < 800
    found = protodune.clean(event.adc[plane], event.channel[plane], runtime="torch", precision="float32", bad_channels=[5])
    assert found.denoised.shape == (plane.sum(), event.adc.shape[1])
    assert found.bad[5]
    assert not found.denoised[5].any()


@pytest.mark.parametrize(
    ("adc", "channel", "words"),
    [
        (np.zeros((3, 4, 5), np.int16), None, r"found an array of shape \(3, 4, 5\), expected \(channels, ticks\)"),
        (np.zeros((3, 40), np.float32), None, "found float32 from 0.0 to 0.0, expected whole ADC counts"),
        (np.full((3, 40), 70000), None, "found int64 from 70000 to 70000"),
        (np.zeros((3, 40), np.int16), None, "found 3 rows, expected 2560 for each APA"),
        (np.zeros((3, 40), np.int16), [1, 2], "expected a channel number for each of 3 rows"),
        (np.zeros((3, 40), np.int16), [1, 2, 1], "channel 1 is given twice"),
        (np.zeros((3, 40), np.int16), [1, 2, 99999], "channel 99999, expected at most"),
    ],
)
def test_what_is_no_event_is_refused(adc, channel, words):
    with pytest.raises(ProtoduneError, match=words):
        protodune.clean(adc, channel)
