"""Conversion: damaged events, bad channels, the slow board, memory, a full disk."""

import shutil
import subprocess
import sys

import numpy as np
import pytest
import uproot

from helpers import DATA, TICKS, as_json, job_environment, one_line_error, run_module, small_sample
from protodune.core.errors import ProtoduneError
from protodune.core.tables import read_table
from protodune.detector.known.protodune_sp import DETECTOR
from protodune.events.store import STATUS_LISTED, EventStore
from protodune.rawio.flat import write_flat
from protodune.rawio.source import open_raw
from protodune.simulation.events import simulate_events
from protodune.stages.measure import lost_events
from protodune.stages.produce import convert

CONVERT = as_json(sample="s", kind="simulation")


def settings(**changes):
    return convert.ConvertSettings("s", "data", **changes)


def test_a_damaged_event_can_be_skipped_and_is_recorded(tmp_path):
    source = str(DATA / "art_badpayload.root")
    with pytest.raises(ProtoduneError, match="entry 1"):
        convert.run(settings(), source, None, str(tmp_path / "a.h5"))
    assert list(tmp_path.iterdir()) == []
    convert.run(settings(on_damaged_event="skip"), source, None, str(tmp_path / "a.h5"))
    with EventStore(tmp_path / "a.h5") as store:
        assert store.event_ids == [(1, 0, 1), (1, 0, 3)]
        assert [event["entry"] for event in store.lost_events] == [1]
        assert "cannot be read" in store.lost_events[0]["cause"]
    assert lost_events.main(["--events", str(tmp_path / "a.h5"), "--output", str(tmp_path / "lost_events.tsv")]) == 0
    assert [(r["sample"], r["entry"]) for r in read_table(tmp_path / "lost_events.tsv")] == [("s", "1")]
    assert "s, entry 1: " in (tmp_path / "lost_events.html").read_text()
    good = open_raw(str(DATA / "art_detsim_small.root")).read(2)
    with EventStore(tmp_path / "a.h5") as store:
        rows = [i for i in range(len(store)) if store.event_id(i) == (1, 0, 3)]
        found = {c: a for i in rows for p in "UVX" for c, a in zip(store.channel(p, i), store.adc(p, i), strict=True)}
    assert all(np.array_equal(found[c], a) for c, a in zip(good.channel, good.adc, strict=True))


def test_a_word_other_than_stop_or_skip_is_refused():
    with pytest.raises(ProtoduneError, match="found 'ignore', expected stop or skip"):
        settings(on_damaged_event="ignore")


def test_listed_channels_are_flagged(tmp_path, flat_file):
    (tmp_path / "bad.txt").write_text("# broken wires\n3\n\n1605  # noisy\n")
    convert.run(settings(), str(flat_file), None, str(tmp_path / "a.h5"), str(tmp_path / "bad.txt"))
    with EventStore(tmp_path / "a.h5") as store:
        assert np.flatnonzero(store.status("U", 0) & STATUS_LISTED).tolist() == [3]
        assert np.flatnonzero(store.status("X", 0) & STATUS_LISTED).tolist() == [5]
        assert np.all(store.waveforms("X", 0)[5] == 0)
    (tmp_path / "bad.txt").write_text("3\n15360\n")
    with pytest.raises(ProtoduneError, match="line 2: found '15360', expected a channel from 0 to 15359"):
        convert.run(settings(), str(flat_file), None, str(tmp_path / "b.h5"), str(tmp_path / "bad.txt"))


def test_a_simulated_slow_board_is_stretched_by_itself(tmp_path):
    """The simulation's digits say that they are short; after conversion they follow the truth."""
    settings = {"content": "pulses", "ticks": 6000, "pulse_electrons": (50000.0,)}
    sample = small_sample(simulation={**settings, "effects": {"slow_board": True, "coherent_noise": False}})
    write_flat(tmp_path / "a.root", simulate_events(sample), 6000, {})
    rms = {}
    for how in ("auto", "never"):
        convert.run(convert.ConvertSettings("a", "simulation", stretch_slow_board=how), str(tmp_path / "a.root"), None,
                    str(tmp_path / f"{how}.h5"))  # fmt: skip
        with EventStore(tmp_path / f"{how}.h5") as store:
            slow = np.isin(store.channel("X", 0), DETECTOR.units[0].board_channels(2))
            assert (store.status("X", 0)[slow] != 0).all() == (how == "never")
            difference = store.waveforms("X", 0) - store.clean("X", 0)
            rms[how] = difference[slow, 4000:5900].std() / difference[~slow, 4000:5900].std()
    assert rms["auto"] < 1.1
    assert rms["never"] > 2


