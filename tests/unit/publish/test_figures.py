import pytest
from matplotlib import pyplot as plt

from protodune.publish.figures.known.crossings import plane_pairs
from protodune.publish.figures.known.noise import bins_of_noise
from protodune.publish.figures.known.regions import draw_regions
from protodune.publish.figures.lines import MISSING_TEXT, geometric_middle, line_style, middle, points_of
from protodune.publish.figures.spec import FROM_IMAGES, figure_names, find_figure

EMPTY = [n for n in figure_names() if find_figure(n).table not in (*FROM_IMAGES, "scaling", "speed")]
"""The figures that may have nothing to show."""


def test_bins_are_at_least_half_an_adc_and_not_too_many():
    assert bins_of_noise(3.0)[:3] == pytest.approx([-0.25, 0.25, 0.75])
    for top in (0.1, 7.0, 180.0):
        edges = bins_of_noise(top)
        assert edges[-1] >= top
        assert len(edges) <= 63


def test_points_leave_out_what_has_no_value():
    rows = [{"low": "1", "high": "4", "value": "2", "error": "nan"}, {"low": "4", "high": "9", "value": "nan", "error": "1"}]
    assert points_of(rows, middle) == ([2.5], [2.0], [0.0])
    assert geometric_middle(rows[0]) == 2


def test_networks_have_full_lines():
    assert (line_style(0, True)["ls"], line_style(0, False)["ls"]) == ("-", "--")
    assert line_style(0, True)["color"] != line_style(1, True)["color"]


def test_points_of_three_planes_are_compared_in_pairs():
    row = dict.fromkeys(("raw_U", "raw_V", "raw_X", "denoised_U"), "1")
    assert plane_pairs([{**row, "collection": "X"}]) == [("U", "X"), ("V", "X")]
    assert plane_pairs([{**row, "collection": "U"}]) == [("V", "U"), ("X", "U")]
    assert plane_pairs([]) == []


def test_a_method_that_says_yes_or_no_is_a_point():
    rates = {"sensitivity": "0.8", "specificity": "0.9", "purity": "0.7"}
    first = {"sensitivity": "1", "specificity": "0", "purity": "0.1"}
    last = {"sensitivity": "0", "specificity": "1", "purity": "nan"}
    rows = [{"method": "cut", "auc": "0.85", "error": "nan", **r} for r in (first, rates, rates, last)]
    roc = draw_regions(rows, set(), "t").axes[0]
    assert roc.lines[0].get_marker() == "o"
    assert roc.lines[0].get_label() == "cut, area 0.8500"


@pytest.mark.parametrize("name", EMPTY)
def test_nothing_to_draw_is_said(name):
    figure = find_figure(name)
    drawn = figure.draw(figure.prepare([]), set(), figure.head)
    texts = [t.get_text() for axis in drawn.axes for t in axis.texts]
    assert set(texts) <= {MISSING_TEXT, "too few points"}
    assert texts
    plt.close(drawn)
