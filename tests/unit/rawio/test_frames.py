"""Frame files: what Wire-Cell writes and reads, and what is refused in words."""

import io
import tarfile

import numpy as np
import pytest

from protodune.core.errors import ProtoduneError
from protodune.detector.registry import find_detector
from protodune.rawio.frames import Frame, FrameFile, FrameWriter
from protodune.rawio.npy_files import SUFFIXES, create_npy_file

DETECTOR = find_detector("protodune_sp")
CHANNEL = np.arange(2558, 2564, dtype="<i4")
VALUES = np.arange(6 * 40, dtype="<f4").reshape(6, 40) - 7.5
MEMBERS = {
    "frame_gauss0_3.npy": VALUES,
    "channels_gauss0_3.npy": CHANNEL,
    "tickinfo_gauss0_3.npy": np.array([0, 500, 0], "<f8"),
    "chanmask_bad_3.npy": np.array([[2559, 0, 40]], "<i4"),
}


def written(path, **changes):
    """A frame file with some members changed, or left out by None."""
    members = MEMBERS | {f"{name}.npy": array for name, array in changes.items()}
    with create_npy_file(path) as append:
        for name, array in members.items():
            if array is not None:
                append(name, array)
    return path


def read(path, tag="gauss0", ident=3, detector=DETECTOR):
    with FrameFile(path) as file:
        return file.read(tag, ident, detector)


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("kind", ["<i2", "<f4"])
def test_frames_come_back(suffix, kind, tmp_path):
    path = tmp_path / f"x{suffix}"
    masks = {ident: np.array([[2559, 0, 40], [2560, 5, 9]]) + ident for ident in (1, 7)}
    with FrameWriter.open(path) as writer:
        for ident, mask in masks.items():
            for tag, values in (("orig0", VALUES), ("mp2_roi0", VALUES * 2)):
                frame = Frame(tag, ident, CHANNEL, (values * ident).astype(kind), 500.0, 1000.0, -4, np.arange(6.0))
                writer.write(frame)
            writer.write_mask("bad", ident, mask)
            writer.write_mask("noisy", ident, np.zeros((0, 3)))
    with FrameFile(path) as file:
        assert file.frames() == [("orig0", 1), ("mp2_roi0", 1), ("orig0", 7), ("mp2_roi0", 7)]
        for tag, ident in reversed(file.frames()):
            found = file.read(tag, ident, DETECTOR)
            assert found.values.dtype.str == kind
            wanted = VALUES * ident * (2 if tag == "mp2_roi0" else 1)
            assert np.array_equal(found.values, wanted.astype(kind))
            assert np.array_equal(found.channel, CHANNEL)
            assert np.array_equal(found.summary, np.arange(6.0))
            assert (found.tick_ns, found.time_ns, found.first_tick, found.start) == (500.0, 1000.0, -4, -2)
            assert np.array_equal(file.mask("bad", ident), masks[ident])
            assert file.mask("noisy", ident).shape == (0, 3)


def test_members_are_those_of_wire_cell(tmp_path):
    with FrameWriter.open(tmp_path / "x.tar") as writer:
        writer.write(Frame("gauss0", 3, CHANNEL.astype(np.int64), VALUES, 500.0))
        writer.write_mask("bad", 3, np.array([[2559, 0, 40]]))
    with tarfile.open(tmp_path / "x.tar") as tar:
        found = {m.name: np.load(io.BytesIO(tar.extractfile(m).read())) for m in tar}
    assert list(found) == list(MEMBERS)
    for name, array in MEMBERS.items():
        assert found[name].dtype == array.dtype
        assert np.array_equal(found[name], array)