MEMORY = """
import resource, sys
from protodune.stages.produce import convert
convert.run(convert.ConvertSettings("s", "simulation"), sys.argv[1], None, sys.argv[2])
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def test_memory_does_not_grow_with_the_number_of_events(tmp_path):
    peaks = []
    for events in (2, 20):
        sample = small_sample(events=events, simulation={"ticks": 1000, "cosmics_per_unit": 2.0})
        write_flat(tmp_path / f"{events}.root", simulate_events(sample), 1000, {})
        command = [sys.executable, "-c", MEMORY, str(tmp_path / f"{events}.root"), str(tmp_path / "a.h5")]
        result = subprocess.run(command, env=job_environment(), capture_output=True, text=True, check=True)
        peaks.append(int(result.stdout.split()[-1]))
    # One event takes 5 MB of int16; 18 more would take 92 MB.
    assert peaks[1] - peaks[0] < 30_000


FULL_DISK = """
import resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
from protodune.stages.produce import convert
raise SystemExit(convert.main(sys.argv[1:]))
"""


def test_a_full_disk_is_one_line_and_leaves_nothing(tmp_path, flat_file):
    argv = ["--settings", as_json(sample="s", kind="simulation"), "--source", flat_file, "--output", tmp_path / "o" / "a.h5"]
    command = [sys.executable, "-c", FULL_DISK, *map(str, argv)]
    result = subprocess.run(command, env=job_environment(), capture_output=True, text=True, check=False)
    assert "cannot be written (File too large)" in one_line_error(result, "convert")
    assert list((tmp_path / "o").iterdir()) == []


def test_event_stores_carry_settings_and_versions(store_file):
    with EventStore(store_file) as store:
        assert store.about["source_about"]["seed"] == 7
        assert store.about["versions"]["uproot"]


def root_without_events(path):
    with uproot.recreate(path) as file:
        file.mktree("Events", {"x": "i4"})


BAD_SOURCES = {
    "missing file": (None, "no such file"),
    "empty file": (lambda p: p.write_bytes(b""), "found an empty file"),
    "tree without digits": (root_without_events, "has no branch raw::RawDigits_"),
    "two candidate tags": (lambda p: shutil.copy(DATA / "art_zs_huffman.root", p), "set 'tag' of this sample"),
    "damaged payload": (lambda p: shutil.copy(DATA / "art_badpayload.root", p), "the file is damaged"),
}


@pytest.mark.parametrize("case", BAD_SOURCES)
def test_a_bad_source_is_one_line_and_leaves_nothing(case, tmp_path):
    make, message = BAD_SOURCES[case]
    source, output = tmp_path / "in.root", tmp_path / "out" / "s.h5"
    if make:
        make(source)
    result = run_module("stages.produce.convert", "--settings", CONVERT, "--source", source, "--output", output)
    assert message in one_line_error(result, "convert")
    assert str(source) in result.stderr
    assert not output.parent.exists() or list(output.parent.iterdir()) == []


def test_a_partner_with_other_events(tmp_path, flat_file):
    other = small_sample(run=2)
    write_flat(tmp_path / "off.root", simulate_events(other), TICKS, {})
    arguments = ["--source", flat_file, "--partner", tmp_path / "off.root", "--output", tmp_path / "s.h5"]
    result = run_module("stages.produce.convert", "--settings", CONVERT, *arguments)
    error = one_line_error(result, "convert")
    assert "has no event (run, subrun, event) (1, 0, 1)" in error
    assert "found (2, 0, 1)" in error
    assert not (tmp_path / "s.h5").exists()


def test_a_partner_that_is_not_noise_off(tmp_path, raw_event, flat_file):
    shifted = next(simulate_events(small_sample()))
    shifted.pedestal = shifted.pedestal - 100
    write_flat(tmp_path / "off.root", [shifted], TICKS, {})
    arguments = ["--source", flat_file, "--partner", tmp_path / "off.root", "--output", tmp_path / "s.h5"]
    result = run_module("stages.produce.convert", "--settings", CONVERT, *arguments)
    assert "ADC off the recorded pedestal" in one_line_error(result, "convert")
