"""What is computed from the outputs of networks: charge, from waveforms and in regions."""

import numpy as np
import pytest
from scipy.ndimage import maximum_filter1d

from protodune.classical.deconvolution import convolve
from protodune.core.errors import ProtoduneError
from protodune.events.products import Output, Place
from protodune.events.store import EventStore
from protodune.learning.derivation import derivations_of, find_derivation
from protodune.learning.derived.charge_of_regions import charge as charge_of_regions
from protodune.learning.derived.charge_of_waveforms import charge as charge_of_waveforms
from protodune.learning.network import build_network
from protodune.tasks.spec import Task


def test_networks_get_the_charge_that_they_do_not_make():
    unet = build_network("unet", {"widths": [4, 8]}, "denoise")
    assert [[o.name for o in outputs] for outputs in derivations_of(unet)] == [["charge", "charge_error"]]
    selector = build_network("dnnroi", {"width": 4}, "regions")
    [((output, error), derivation)] = derivations_of(selector).items()
    assert (output.unit, error.unit, derivation.needs) == ("electrons", "electrons", ("regions",))


def test_charge_of_waveforms_is_the_charge_that_made_them(store_file):
    with EventStore(store_file) as store:
        plane = store.family("induction", 0)[0]
        true = np.zeros((plane.n_channels, store.ticks), np.float32)
        true[200:220, 100:140] = 400
        product = {"denoised": convolve(true, plane)}
        for regions in (None, maximum_filter1d(true, 31, axis=1) > 0):
            if regions is not None:
                product["regions"] = regions.astype(np.float32)
            found, error = charge_of_waveforms(store, Place(0, plane), dict(product), 0.5).values()
            good = ~store.bad(plane.name, 0)
            rows = np.flatnonzero(good)[(np.flatnonzero(good) >= 203) & (np.flatnonzero(good) < 217)]
            assert found[rows].sum(axis=1) == pytest.approx(np.full(len(rows), 16000), rel=0.06)
            assert not found[~good].any()
            assert not error[~good].any()
            share = error[rows].sum(axis=1) / 16000  # 3 % in squares with the noise of the channel over 100 ticks or so
            assert share.min() > 0.03
            assert share.max() < 0.8
        assert found.dtype == error.dtype == np.float32


def test_charge_of_regions_lies_in_them(store_file):
    with EventStore(store_file) as store:
        plane = store.family("induction", 0)[0]
        score = np.zeros((plane.n_channels, store.ticks), np.float32)
        score[100, 50:80] = 0.9
        found, error = charge_of_regions(store, Place(0, plane), {"regions": score}, 0.5).values()
        assert not np.delete(error, 100, axis=0).any()
        assert not np.delete(found, 100, axis=0).any()
        assert found[100, 30:100].any() or store.bad(plane.name, 0)[100]
        assert not charge_of_regions(store, Place(0, plane), {"regions": score}, 0.95)["charge"].any()


def test_charge_that_a_network_gives_is_kept_in_its_regions(store_file):
    network = build_network("dnnroi", {"width": 4}, "charge")
    [(outputs, derivation)] = derivations_of(network).items()
    assert [o.name for o in outputs] == ["charge", "charge_error"]
    with EventStore(store_file) as store:
        plane = store.family("induction", 0)[0]
        row = int(np.flatnonzero(~store.bad(plane.name, 0))[100])
        score, given = np.zeros((2, plane.n_channels, store.ticks), np.float32)
        score[row, 50:80], given[:] = 0.9, 10
        given[row, 50:80] = 500
        found, error = derivation.run(store, Place(0, plane), {"regions": score, "charge": given}, 0.5).values()
    assert not np.delete(found, row, axis=0).any()
    assert (found[row] > 0).nonzero()[0].tolist() == list(range(30, 100)), "to 20 ticks beyond"
    assert found[row].sum() == 30 * 500 + 40 * 10
    assert np.array_equal(error > 0, found > 0)
    assert 0.1 < error[row].sum() / found[row].sum() < 0.5


def test_a_derived_output_has_no_label_and_a_name_that_is_known():
    output = Output("charge", "electrons", 4.0)
    with pytest.raises(ProtoduneError, match=r"charge_of_regions derives \['more'\], expected outputs among \['charge'\]"):
        Task("t", "t", (output,), {}, {}, derived={"charge_of_regions": ("more",)})
    with pytest.raises(
        ProtoduneError, match=r"derived output 'charge_of_region' is unknown \(did you mean 'charge_of_regions'"
    ):
        find_derivation("charge_of_region")
