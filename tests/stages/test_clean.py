"""Files through the whole chain in one process: each becomes a ROOT file and a row, and no file stops another."""

import json
import shutil

import numpy as np
import pytest
import uproot

from helpers import DATA, REPOSITORY
from protodune import cli
from protodune.campaign import chain
from protodune.core.tables import read_table
from protodune.events.products import Products
from protodune.events.store import EventStore
from protodune.learning.method import NetworkSettings, infer_sample, load_method
from protodune.stages.produce import clean


@pytest.fixture(scope="module")
def sources(flat_file, tmp_path_factory):
    """Two good files, one with a damaged event, one that is cut off."""
    folder = tmp_path_factory.mktemp("raw")
    for name in ("art_decoder_data", "art_badpayload", "art_truncated"):
        shutil.copy(DATA / f"{name}.root", folder)
    shutil.copy(flat_file, folder / "small.root")
    return folder


def cleaned(folder, *files, code=0, options=("--runtime", "torch", "--precision", "float32")):
    assert clean.main([*map(str, files), "--output", str(folder), *options]) == code
    return {row["file"].rsplit("/", 1)[-1]: row for row in read_table(folder / "summary.tsv")}


def test_every_file_has_a_row_and_no_file_stops_another(sources, tmp_path, capsys):
    (tmp_path / "files.txt").write_text(f"{sources}/art_badpayload.root\n# a comment\n{sources}/nowhere.root # gone\n")
    files = [sources / f"{name}.root" for name in ("art_truncated", "art_decoder_data", "art_decoder_data")]
    out = tmp_path / "out"
    rows = cleaned(out, *files, code=1, options=("--list", str(tmp_path / "files.txt")))
    assert [(r["status"], r["events"], r["lost_events"]) for r in read_table(out / "summary.tsv")] == [
        ("failed", "", ""), ("done", "2", "0"), ("failed", "", ""), ("done", "2", "1"), ("failed", "", ""),
    ]  # fmt: skip
    causes = [r["cause"] for r in read_table(out / "summary.tsv")]
    assert "art_truncated.root" in causes[0]
    assert "art_decoder_data.root is already that of" in causes[2]
    assert causes[3].startswith("1 damaged event(s) left out: ")
    assert "nowhere.root: found nothing" in causes[4] or "nowhere.root" in causes[4]
    said = capsys.readouterr().err
    assert "clean: error: 3 of 5 files failed: " in said
    assert "give the same command again" in said
    assert {p.name for p in out.iterdir()} == {
        "summary.tsv", "art_truncated.json", "nowhere.json",
        *(f"{n}.{e}" for n in ("art_decoder_data", "art_badpayload") for e in ("root", "json")),
    }  # fmt: skip
    with uproot.open(out / "art_badpayload.root") as file:
        assert {"denoised", "charge", "regions"} <= {key.split(";")[0] for key in file}
        assert int(rows["art_badpayload.root"]["output_bytes"]) == (out / "art_badpayload.root").stat().st_size


def test_what_is_done_stays_until_file_or_settings_change(sources, tmp_path):
    source = tmp_path / "small.root"
    shutil.copy(sources / "small.root", source)
    out = tmp_path / "out"
    assert cleaned(out, source)["small.root"]["status"] == "done"
    first = (out / "small.root").read_bytes()
    again = cleaned(out, source, sources / "art_decoder_data.root")
    assert (again["small.root"]["status"], again["small.root"]["events"]) == ("done earlier", "1")
    assert again["art_decoder_data.root"]["status"] == "done"
    (out / "small.root").write_bytes(first[:-1])
    assert cleaned(out, source)["small.root"]["status"] == "done", "an output that is not whole is made again"
    changed = cleaned(out, source, options=("--runtime", "torch", "--precision", "float32", "--noisy-above", "2"))
    assert changed["small.root"]["status"] == "done"
    source.touch()
    assert cleaned(out, source)["small.root"]["status"] == "done"
    (tmp_path / "bad.txt").write_text("1700\n")
    listed = (
        "--runtime",
        "torch",
        "--precision",
        "float32",
        "--bad-channels",
        str(tmp_path / "bad.txt"),
        "--scratch",
        str(tmp_path),
    )
    assert cleaned(out, source, options=listed)["small.root"]["status"] == "done"
    assert cleaned(out, source, options=listed[:-2])["small.root"]["status"] == "done earlier", "scratch decides nothing"
    (tmp_path / "bad.txt").write_text("1700\n1701\n")
    assert cleaned(out, source, options=listed)["small.root"]["status"] == "done", "another list of the same name"


def test_the_values_are_those_of_the_stages_one_by_one(sources, store_file, tmp_path):
    out = tmp_path / "out"
    cleaned(out, sources / "small.root")
    with uproot.open(out / "small.root") as file, EventStore(store_file) as store:
        tree = file["denoised"].arrays(["plane", "channel", "adc"], library="np")
        about = json.loads(str(file["protodune_about"]))
        assert about["events"] == str(sources / "small.root"), "not a file that is gone"
        for family in ("collection", "induction"):
            method = load_method(NetworkSettings("denoise"), family, str(REPOSITORY / "zoo" / f"unet.{family}.safetensors"))
            infer_sample(method, "denoise", "unet", str(store_file), str(tmp_path / f"{family}.h5"))
            assert about["products"][family]["weights_sha256"] == method.about["weights_sha256"]
            with Products(tmp_path / f"{family}.h5") as found:
                for plane in store.family(family, 0):
                    good = ~store.bad(plane.name, 0)
                    rows = tree["plane"] == plane.name
                    assert np.array_equal(tree["channel"][rows], store.channel(plane.name, 0)[good])
                    assert np.array_equal(np.stack(tree["adc"][rows]), found.image("denoised", plane.name, 0)[good])


def test_an_event_in_two_files_is_cleaned_once(sources, tmp_path):
    shutil.copy(sources / "small.root", tmp_path / "again.root")
    rows = cleaned(tmp_path / "out", sources / "small.root", tmp_path / "again.root", code=1)
    assert rows["again.root"]["status"] == "failed"
    assert "event (1, 0, 1) (run, subrun, event) is in" in rows["again.root"]["cause"]
    assert not (tmp_path / "out" / "again.root").exists()


def test_a_full_disk_ends_the_run_in_words(sources, tmp_path, capsys, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device", "x.h5")

    monkeypatch.setattr(chain.Conversion, "begin", full)
    assert clean.main([str(sources / "small.root"), "--output", str(tmp_path / "out")]) == 1
    assert "clean: error: x.h5: the disk is full; make room and give the same command again" in capsys.readouterr().err
    assert not list((tmp_path / "out").glob("*.root"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "found no file, expected one or more; name them, or give --list"),
        (["a.root", "--weights", "no.{family}.safetensors"], "no.induction.safetensors: found nothing, expected weights"),
        (["a.root", "--precision", "double"], "precision 'double', expected auto | float32"),
        (["--list", "none.txt"], "none.txt: found nothing, expected a list of files"),
    ],
)
def test_what_cannot_be_is_one_line(arguments, message, tmp_path, capsys):
    assert clean.main([*arguments, "--output", str(tmp_path / "out")]) == 1
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_it_is_a_command_of_protodune(sources, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["clean", str(sources / "small.root"), "--output", "out"]) == 0
    assert (tmp_path / "out" / "small.root").is_file()
