import shutil
import subprocess

import pytest
from matplotlib import pyplot as plt

from protodune.core.errors import ProtoduneError
from protodune.publish.captions import TABLES, Item, caption, kinds
from protodune.publish.figures.spec import figure_names, find_figure
from protodune.publish.figures.style import save_figure
from protodune.publish.paper import write_paper
from protodune.publish.typeset import Block, latex, markdown

BLOCKS = [Block("collection, 2 events", ["method", "MSE [ADC²]"], [["coherent_cut15", "0.31 ± 0.02"], ["a & b", "–"]])]


def test_every_figure_and_table_has_a_caption():
    for name in figure_names():
        text = caption(Item(name, f"figures/{name}"), {})
        assert text.endswith("."), name
        assert len(text) > 40, name
    assert kinds() == [*figure_names(), *TABLES]


def test_figures_have_a_place_each():
    figures = [find_figure(name) for name in figure_names()]
    assert [f.name for f in figures] == figure_names(), "a figure is called as its module"
    assert len({f.order for f in figures}) == len(figures)


def test_captions_say_the_sample():
    text = caption(
        Item("noise", "figures/noise.collection.run", "Sample run, collection planes"), {"run": "data from a.root"}
    )
    assert text.endswith("run: data from a.root.")


ABOUT = {"samples": {"s": "embedded simulation, seed 3"}, "networks": {"zoo.v1": "unet"}, "seed": 5}


def test_the_document_holds_tables_figures_and_provenance(tmp_path):
    (tmp_path / "tables").mkdir()
    for suffix, text in ((".md", markdown(BLOCKS)), (".tex", latex(BLOCKS))):
        (tmp_path / "tables" / f"headline{suffix}").write_text(text)
    for suffix in (".png", ".svg"):
        (tmp_path / f"noise.collection.s{suffix}").write_text("picture")
    items = [Item("headline", "tables/headline", is_table=True), Item("noise", "noise.collection.s", "Sample s")]
    write_paper(items, ABOUT, str(tmp_path), str(tmp_path / "paper" / "paper.md"))
    text = (tmp_path / "paper" / "paper.md").read_text()
    assert "![noise](../noise.collection.s.png)" in text
    assert "0.31 ± 0.02" in text
    assert "Seed of the run: 5." in text
    assert "embedded simulation, seed 3" in text
    tex = (tmp_path / "paper" / "paper.tex").read_text()
    assert tex.count(r"\begin") == tex.count(r"\end") - 0
    assert r"keepaspectratio]{../noise.collection.s.png}" in tex


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="there is no pdflatex here to compile the document with")
def test_the_document_compiles_with_a_plain_latex(tmp_path):
    """Every caption and a table with every sign that tables hold, one too wide for the page among them."""
    signs = [["coherent_cut15", "0.31 ± 0.02"], ["|truth| ≥ 3.5 ADC²", "µs, − 5 %, #1 & ~50°, θ, $"]]
    wide = [["method", *["Absolute area [ADC tick]"] * 12], ["unet.base", *["1234567.8"] * 12]]
    (tmp_path / "tables").mkdir()
    table = latex([Block("collection_s, 2 event(s)", ["method", "MSE [ADC²]"], signs), Block("wide", wide[0], wide[1:])])
    for suffix, text in ((".md", ""), (".tex", table)):
        (tmp_path / "tables" / f"headline{suffix}").write_text(text)
    save_figure(plt.figure(), tmp_path / "f_1.png")
    items = [Item(k, "tables/headline" if k in TABLES else "f_1", "Sample s", k in TABLES) for k in kinds()]
    write_paper(items, ABOUT, str(tmp_path), str(tmp_path / "paper" / "paper.md"))
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "paper.tex"]
    result = subprocess.run(command, cwd=tmp_path / "paper", capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout[-3000:]
    assert "Overfull \\hbox" not in result.stdout, "everything fits the page"
    assert (tmp_path / "paper" / "paper.pdf").stat().st_size > 10_000


def test_a_paper_without_figures_says_so(tmp_path):
    with pytest.raises(ProtoduneError, match="no figure and no table"):
        write_paper([], ABOUT, str(tmp_path), str(tmp_path / "paper.md"))


def test_a_figure_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ProtoduneError, match=r"noise.x.png: found nothing"):
        write_paper([Item("noise", "noise.x")], ABOUT, str(tmp_path), str(tmp_path / "paper.md"))
    assert not (tmp_path / "paper.md").exists()
