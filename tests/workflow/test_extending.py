"""Every example of docs/extending.md, run: one detector, task, network, metric, classical step and figure of one's own."""

import os
import re

import pytest
import yaml

from helpers import REPOSITORY, job_environment, run_snakemake
from protodune.core.tables import read_table
from protodune.events.products import Products
from protodune.events.store import EventStore

PAGE = (REPOSITORY / "docs" / "extending.md").read_text()
EXAMPLES = re.findall(r'```\w+ title="([^"]+)"\n(.*?)```', PAGE, re.DOTALL)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A working directory with the examples of the page, after its command; with fewer classical methods."""
    folder = tmp_path_factory.mktemp("extending")
    for name, text in EXAMPLES:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    (folder / "mine" / "__init__.py").write_text("")
    methods = yaml.safe_load((REPOSITORY / "config" / "config.yaml").read_text())["methods"]
    (folder / "short.yaml").write_text(yaml.safe_dump({"methods": {m: None for m in methods if m != "raw"}}))
    environment = {"PYTHONPATH": os.pathsep.join([str(folder), job_environment()["PYTHONPATH"]])}
    result = run_snakemake(
        "--configfile",
        folder / "mine.yaml",
        folder / "short.yaml",
        directory=folder,
        profile="local",
        environment=environment,
    )
    assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-6000:]
    return folder / "results"


def test_the_page_has_an_example_of_each():
    headings = re.findall(r"^## (Add .*)$", PAGE, re.MULTILINE)
    assert headings == [f"Add a {x}" for x in ("detector", "task", "network", "metric", "classical step", "figure")]
    assert {name for name, _ in EXAMPLES} >= {
        f"mine/{n}.py" for n in ("one_apa", "bright", "tiny", "bright_share", "smooth")
    }


def test_the_detector_stands_in_the_store_and_in_every_row(finished, monkeypatch):
    monkeypatch.syspath_prepend(str(finished.parent))
    with EventStore(finished / "events" / "test.h5") as store:
        assert (store.detector.name, store.ticks) == ("mine.one_apa", 512)
    assert {r["detector"] for r in read_table(finished / "tables" / "methods.tsv")} == {"mine.one_apa"}


def test_the_task_has_products_and_metrics(finished, monkeypatch):
    monkeypatch.syspath_prepend(str(finished.parent))
    with Products(finished / "products" / "bright" / "tiny.base" / "collection" / "test.h5") as products:
        score = products.image("bright", "X", 0)
        assert 0 <= score.min() <= score.max() <= 1
    rows = [r for r in read_table(finished / "tables" / "methods.tsv") if r["step"] == "bright"]
    assert {r["metric"] for r in rows} == {"bright_found", "bright_agreement"}
    assert {r["method"] for r in rows} == {"tiny.base"}
    assert "bright pixels found" in (finished / "tables" / "methods.md").read_text()


def test_the_classical_step_changes_waveforms(finished):
    rows = {r["metric"]: float(r["value"]) for r in read_table(finished / "tables" / "methods.tsv")
            if (r["method"], r["family"], r["channels"]) == ("smooth", "collection", "all")}  # fmt: skip
    assert rows["mse"] > 0


def test_the_figure_is_drawn_with_its_rows(finished):
    assert (finished / "figures" / "mine.shares.all.png").stat().st_size > 3000
    assert (finished / "figures" / "mine.shares.all.tsv").is_file()


def test_nothing_of_the_package_was_edited_for_it():
    for path in (REPOSITORY / "workflow").rglob("*.py"):
        assert "one_apa" not in path.read_text(), path
