"""The command `protodune campaign`: the state of a campaign for people, and failed files once more."""

import pytest

from protodune import cli
from protodune.campaign.records import PASSING, Record
from protodune.core.tables import read_table
from protodune.stages.publish import campaign

QUALITY = {
    "run": 5387, "plane": "X", "images": 6, "channels": 5760, "bad_channels": 12, "noise_rms": None, "pixels": 0,
    "regions": None, "region_pixels": None,
}  # fmt: skip
MADE = {
    "events": [[5387, 0, 1]], "lost": [], "images": 6, "output_bytes": 2_000_000_000, "source_bytes": 1, "seconds": 4.0,
    "quality": [QUALITY],
}  # fmt: skip


@pytest.fixture
def directory(tmp_path):
    """A campaign of three files: done, failed with signs that HTML knows, pending."""
    folder = tmp_path / "results" / "campaign"
    (folder / "batches").mkdir(parents=True)
    (folder / "pictures" / "s").mkdir(parents=True)
    (folder / "pictures" / "s" / 'a "b".collection.png').touch()
    lines = ["sample\tbatch\tfile\trefused", *(f"s\t1\traw/{name}.root\t" for name in "abc")]
    (folder / "plan.tsv").write_text("\n".join(lines) + "\n")
    Record.read(folder / "files" / "s" / "a.json").done({}, MADE)
    Record.read(folder / "files" / "s" / "b.json").failed({}, PASSING, "raw/b.root: <script> & no network")
    return tmp_path


def test_status_is_a_table_and_a_page(directory, capsys):
    assert cli.main(["campaign", "status", "--directory", str(directory)]) == 0
    said = capsys.readouterr().out
    assert "3 files: 1 done, 1 failed, 1 pending; 1 events, 0.25 events/s of all jobs together, 2 GB" in said
    assert "* failed: s: raw/b.root: <script> & no network" in said
    page = (directory / "results" / "campaign" / "status.html").read_text()
    assert "raw/b.root: &lt;script&gt; &amp; no network" in page
    assert 'href="pictures/s/a &quot;b&quot;.collection.png"' in page
    assert "<td>5387</td><td>X</td><td>1</td><td>–</td><td>2</td><td>–</td><td>–</td>" in page


def test_failed_files_are_tried_again_when_that_is_asked_for(directory, capsys):
    assert cli.main(["campaign", "retry", "--directory", str(directory)]) == 0
    assert "1 file(s) will be tried again by the next `snakemake campaign`" in capsys.readouterr().out
    assert cli.main(["campaign", "retry", "--directory", str(directory)]) == 1
    assert "campaign: error: " in capsys.readouterr().err


def test_no_campaign_is_one_line(tmp_path, capsys):
    assert cli.main(["campaign", "status", "--directory", str(tmp_path)]) == 1
    assert "plan.tsv: found no campaign, expected one; run `snakemake campaign`" in capsys.readouterr().err


def test_tables_of_the_rule(directory, tmp_path, monkeypatch):
    monkeypatch.chdir(directory)
    options = [f"--{name}={tmp_path}/{name}.tsv" for name in ("files", "runs", "quality")]
    assert campaign.main(["gather", *options]) == 0
    assert [row["status"] for row in read_table(tmp_path / "files.tsv")] == ["done", "failed", "pending"]
    [row] = read_table(tmp_path / "quality.tsv")
    assert (row["noise_rms"], row["bad_channels"], row["occupancy"]) == ("", "2", "")
