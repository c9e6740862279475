"""Event stores as frames, and frames as a method."""

from types import SimpleNamespace

import numpy as np
import pytest

from helpers import TICKS, as_json, one_line_error, run_module
from protodune.core.errors import ProtoduneError
from protodune.detector.registry import find_detector
from protodune.events.products import Place, Products, ProductWriter
from protodune.events.store import EventStore
from protodune.rawio.frame_export import export_frames
from protodune.rawio.frames import Frame, FrameFile, FrameWriter
from protodune.rawio.wirecell import FramesSettings, charge_of, frames_method, idents
from protodune.stages.produce import convert, infer_frames
from protodune.stages.produce import export_frames as export_stage
from protodune.tasks.known.denoise import TASK as DENOISE
from protodune.tasks.known.regions import TASK as REGIONS

DETECTOR = find_detector("protodune_sp")
V = DETECTOR.plane(4, "V")
SETTINGS = FramesSettings("gauss", 0)


def gauss(values, channel=None, **options):
    channel = V.channels.astype(np.int32)[: len(values)] if channel is None else channel
    return Frame("gauss4", 1, channel, values, 500.0, **options)


def at(frame, ticks=100, late=0):
    """The ticks at which the first channel of V has charge."""
    return np.flatnonzero(charge_of(frame, V, ticks, late, "x")[0]).tolist()


def pulse(tick, ticks=100):
    values = np.zeros((800, ticks), np.float32)
    values[0, tick] = 50
    return values


def test_raw_digits_and_bad_channels_go_out(flat_file, tmp_path):
    (tmp_path / "bad.txt").write_text("3\n2000\n")
    settings = convert.ConvertSettings("small", "simulation")
    convert.run(settings, str(flat_file), None, str(tmp_path / "s.h5"), str(tmp_path / "bad.txt"))
    counts = export_frames(str(tmp_path / "s.h5"), str(tmp_path / "x.tar.gz"))
    assert counts == {"orig0": 1}
    with EventStore(tmp_path / "s.h5") as store, FrameFile(tmp_path / "x.tar.gz") as file:
        [(tag, ident)] = file.frames()
        assert (tag, ident) == ("orig0", store.event_ids[0][2])
        frame = file.read(tag, ident, DETECTOR)
        assert frame.values.dtype == np.int16
        assert (frame.time_ns, frame.first_tick) == (0, 0)
        assert np.array_equal(frame.channel, np.arange(2560))
        assert np.array_equal(frame.values, np.concatenate([store.adc(name, 0) for name in "UVX"]))
        bad = np.concatenate([store.bad(name, 0) for name in "UVX"])
        mask = file.mask("bad", ident)
        assert np.array_equal(mask[:, 0], np.flatnonzero(bad))
        assert bad[[3, 2000]].all()
        assert set(map(tuple, mask[:, 1:].tolist())) == {(0, TICKS)}


def product(path, store_file, family, **images):
    with EventStore(store_file) as store, ProductWriter.open(path, store, family, DENOISE.outputs, {}) as writer:
        for plane in store.family(family, 0):
            writer.write(Place(0, plane), {name: image[: plane.n_channels] for name, image in images.items()})
    return str(path)


def test_charge_goes_out_and_comes_back_as_a_method(store_file, tmp_path, rng):
    charge = np.rint(rng.normal(0, 500, (960, TICKS)).astype(np.float32)) * 4
    files = [product(tmp_path / f"{f}.h5", store_file, f, charge=charge) for f in ("induction", "collection")]
    argv = ["--events", str(store_file), "--products", *files, "--output", str(tmp_path / "x.npz")]
    assert export_stage.main(argv) == 0
    for family in ("induction", "collection"):
        argv = ["--settings", as_json(tag="gauss"), "--task", "denoise", "--step", "denoise", "--method", "wirecell"]
        argv += ["--family", family, "--events", str(store_file), "--frames", str(tmp_path / "x.npz")]
        assert infer_frames.main([*argv, "--output", str(tmp_path / "p.h5")]) == 0
        with EventStore(store_file) as store, Products(tmp_path / "p.h5") as found:
            found.check_matches(store)
            assert found.names() == ["charge", "regions"]
            assert found.about["method"] == "wirecell"
            assert found.about["settings"] == {"tag": "gauss", "late_ticks": 0}
            assert len(found.about["frames_sha256"]) == 64
            for plane in store.family(family, 0):
                wanted = charge[: plane.n_channels] * ~store.bad(plane.name, 0)[:, None]
                assert np.array_equal(found.image("charge", plane.name, 0), wanted)
                assert np.array_equal(found.image("regions", plane.name, 0), wanted > 0)


def test_products_that_do_not_go_out_as_charge_are_refused(store_file, tmp_path):
    path = product(tmp_path / "p.h5", store_file, "collection", regions=np.zeros((960, TICKS), np.float32))
    with pytest.raises(ProtoduneError, match="has no 'charge' of plane X"):
        export_frames(str(store_file), str(tmp_path / "x.tar"), [path])
    with pytest.raises(ProtoduneError, match="a second file of collection planes"):
        export_frames(str(store_file), str(tmp_path / "x.tar"), [path, path])
    assert [p.name for p in tmp_path.iterdir()] == ["p.h5"]


