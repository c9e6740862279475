import numpy as np
import pytest

from protodune.classical.cut import apply_cut
from protodune.classical.methods import MethodSettings, run_method
from protodune.classical.step import PlaneReadout, find_step, step_names
from protodune.classical.steps.wiener import wiener
from protodune.core.errors import ProtoduneError
from protodune.core.settings import parse_settings
from protodune.detector.known.protodune_sp import DETECTOR

PLANES = DETECTOR.units[0].planes

CHAIN = ("sticky", "tails", "low_pass", "coherent")


def readout(plane, adc, bad=None):
    adc = np.asarray(adc, np.int16)
    waveforms = (adc - np.median(adc, axis=1)[:, None]).astype(np.float32)
    return PlaneReadout(PLANES[plane], adc, waveforms, np.zeros(len(adc), bool) if bad is None else bad)


def noise_readout(rng, plane, ticks=512):
    return readout(plane, np.rint(900 + 4 * rng.standard_normal((PLANES[plane].n_channels, ticks))))


@pytest.mark.parametrize("plane", PLANES)
@pytest.mark.parametrize(
    "steps", [(), *((s,) for s in step_names() if s not in ("reconvolve", "in_regions")),
              (*CHAIN, "deconvolve", "reconvolve"), (*CHAIN, "threshold_regions", "in_regions"),
              (*CHAIN, "deconvolve", "in_regions")]
)  # fmt: skip
def test_every_step_keeps_shape_type_and_input(plane, steps, rng):
    given = noise_readout(rng, plane)
    given.bad[3] = True
    kept = given.waveforms.copy()
    found = run_method(MethodSettings(tuple({"cut": {"size_adc": 5.0}} if s == "cut" else s for s in steps)), given)
    assert np.array_equal(given.waveforms, kept)
    for name, image in found.items():
        assert image.shape == kept.shape, name
        assert np.isfinite(image).all(), name
        assert not image[3].any(), name
    assert found["denoised"].dtype == np.float32
    assert ("regions" in found) == bool({"threshold_regions", "deconvolve"} & set(steps))
    assert ("charge" in found) == ("deconvolve" in steps)


@pytest.mark.parametrize("steps", [CHAIN, (*CHAIN, "threshold_regions", "in_regions"), (*CHAIN, "deconvolve", "reconvolve")])
@pytest.mark.parametrize("plane", ["V", "X"])
class TestExtremes:
    def test_a_plane_of_dead_channels_gives_zeros(self, plane, steps):
        n = PLANES[plane].n_channels
        found = run_method(MethodSettings(steps), readout(plane, np.full((n, 300), 900), np.ones(n, bool)))
        assert not any(image.any() for image in found.values())

    def test_a_plane_without_noise_or_signal_gives_zeros(self, plane, steps):
        n = PLANES[plane].n_channels
        found = run_method(MethodSettings(steps), readout(plane, np.full((n, 300), 900)))
        assert not any(image.any() for image in found.values())

    def test_an_all_saturated_channel_harms_no_other(self, plane, steps, rng):
        given = noise_readout(rng, plane, 1000)
        alone = run_method(MethodSettings(steps), given)
        given.adc[500] = 4095
        given.waveforms[500] = 4095 - 900
        found = run_method(MethodSettings(steps), given)
        far = np.abs(np.arange(len(given.adc)) - 500) > 60
        assert np.abs(found["denoised"] - alone["denoised"])[far].max() < 5
        assert np.isfinite(found["denoised"]).all()


def test_steps_are_checked():
    with pytest.raises(ProtoduneError, match=r"classical step 'low_pas' is unknown .*did you mean 'low_pass'"):
        MethodSettings(("low_pas",))
    with pytest.raises(ProtoduneError, match="'sticky' looks at the codes"):
        MethodSettings(("low_pass", "sticky"))
    given = readout("X", np.full((960, 100), 900))
    with pytest.raises(ProtoduneError, match="'reconvolve' needs charge"):
        run_method(MethodSettings(("reconvolve",)), given)
    with pytest.raises(ProtoduneError, match="'in_regions' needs regions"):
        run_method(MethodSettings(("in_regions",)), given)
    given.waveforms[3, 5] = np.nan
    with pytest.raises(ProtoduneError, match="plane X: the waveforms hold NaN"):
        run_method(MethodSettings(), given)


def test_settings_of_steps_are_checked_by_path():
    text = '{"steps": ["low_pass", {"cut": {"size_adc": 15}}, {"deconvolve": {"pad": 3}}]}'
    (_, low_pass), (_, cut), (_, deconvolve) = parse_settings(MethodSettings, text).chosen()
    assert (vars(low_pass), cut.size_adc, deconvolve.pad, deconvolve.tight_sigma) == ({}, 15.0, 3, 2.5)
    with pytest.raises(ProtoduneError, match=r"steps\[1\]\.cut\.size: unknown setting .*known: size_adc"):
        MethodSettings(("low_pass", {"cut": {"size": 3.0}}))
    with pytest.raises(ProtoduneError, match=r"steps\[0\]\.cut\.size_adc: found 'x', expected float"):
        MethodSettings(({"cut": {"size_adc": "x"}},))
    with pytest.raises(ProtoduneError, match=r"steps\[0\]: found \{.*\}, expected the name of one step"):
        MethodSettings(({"cut": {}, "zeros": {}},))
    with pytest.raises(ProtoduneError, match=r"settings\.steps\[0\]: found 5, expected str or dict"):
        parse_settings(MethodSettings, '{"steps": [5]}')


def test_every_step_that_comes_with_the_package_is_one():
    assert len(step_names()) >= 11
    assert all(find_step(name).run for name in step_names())


def test_the_cut_is_the_last_word(rng):
    given = noise_readout(rng, "U")
    assert np.array_equal(
        run_method(MethodSettings(({"cut": {"size_adc": 6.0}},)), given)["denoised"], apply_cut(given.waveforms, 6.0)
    )


def test_wiener_lowers_noise_and_keeps_signal(rng):
    clean = np.zeros((200, 600), np.float32)
    clean[50:150, 300:305] = 100
    noisy = clean + 4 * rng.standard_normal(clean.shape).astype(np.float32)
    found = wiener(noisy, 5)
    assert found[:40].std() < 2
    assert found[60:140, 302].mean() == pytest.approx(100, rel=0.05)


@pytest.mark.parametrize("given", [0, False, [], "", "x"])
def test_settings_of_a_step_are_an_object_or_nothing(given):
    with pytest.raises(ProtoduneError, match=r"steps\[0\]\.cut"):
        MethodSettings(steps=[{"cut": given}]).chosen()
    assert MethodSettings(steps=[{"sticky": None}]).chosen()[0][0] == "sticky"
