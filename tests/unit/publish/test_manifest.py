import json

import h5py
import pytest

from protodune.core.errors import ProtoduneError
from protodune.publish.manifest import differences, read_manifest
from protodune.stages.publish import manifest


@pytest.fixture
def results(tmp_path):
    folder = tmp_path / "results"
    (folder / "tables").mkdir(parents=True)
    (folder / "logs").mkdir()
    (folder / "tables" / "a.tsv").write_text("x\n1\n")
    (folder / "logs" / "a.log").write_text("noise")
    with h5py.File(folder / "events.h5", "w") as file:
        file.attrs["about"] = json.dumps({"seed": 7, "source": "run.root"})
    (tmp_path / "config.json").write_text('{"seed": 3}')
    manifest.write(str(folder), str(folder / "manifest.json"), str(tmp_path / "config.json"), {"samples": {"a": "b"}})
    return folder


def verify(results):
    return manifest.main(["verify", "--results", str(results), "--manifest", str(results / "manifest.json")])


def test_it_lists_products_with_what_made_them(results):
    found = read_manifest(results / "manifest.json")
    assert set(found["products"]) == {"tables/a.tsv", "events.h5"}
    assert found["products"]["events.h5"]["about"] == {"seed": 7, "source": "run.root"}
    assert found["products"]["tables/a.tsv"]["bytes"] == 4
    assert found["settings"] == {"seed": 3}
    assert found["samples"] == {"a": "b"}
    assert "numpy" in found["versions"]


def test_untouched_products_verify(results):
    assert verify(results) == 0


def test_a_changed_product_is_named(results, caplog, capsys):
    (results / "tables" / "a.tsv").write_text("x\n2\n")
    with caplog.at_level("INFO"):
        assert verify(results) == 1
    assert "changed: tables/a.tsv" in caplog.text
    assert "1 of 2 products are not as they were made" in capsys.readouterr().err


def test_a_missing_product_is_named_and_a_new_one_is_no_error(results, caplog):
    (results / "new.tsv").write_text("y\n")
    with caplog.at_level("INFO"):
        assert verify(results) == 0
    assert "not in the manifest: new.tsv" in caplog.text
    (results / "tables" / "a.tsv").unlink()
    assert differences(read_manifest(results / "manifest.json"), results)["missing"] == ["tables/a.tsv"]
    assert verify(results) == 1


def test_no_manifest_says_what_to_run(tmp_path, capsys):
    assert verify(tmp_path) == 1
    assert "snakemake paper" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["no json", "[]", '{"format": "other"}'])
def test_another_file_is_refused(tmp_path, text):
    (tmp_path / "m.json").write_text(text)
    with pytest.raises(ProtoduneError, match="manifest"):
        read_manifest(tmp_path / "m.json")