def test_idents_are_event_numbers_unless_two_are_the_same():
    assert idents(SimpleNamespace(event_ids=[(1, 0, 7), (1, 0, 3)])) == [7, 3]
    assert idents(SimpleNamespace(event_ids=[(1, 0, 7), (2, 0, 7)])) == [0, 1]
    assert idents(SimpleNamespace(event_ids=[(1, 0, 2**31)])) == [0], "Wire-Cell's idents are int"


def test_time_and_first_tick_of_a_frame_count():
    assert at(gauss(pulse(30))) == [30]
    assert at(gauss(pulse(30), first_tick=5)) == [35]
    assert at(gauss(pulse(30), time_ns=-2500.0)) == [25]
    assert at(gauss(pulse(30), time_ns=-2500.0, first_tick=7)) == [32]
    assert at(gauss(pulse(30), time_ns=700.0)) == [31], "the nearest whole tick"
    assert at(gauss(pulse(30)), late=2) == [28]
    assert at(gauss(pulse(30)), late=31) == [], "before the readout"
    assert at(gauss(pulse(30)), ticks=20) == [], "after it"
    assert at(gauss(pulse(30)), ticks=400) == [30], "a shorter frame"


def test_channels_come_in_any_order_and_those_of_other_planes_are_left_alone():
    channel = np.array([V.first_channel + 5, V.first_channel - 1, V.first_channel], np.int32)
    values = np.array([[5], [9], [1]], "<i2") * np.ones(10, "<i2")
    charge = charge_of(gauss(values, channel), V, 10, 0, "x")
    assert charge.dtype == np.float32
    assert {row: charge[row, 0] for row in np.flatnonzero(charge.any(axis=1))} == {0: 1, 5: 5}


def test_planes_and_times_that_are_missing_are_said_in_words():
    with pytest.raises(ProtoduneError, match=r"x: has none of the channels 11040 to 11839 of plane V, expected all planes"):
        charge_of(gauss(pulse(30), np.arange(800, dtype=np.int32)), V, 100, 0, "x")
    with pytest.raises(
        ProtoduneError, match=r"covers ticks 2000000 to 2000100, expected some of the readout, 0 to 100; its time"
    ):
        charge_of(gauss(pulse(30), time_ns=1e9), V, 100, 0, "x")


@pytest.fixture
def made(store_file, tmp_path):
    """What a method makes of a frame file with one frame of plane X of APA 0."""

    def make(tag="gauss0", outputs=DENOISE.outputs, settings=SETTINGS, rows=960, **changes):
        plane = DETECTOR.plane(0, "X")
        with EventStore(store_file) as store:
            channel = plane.channels.astype(np.int32)[:rows]
            options = {"ident": store.event_ids[0][2], "tick_ns": 500.0} | changes
            with FrameWriter.open(tmp_path / "x.tar") as writer:
                writer.write(Frame(tag, channel=channel, values=np.ones((rows, TICKS), np.float32), **options))
            with FrameFile(tmp_path / "x.tar") as file:
                return frames_method(file, settings, outputs)(store, [Place(0, plane)])[0]

    return make


def test_a_method_gives_what_its_task_asks_for(made):
    assert set(made()) == {"charge", "regions"}
    assert set(made(outputs=REGIONS.outputs[1:])) == {"regions"}
    assert made()["regions"].all()
    assert set(made(tag="*", settings=FramesSettings("*", 0))) == {"charge", "regions"}, "a tag without a number"


def test_good_channels_that_are_missing_are_said(made, caplog):
    assert not made(rows=900)["regions"][900:].any()
    assert "good channels of plane X are not there and count as empty" in caplog.text


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"tag": "wiener0"},
            r"has no frame gauss0 1 of event \(1, 0, 1\), expected one of each unit .* found wiener0 1; mend",
        ),
        ({"ident": 4}, r"has no frame gauss0 1 of event .* found gauss0 4"),
        ({"tick_ns": 400.0}, "ticks of 400 ns, expected 500 ns"),
    ],
)
def test_frames_of_something_else_are_refused(made, changes, message):
    with pytest.raises(ProtoduneError, match=message):
        made(**changes)


def test_a_stage_says_it_in_one_line_and_leaves_nothing(store_file, tmp_path):
    (tmp_path / "x.tar").write_bytes(b"no tar" * 1000)
    arguments = ["--settings", as_json(), "--task", "denoise", "--step", "s", "--method", "m", "--family", "induction"]
    arguments += ["--events", store_file, "--frames", tmp_path / "x.tar", "--output", tmp_path / "p.h5"]
    error = one_line_error(run_module("stages.produce.infer_frames", *arguments), "infer")
    assert "x.tar cannot be read" in error
    assert not (tmp_path / "p.h5").exists()
