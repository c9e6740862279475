"""Medians and quantiles by sorting are those of numpy."""

import numpy as np
import pytest

from protodune.classical.medians import sorted_median, sorted_quantile


@pytest.mark.parametrize("n", [1, 2, 47, 48, 200])
def test_they_are_those_of_numpy(rng, n):
    values = rng.normal(0, 5, (7, 11, n)).astype(np.float32)
    found = sorted_median(values)
    assert np.array_equal(found, np.median(values, axis=-1))
    assert found.dtype == np.float32
    shares = (0.16, 0.5, 0.84)
    assert sorted_quantile(values, shares) == pytest.approx(np.quantile(values, shares, axis=-1), abs=1e-5)


def test_infinite_values_lie_at_the_end():
    values = np.array([[1, np.inf, 2, np.inf, 0]], np.float32)
    assert sorted_median(values).tolist() == [2]