def test_a_frame_of_another_type_is_a_fault_of_the_program(tmp_path):
    with pytest.raises(ValueError, match="float64"), FrameWriter.open(tmp_path / "x.tar") as writer:
        writer.write(Frame("gauss0", 3, CHANNEL, VALUES.astype(np.float64), 500.0))
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_frame_is_left_alone(tmp_path):
    path = written(tmp_path / "x.tar", tensor_a_1=VALUES, **{"frame_*_5": VALUES})
    with FrameFile(path) as file:
        assert file.frames() == [("gauss0", 3), ("*", 5)]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"channels_gauss0_3": None}, r"frame gauss0 3: has no channels_gauss0_3\.npy, expected frame, channels, tickinfo"),
        ({"tickinfo_gauss0_3": None, "frame_gauss0_3": None}, r"has no frame_gauss0_3\.npy, tickinfo_gauss0_3\.npy"),
        ({"frame_gauss0_3": VALUES.astype("<f8")}, r"found <f8 of shape \(6, 40\), expected <i2 or <f4 of shape \(6, any\)"),
        ({"frame_gauss0_3": VALUES.astype("<u2")}, "found <u2"),
        ({"frame_gauss0_3": VALUES.astype(">f4")}, "found >f4"),
        ({"frame_gauss0_3": VALUES.T}, r"shape \(40, 6\), expected .* \(6, any\)"),
        ({"frame_gauss0_3": VALUES[None]}, r"shape \(1, 6, 40\), expected"),
        ({"frame_gauss0_3": np.full_like(VALUES, np.nan)}, "holds NaN or infinity, expected finite values"),
        ({"channels_gauss0_3": CHANNEL.astype("<i8")}, "found <i8 of shape"),
        ({"channels_gauss0_3": CHANNEL + 15360}, r"channel 17918, expected 0 to 15359 \(ProtoDUNE-SP\); give the frames"),
        ({"channels_gauss0_3": CHANNEL - 9999}, "channel -7441, expected 0 to 15359"),
        ({"channels_gauss0_3": CHANNEL // 2}, "channel 1279 occurs more than once, expected each once"),
        ({"channels_gauss0_3": np.zeros(15361, "<i4")}, "found 15361 rows, expected at most 15360"),
        ({"tickinfo_gauss0_3": np.array([0, 512, 0], "<f8")}, r"ticks of 512 ns, expected 500 ns \(ProtoDUNE-SP\)"),
        ({"tickinfo_gauss0_3": np.array([0, np.nan, 0], "<f8")}, "ticks of nan ns, expected 500 ns"),
        ({"tickinfo_gauss0_3": np.array([np.inf, 500, 0], "<f8")}, "begins at time inf ns"),
        ({"tickinfo_gauss0_3": np.array([1e300, 500, 0], "<f8")}, r"begins at time 1e\+300 ns"),
        ({"tickinfo_gauss0_3": np.array([0, 500, np.nan], "<f8")}, "tick nan, expected"),
        (
            {"tickinfo_gauss0_3": np.array([0, 500, 0.5], "<f8")},
            r"tick 0\.5, expected a time near the readout and a whole tick",
        ),
        ({"tickinfo_gauss0_3": np.array([0, 500], "<f8")}, r"shape \(2,\), expected <f8 of shape \(3\)"),
        ({"summary_gauss0_3": np.zeros(5)}, r"shape \(5,\), expected <f8 of shape \(6\)"),
        ({"frame_gauss0_03": VALUES}, r"frame_gauss0_3\.npy and frame_gauss0_03\.npy are the same member"),
    ],
)
def test_bad_frames_are_refused_in_words(changes, message, tmp_path):
    with pytest.raises(ProtoduneError, match=message):
        read(written(tmp_path / "x.tar", **changes))


def test_a_mask_of_another_shape_is_refused(tmp_path):
    with (
        FrameFile(written(tmp_path / "x.tar", chanmask_bad_3=np.zeros((2, 2), "<i4"))) as file,
        pytest.raises(ProtoduneError, match=r"chanmask_bad_3\.npy: found <i4 of shape \(2, 2\), expected <i4 of shape"),
    ):
        file.mask("bad", 3)


def test_another_detectors_frames_are_refused(tmp_path):
    with pytest.raises(ProtoduneError, match=r"channel 2558, expected 0 to 623"):
        read(written(tmp_path / "x.tar"), detector=find_detector("plugins.small_detector"))


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_damaged_file_is_refused_or_read(suffix, tmp_path, rng):
    """Bytes flipped, cut out, put in, and the file cut off: words, or numbers, but no traceback."""
    path = written(tmp_path / f"x{suffix}")
    content, refused = path.read_bytes(), 0
    for number in range(300):
        damaged, place = bytearray(content), int(rng.integers(len(content)))
        if number % 4 == 0:
            del damaged[place:]
        elif number % 4 == 1:
            damaged[place : place + 3] = b""
        elif number % 4 == 2:
            damaged[place:place] = rng.bytes(2)
        else:
            damaged[place] ^= 1 << rng.integers(8)
        path.write_bytes(damaged)
        try:
            with FrameFile(path) as file:
                for tag, ident in file.frames():
                    file.read(tag, ident, DETECTOR)
                file.mask("bad", 3)
        except ProtoduneError:
            refused += 1
    assert refused > 100
