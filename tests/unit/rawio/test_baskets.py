import zlib

import awkward as ak
import numpy as np
import pytest
import uproot

from protodune.rawio.baskets import EntryReader, inflate_blocks


def block(data, letters=b"ZL", packed=None, claimed=None):
    packed = zlib.compress(data) if packed is None else packed
    sizes = len(packed).to_bytes(3, "little") + (len(data) if claimed is None else claimed).to_bytes(3, "little")
    return letters + b"\x08" + sizes + packed


def as_array(data):
    return np.frombuffer(data, np.uint8)


@pytest.mark.parametrize("threads", [1, 2])
def test_several_blocks_become_one_array(threads, rng):
    plain = rng.integers(0, 9, 100_000).astype(np.uint8).tobytes()
    packed = as_array(block(plain[:60_000]) + block(plain[60_000:]))
    assert inflate_blocks(packed, len(plain), threads).tobytes() == plain


def test_a_stored_payload_comes_back():
    assert inflate_blocks(as_array(b"abcdef"), 6).tobytes() == b"abcdef"


@pytest.mark.parametrize(
    ("packed", "size", "message"),
    [
        (block(b"x" * 50)[:5], 50, "ends in its header"),
        (block(b"x" * 50)[:-2], 50, "are left"),
        (block(b"x" * 50, claimed=49), 49, "unpacks to 50 bytes, its header says 49"),
        (block(b"x" * 50), 60, "unpack to 50 bytes, the key says 60"),
        (block(b"x" * 50, claimed=16_000_000), 16_000_000, "claims to unpack to 16000000"),
    ],
)
def test_wrong_sizes_are_refused(packed, size, message):
    with pytest.raises(ValueError, match=message):
        inflate_blocks(as_array(packed), size)


@pytest.mark.parametrize("compression", [None, uproot.ZLIB(1), uproot.LZ4(1), uproot.ZSTD(3), uproot.LZMA(1)])
def test_entries_of_every_compression(tmp_path, compression):
    """Entries over several baskets, of unequal length, equal what uproot reads."""
    with uproot.recreate(tmp_path / "a.root", compression=compression) as file:
        file.mktree("tree", {"x": "var * int32"})
        for start in (0, 40):
            file["tree"].extend({"x": ak.Array([list(range(n % 7)) * 30 for n in range(start, start + 40)])})
    branch = uproot.open(tmp_path / "a.root")["tree/x"]
    reader, expected = EntryReader(branch), branch.array()
    for index in (0, 6, 39, 40, 79, 3):
        assert reader.entry(index).view(">i4").tolist() == expected[index].tolist()
    with pytest.raises(ValueError, match="entry 80 is in none"):
        reader.entry(80)


class EmbeddedBranch:
    """What uproot shows of a branch whose only basket lies in the tree's own record (no file at hand has one)."""

    entry_offsets = (0, 2)
    _num_normal_baskets = 0

    @staticmethod
    def basket(number):
        assert number == 0
        return EmbeddedBranch

    data = np.frombuffer(np.array([1, 2, 3], ">i4").tobytes(), np.int8)
    byte_offsets = np.array([0, 4, 12])


def test_a_basket_embedded_in_the_tree():
    reader = EntryReader(EmbeddedBranch)
    assert reader.entry(0).view(">i4").tolist() == [1]
    assert reader.entry(1).view(">i4").tolist() == [2, 3]
