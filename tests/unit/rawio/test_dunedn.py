import numpy as np
import pytest

from protodune.core.errors import ProtoduneError
from protodune.events.store import EventStore
from protodune.rawio.source import open_raw
from protodune.stages.produce import convert

NAME = "p2GeV_cosmics_inspired_{}_evt8.npy"


@pytest.fixture
def triplet(tmp_path, rng):
    """Noisy digits, noise-off digits and charge of 40 channels, rows in no order."""
    channel = rng.permutation(np.arange(1600, 1640))
    clean = np.zeros((40, 100), np.int64)
    clean[:, 40:50] = 60
    noisy = np.rint(900 + clean + 4 * rng.standard_normal((40, 100))).astype(np.int64)
    charge = np.where(clean > 0, 5000.0, 0.0)
    head = np.stack([np.full(40, 8), channel], axis=1)
    for name, samples in (("rawdigit", noisy), ("rawdigit_noiseoff", clean), ("simch_labels", charge)):
        np.save(tmp_path / NAME.format(name), np.concatenate([head, samples], axis=1))
    return tmp_path, channel, noisy, clean


def test_the_triplet_becomes_an_event_with_truth(triplet):
    folder, channel, noisy, clean = triplet
    source, partner = folder / NAME.format("rawdigit"), folder / NAME.format("rawdigit_noiseoff")
    convert.run(convert.ConvertSettings("p2GeV", "simulation"), str(source), str(partner), str(folder / "s.h5"))
    order = np.argsort(channel)
    with EventStore(folder / "s.h5") as store:
        assert store.event_id(0) == (0, 0, 8)
        assert np.array_equal(store.adc("X", 0)[:40], noisy[order])
        assert np.array_equal(store.clean("X", 0)[:40], clean[order])
        assert store.charge_image("X", 0)[:40].sum() == pytest.approx(5000 * 400)


def test_what_is_no_dump_is_refused(tmp_path):
    np.save(tmp_path / "a.npy", np.zeros(5))
    with pytest.raises(ProtoduneError, match=r"found float64 of shape \(5,\), expected rows of event, channel, ADC values"):
        open_raw(str(tmp_path / "a.npy"))
    np.save(tmp_path / "b.npy", np.array([{}]), allow_pickle=True)
    with pytest.raises(ProtoduneError, match="cannot be read"):
        open_raw(str(tmp_path / "b.npy"))
    np.save(tmp_path / "c.npy", np.full((2, 5), 1e9))
    with pytest.raises(ProtoduneError, match="beyond 16 bits"):
        open_raw(str(tmp_path / "c.npy")).read(0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda data: data[:8] + bytes([data[8] - 32]) + data[9:], "208 bytes, but its header and int64 .* take 176"),
        (lambda data: data + b"more", "212 bytes, but its header and int64 .* take 208"),
        (lambda data: data[:-3], "cannot be read"),
        (lambda data: data.replace(b"<i8", b"<f8"), "row 0 is of event .*, expected a whole number from 0"),
    ],
)
def test_a_damaged_dump_is_refused(tmp_path, change, message):
    np.save(tmp_path / "a.npy", np.array([[8, 100, 3, 4, 5], [8, 101, 3, 4, 5]]))
    data = (tmp_path / "a.npy").read_bytes()
    (tmp_path / "a.npy").write_bytes(change(data))
    with pytest.raises(ProtoduneError, match=message):
        open_raw(str(tmp_path / "a.npy"))


def test_an_archive_is_refused(tmp_path):
    np.savez(tmp_path / "a.npz", a=np.zeros((2, 5)))
    (tmp_path / "a.npz").rename(tmp_path / "a.npy")
    with pytest.raises(ProtoduneError, match="found an archive of arrays, expected one array"):
        open_raw(str(tmp_path / "a.npy"))
