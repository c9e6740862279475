import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protodune.core.errors import ProtoduneError
from protodune.learning.tiles import cut_tiles, plan_axis, plan_tiles, stitch_tiles

sizes = st.integers(1, 70)


@st.composite
def tilings(draw):
    tile = (draw(st.integers(1, 40)), draw(st.integers(1, 40)))
    overlap = tuple(draw(st.integers(0, t - 1)) for t in tile)
    return (draw(sizes), draw(sizes)), tile, overlap


@given(tilings())
def test_stitch_is_the_exact_inverse_of_tile(tiling):
    shape, tile, overlap = tiling
    image = np.arange(2 * shape[0] * shape[1], dtype=np.int64).reshape(2, *shape)
    plan = plan_tiles(shape, tile, overlap)
    assert np.array_equal(stitch_tiles(cut_tiles(image, plan), plan, image.shape), image)


@given(sizes, st.integers(1, 40), st.data())
def test_every_pixel_is_kept_once_with_its_margin(size, tile, data):
    overlap = data.draw(st.integers(0, tile - 1))
    spans = plan_axis(size, tile, overlap)
    assert [s.keep_start for s in spans] == [0] + [s.keep_stop for s in spans[:-1]]
    assert spans[-1].keep_stop == size
    for span in spans:
        assert span.stop - span.start == min(tile, size)
        assert span.start == 0 or span.keep_start - span.start >= overlap // 2
        assert span.stop == size or span.stop - span.keep_stop >= overlap // 2


def test_tiles_need_a_size_above_their_overlap():
    with pytest.raises(ProtoduneError, match="tile 4 with overlap 4"):
        plan_axis(10, 4, 4)
