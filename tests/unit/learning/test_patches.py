import copy

import numpy as np
import pytest

from helpers import TICKS
from protodune.classical.pedestal import estimate_pedestal
from protodune.core.errors import ProtoduneError
from protodune.detector.registry import find_detector
from protodune.events.store import EventStore, EventWriter
from protodune.events.truth import rebinned, region_truth
from protodune.learning.features.dnnroi import dnnroi_features
from protodune.learning.features.waveform import plane_features
from protodune.learning.featureset import find_features
from protodune.learning.patch_files import PatchFiles
from protodune.learning.patches import PatchSettings, crop_corners, tile_corners, write_patches


def test_crops_hold_the_set_share_of_signal(rng):
    clean = np.zeros((100, 300), np.float32)
    clean[40:60, 100:120] = 20
    settings = PatchSettings("crop", 1, 1, 200, signal_fraction=0.7)
    corners = crop_corners(clean, settings, rng)
    assert np.count_nonzero(clean[corners[:, 0], corners[:, 1]]) == 140


def test_crops_lie_inside(rng):
    clean = np.zeros((40, 64), np.float32)
    clean[0, 0] = clean[-1, -1] = 10
    corners = crop_corners(clean, PatchSettings("crop", 32, 32, 500), rng)
    assert corners.min() == 0
    assert np.all(corners.max(axis=0) <= [8, 32])


@pytest.mark.parametrize("value", [0.0, 50.0])
def test_a_plane_all_empty_or_all_signal_gives_all_its_crops(rng, value):
    assert len(crop_corners(np.full((40, 40), value, np.float32), PatchSettings("crop", 32, 32, 10), rng)) == 10


def test_tiles_cover_the_plane():
    corners = tile_corners((100, 250), PatchSettings("tile", 32, 64, 1000), np.random.default_rng(1))
    covered = np.zeros((100, 250), bool)
    for row, tick in corners:
        covered[row : row + 32, tick : tick + 64] = True
    assert covered.all()
    assert len(tile_corners((100, 250), PatchSettings("tile", 32, 64, 5), np.random.default_rng(1))) == 5


def test_patches_of_the_region_selector(store_file, tmp_path):
    settings = PatchSettings("crop", 32, 16, 5, features="dnnroi", task="regions")
    assert write_patches(store_file, "induction", settings, tmp_path / "a.h5") == 10
    files = PatchFiles([tmp_path / "a.h5"])
    assert (files.task, files.features, files.family) == ("regions", "dnnroi", "induction")
    assert files.detectors == ["protodune_sp"]
    assert files.labels == ["regions"]
    found = files.read(np.arange(10))
    features, roi = found.features, found.labels["regions"]
    assert features.shape == (10, 3, 32, 16)
    with EventStore(store_file) as store:
        wanted = dnnroi_features(store, "V", 0)
        _, _, row, slice_ = files._files[0]["origin"][7]
        window = (slice(row, row + 32), slice(slice_, slice_ + 16))
        assert np.allclose(features[7], wanted[:, window[0], window[1]], atol=0.0626)
        truth = region_truth(store.charge_image("V", 0))
        assert np.array_equal(roi[7, 0], truth[window] & ~store.bad("V", 0)[window[0], None])
        # What two planes predict and three agree on holds most of the signal in a plane of a few clear tracks.
        assert set(np.unique(wanted[1:])) == {0.0, 32.0}
        assert (wanted[2] > 0)[truth].mean() > 0.3
        assert (wanted[2] > 0)[~truth].mean() < 0.1
    with pytest.raises(ProtoduneError, match="found collection plane X, expected an induction plane"):
        write_patches(store_file, "collection", settings, tmp_path / "b.h5")
    write_patches(store_file, "induction", PatchSettings("crop", 32, 16, 5, task="regions"), tmp_path / "c.h5")
    with pytest.raises(ProtoduneError, match="features dnnroi and waveform, expected the same in all files"):
        PatchFiles([tmp_path / "a.h5", tmp_path / "c.h5"])
    for changes, message in (({"features": "x"}, "feature set 'x' is unknown"), ({"task": "x"}, "task 'x' is unknown")):
        with pytest.raises(ProtoduneError, match=message):
            write_patches(store_file, "induction", PatchSettings("crop", 32, 16, 5, **changes), tmp_path / "x.h5")


def test_patches_are_cut_where_they_say(store_file, tmp_path):
    settings = PatchSettings("crop", 32, 48, 6, seed=3)
    assert write_patches(store_file, "induction", settings, tmp_path / "a.h5") == 12
    files = PatchFiles([tmp_path / "a.h5"])
    order = np.array([11, 2, 2, 7])
    found = files.read(order, with_clean=True)
    features, clean = found.features, found.labels["denoised"]
    assert found.clean is clean, "nothing is stored or read twice"
    origin = files._files[0]["origin"][:]
    with EventStore(store_file) as store:
        for index, patch in enumerate(order):
            _, plane, row, tick = origin[patch]
            name = "UV"[plane]
            window = (slice(row, row + 32), slice(tick, tick + 48))
            assert np.array_equal(clean[index, 0], store.clean(name, 0)[window])
            assert np.allclose(features[index], plane_features(store, name, 0)[:, window[0], window[1]], atol=0.0626)
    files.close()


