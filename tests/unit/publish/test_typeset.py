import math

from protodune.publish.typeset import Block, cell, html, latex, latex_text, markdown

BLOCKS = [Block("collection, 2 event(s)", ["method", "MSE [ADC²]"], [["coherent_cut15", "0.31 ± 0.02"], ["a & b", "–"]])]


def test_cells():
    assert cell(0.123456, 0.0456) == "0.1235 ± 0.046"
    assert cell(0.5, math.nan) == "0.5", "a single event has no error"
    assert cell(math.nan, 1.0) == "–"


def test_markdown():
    assert "| coherent_cut15 | 0.31 ± 0.02 |" in markdown(BLOCKS)
    assert r"| MAE of \|area\| |" in markdown([Block("a", ["MAE of |area|"], [])])


def test_latex_escapes():
    text = latex(BLOCKS)
    assert r"coherent\_cut15 & 0.31 $\pm$ 0.02 \\" in text
    assert r"a \& b & -- \\" in text
    assert text.count(r"\begin{tabular}") == text.count(r"\end{tabular}") == 1
    assert latex_text("50 % of {x}_1") == r"50 \% of \{x\}\_1"


def test_html_escapes():
    assert "a &amp; b" in html(BLOCKS, "T")
