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
    reader, expected = EntryReader(branch, 80), branch.array()
    for index in (0, 6, 39, 40, 79, 3):
        assert reader.entry(index).view(">i4").tolist() == expected[index].tolist()
    with pytest.raises(ValueError, match="entry 80 is in none"):
        reader.entry(80)


class EmbeddedBranch:
    """What uproot shows of a branch whose only basket lies in the tree's own record (no file at hand has one)."""

    entry_offsets = (0, 2)
    num_entries = 2
    _num_normal_baskets = 0

    @staticmethod
    def member(name):
        return {"fEntries": 2, "fEntryNumber": 2}[name]

    @staticmethod
    def basket(number):
        assert number == 0
        return EmbeddedBranch

    data = np.frombuffer(np.array([1, 2, 3], ">i4").tobytes(), np.int8)
    byte_offsets = np.array([0, 4, 12])


def test_a_basket_embedded_in_the_tree():
    reader = EntryReader(EmbeddedBranch, 2)
    assert reader.entry(0).view(">i4").tolist() == [1]
    assert reader.entry(1).view(">i4").tolist() == [2, 3]


def damaged_tree(path, change):
    """A tree of two baskets of 40 stored numbers, after ``change`` of (bytes of the file, begins of baskets)."""
    with uproot.recreate(path, compression=None) as file:
        file.mktree("tree", {"x": "int32"})
        for start in (0, 40):
            file["tree"].extend({"x": np.arange(start, start + 40, dtype=np.int32)})
    with uproot.open(path) as file:
        begins = file["tree/x"].member("fBasketSeek")[:2].tolist()
    data = bytearray(path.read_bytes())
    change(data, begins)
    path.write_bytes(data)
    return EntryReader(uproot.open(path)["tree/x"], 80)


def exchange(data, begins):
    size = begins[1] - begins[0]
    first = slice(begins[0], begins[0] + size)
    second = slice(begins[1], begins[1] + size)
    data[first], data[second] = data[second], data[first]


def set_number(place, value):
    def change(data, begins):
        n_key = int.from_bytes(data[begins[1] + 14 : begins[1] + 16], "big")
        at = begins[1] + {"cycle": 14, "nev": n_key - 9, "last": n_key - 5}[place]
        data[at : at + 4] = (n_key << 16 | value if place == "cycle" else value).to_bytes(4, "big")

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (exchange, r"basket 1: position \d+ by its key, \d+ by the table of its branch"),
        (set_number("nev", 39), "basket 1: entries 39 by its key, 40 by the table of its branch"),
        (set_number("last", 100), r"basket 1: no table of 40 entries behind byte \d+"),
        (set_number("cycle", 5), "basket 1: written as basket 5"),
    ],
)
def test_what_a_file_says_twice_must_agree(tmp_path, change, message):
    with pytest.raises(ValueError, match=message):
        damaged_tree(tmp_path / "a.root", change).column(40, 80, np.dtype(">i4"))


def test_columns_over_several_baskets(tmp_path):
    reader = damaged_tree(tmp_path / "a.root", lambda data, begins: None)
    assert reader.column(30, 50, np.dtype(">i4")).tolist() == list(range(30, 50))
    assert reader.column(7, 7, np.dtype(">i4")).tolist() == []
    with pytest.raises(ValueError, match="160 bytes for 40 entries of >i2"):
        reader.column(0, 80, np.dtype(">i2"))


def test_baskets_without_entries(tmp_path):
    """uproot writes one for every call without rows, as for an event without charge."""
    with uproot.recreate(tmp_path / "a.root") as file:
        file.mktree("tree", {"x": "int32"})
        for rows in (0, 3, 0, 0, 2, 0):
            file["tree"].extend({"x": np.arange(rows, dtype=np.int32)})
    reader = EntryReader(uproot.open(tmp_path / "a.root")["tree/x"], 5)
    assert reader.column(0, 5, np.dtype(">i4")).tolist() == [0, 1, 2, 0, 1]
    assert reader.column(3, 3, np.dtype(">i4")).tolist() == []
    assert [int(reader.entry(i).view(">i4")[0]) for i in range(5)] == [0, 1, 2, 0, 1]


def test_a_branch_has_as_many_entries_as_its_tree(tmp_path):
    damaged_tree(tmp_path / "a.root", lambda data, begins: None)
    branch = uproot.open(tmp_path / "a.root")["tree/x"]
    for entries in (1, 79, 500_000_000):
        with pytest.raises(ValueError, match=f"80 entries in the branch, {entries} in the tree"):
            EntryReader(branch, entries)