def test_regions_are_labelled_by_the_true_charge(store_file, tmp_path):
    write_patches(store_file, "collection", PatchSettings("tile", 96, 64, 100), tmp_path / "a.h5")
    files = PatchFiles([tmp_path / "a.h5"])
    labels = files.read(np.arange(len(files))).labels
    clean, roi = labels["denoised"], labels["regions"]
    with EventStore(store_file) as store:
        truth = region_truth(store.charge_image("X", 0))
    assert set(np.unique(roi)) == {0, 1}
    assert roi.mean() == pytest.approx(truth.mean(), rel=0.2)
    assert np.abs(clean[roi == 1]).mean() > 20 * np.abs(clean[roi == 0]).mean()


def test_bad_channels_are_not_held_against_the_network(raw_event, tmp_path):
    event = copy.copy(raw_event)
    event.adc = raw_event.adc.copy()
    dead = np.flatnonzero(np.abs(raw_event.clean[1600:]).max(axis=1) > 400)[:3]
    assert len(dead)
    event.adc[1600 + dead] = 900
    store = {"estimate": estimate_pedestal, "with_clean": True, "with_charge": True, "about": {}}
    with EventWriter.open(tmp_path / "e.h5", find_detector("protodune_sp"), TICKS, **store) as writer:
        writer.append(event)
    write_patches(tmp_path / "e.h5", "collection", PatchSettings("tile", 960, TICKS, 1), tmp_path / "p.h5")
    found = PatchFiles([tmp_path / "p.h5"]).read(np.array([0]))
    assert not any(image[0, 0, dead].any() for image in (found.features, *found.labels.values()))


def test_same_seed_same_crops(store_file, tmp_path):
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        write_patches(store_file, "collection", PatchSettings("crop", 32, 32, 20, seed=seed), tmp_path / f"{name}.h5")
    read = {n: PatchFiles([tmp_path / f"{n}.h5"]).read(np.arange(20)).features for n in "abc"}
    assert np.array_equal(read["a"], read["b"])
    assert not np.array_equal(read["a"], read["c"])


def test_a_patch_larger_than_the_plane_leaves_no_file(store_file, tmp_path):
    with pytest.raises(ProtoduneError, match=r"patch 32x1000, expected at most the plane's 960x512"):
        write_patches(store_file, "collection", PatchSettings("crop", 32, 1000, 5), tmp_path / "a.h5")
    assert list(tmp_path.iterdir()) == []


def test_files_of_different_sizes_do_not_mix(store_file, tmp_path):
    for width in (32, 48):
        write_patches(store_file, "collection", PatchSettings("crop", 32, width, 2), tmp_path / f"{width}.h5")
    with pytest.raises(ProtoduneError, match="expected the same in all files"):
        PatchFiles([tmp_path / "32.h5", tmp_path / "48.h5"])


def test_group_median_feature_follows_the_boards(store_file):
    with EventStore(store_file) as store:
        features = plane_features(store, "X", 0)
    groups = features[1].reshape(20, 48, -1)
    assert np.all(groups == groups[:, :1])
    assert np.allclose(groups[:, 0], np.median(features[0].reshape(20, 48, -1), axis=1), atol=1e-5)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (("spiral", 8, 8, 1), "expected crop or tile"),
        (("crop", 0, 8, 1), "at least 1"),
        (("crop", 8, 8, 1, 1.5), "expected 0 to 1"),
    ],
)
def test_impossible_settings_are_refused(settings, message):
    with pytest.raises(ProtoduneError, match=message):
        PatchSettings(*settings)


def test_the_six_images_of_wire_cell(store_file):
    """The first three are those of ``dnnroi``, the last is charge in regions; bad channels are empty."""
    with EventStore(store_file) as store:
        found = find_features("wirecell6").build(store, "U", 0, {})
        assert np.array_equal(found[:3], dnnroi_features(store, "U", 0))
        bad, true = store.bad("U", 0), rebinned(store.charge_image("U", 0)) / 125
    assert found.shape[0] == len(find_features("wirecell6").names) == len(find_features("wirecell6").wirecell_tags) == 6
    assert found.dtype == np.float32
    assert not found[:, bad].any()
    tight, charge, regions = found[3:]
    assert 0 < (regions != 0).sum() < 0.2 * regions.size
    assert np.corrcoef(true[regions > 4], regions[regions > 4])[0, 1] > 0.8
    assert np.corrcoef(true[~bad].ravel(), tight[~bad].ravel())[0, 1] > 0.5
    assert charge[~bad].std() > tight[~bad].std(), "slow noise is not filtered"
