"""Scores of regions of several methods as one."""

import types

import numpy as np
import pytest

from protodune.core.errors import ProtoduneError
from protodune.learning.combination import check_combined, combined
from protodune.learning.network import build_network


def test_log_odds_are_added():
    score = np.array([[0.5, 0.9, 0.2]], np.float32)
    other = np.repeat(np.array([[0.8, 0.9, 0.8]], np.float32), 10, axis=1)
    odds = score / (1 - score) * np.array([[4.0, 9.0, 4.0]]) ** 0.5
    assert combined(score, {"a": other}, {"a": 0.5}, 10) == pytest.approx(odds / (1 + odds), rel=1e-4)
    assert combined(score, {"a": np.full((1, 3), 0.5, np.float32)}, {"a": 2.0}, 1) == pytest.approx(score, rel=1e-4)


def test_no_method_has_the_last_word():
    score = np.array([[0.0, 1.0, 0.99999]], np.float32)
    found = combined(score, {"a": np.array([[1.0, 0.0, 0.0]], np.float32)}, {"a": 1.0}, 1)
    assert np.isfinite(found).all()
    assert (found > 0).all()
    assert (found < 1).all()


@pytest.mark.parametrize(
    ("made", "family", "names", "message"),
    [
        (("cnn", "denoise"), "induction", ("regions",), "network 'cnn' makes no 'regions', expected one that does"),
        (
            ("dnnroi", "regions"),
            "collection",
            ("regions",),
            "of collection planes with regions, expected 'regions' of induc",
        ),
        (
            ("dnnroi", "regions"),
            "induction",
            ("denoised",),
            "of induction planes with denoised, expected 'regions' of induc",
        ),
        (("dnnroi", "regions"), None, (), "found no products of step 'denoise' among none; give them with --inputs"),
    ],
)
def test_what_cannot_be_combined_is_refused(made, family, names, message):
    network = build_network(made[0], {}, made[1])
    products = types.SimpleNamespace(
        path="p.h5", family=family, names=lambda: list(names), has=lambda name: name in names, check_matches=lambda _: None
    )
    with pytest.raises(ProtoduneError, match=message):
        check_combined({"denoise": 1.0}, {"denoise": products} if family else {}, network, None, "induction")


def test_without_weights_nothing_is_asked():
    check_combined({}, {}, build_network("cnn", {}, "denoise"), None, "induction")
