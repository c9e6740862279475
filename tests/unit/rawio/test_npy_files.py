"""Containers of arrays: what is written comes back, and nothing that is damaged or larger than expected is read."""

import gzip
import io
import tarfile
import tracemalloc
import zipfile

import numpy as np
import pytest

from protodune.core.errors import ProtoduneError
from protodune.rawio.npy_files import SUFFIXES, NpyFile, create_npy_file, suffix_of

ARRAYS = {"a.npy": np.arange(700, dtype="<i2").reshape(7, 100), "b.npy": np.arange(5, dtype="<f8")}
COMPRESSED = [s for s in SUFFIXES if s != ".tar"]


def written(path, arrays=ARRAYS):
    with create_npy_file(path) as append:
        for name, array in arrays.items():
            append(name, array)
    return path


def tar_of(path, members, mode="w"):
    """A tar of (name, bytes)."""
    with tarfile.open(path, mode) as tar:
        for name, content in members:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return path


def npy(array, **options):
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, array, **options)
    return buffer.getvalue()


def read_a(path):
    with NpyFile(path) as file:
        return file.read("a.npy", ("<i2",), (None, 100))


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_arrays_come_back_in_any_order_and_the_same_bytes_are_written(suffix, tmp_path):
    path = written(tmp_path / f"x{suffix}")
    with NpyFile(path) as file:
        assert file.names() == list(ARRAYS)
        for _ in range(2):  # back to the begin, too
            assert np.array_equal(file.read("b.npy", ("<f8",), (5,)), ARRAYS["b.npy"])
            assert np.array_equal(file.read("a.npy", ("<i2", "<f4"), (7, None)), ARRAYS["a.npy"])
    assert path.read_bytes() == written(tmp_path / f"y{suffix}").read_bytes()


def test_others_read_what_is_written(tmp_path):
    with np.load(written(tmp_path / "x.npz")) as found:
        assert np.array_equal(found["a"], ARRAYS["a.npy"])
    with tarfile.open(written(tmp_path / "x.tar.gz")) as tar:
        assert np.array_equal(np.load(io.BytesIO(tar.extractfile("a.npy").read())), ARRAYS["a.npy"])


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
def test_tars_of_others_are_read(mode, tmp_path):
    """Folders, attributes of files, arrays in Fortran's order, more than one compressed stream."""
    path = tmp_path / f"x.tar{mode[1:].replace(':', '.')}"
    with tarfile.open(path, mode, format=tarfile.PAX_FORMAT) as tar:
        folder = tarfile.TarInfo("in")
        folder.type = tarfile.DIRTYPE
        tar.addfile(folder)
        content = npy(np.asfortranarray(ARRAYS["a.npy"]), version=(2, 0))
        info = tarfile.TarInfo("in/a.npy")
        info.size, info.pax_headers = len(content), {"comment": "x" * 600}
        tar.addfile(info, io.BytesIO(content))
    assert np.array_equal(read_a(path), ARRAYS["a.npy"])


def test_a_gzip_file_may_have_several_streams(tmp_path):
    plain = written(tmp_path / "x.tar").read_bytes()
    (tmp_path / "x.tar.gz").write_bytes(gzip.compress(plain[:900]) + gzip.compress(plain[900:]))
    assert np.array_equal(read_a(tmp_path / "x.tar.gz"), ARRAYS["a.npy"])


def test_a_deflated_npz_is_read(tmp_path):
    np.savez_compressed(tmp_path / "x.npz", a=ARRAYS["a.npy"])
    assert np.array_equal(read_a(tmp_path / "x.npz"), ARRAYS["a.npy"])


def test_the_end_of_the_name_says_what_it_is(tmp_path):
    assert suffix_of("a.b/x.tar.gz") == ".tar.gz"
    with pytest.raises(ProtoduneError, match=r"x\.tar\.zst: the end of its name says none of \.tar \.tar\.gz"):
        suffix_of("x.tar.zst")
    with pytest.raises(ProtoduneError, match="found nothing, expected a frame file; mend its path"):
        NpyFile(tmp_path / "x.tar", "a frame file")


@pytest.mark.parametrize(
    ("types", "shape", "most", "message"),
    [
        (("<f4",), (None, 100), None, r"found <i2 of shape \(7, 100\), expected <f4 of shape \(any, 100\)"),
        (("<i2",), (8, None), None, r"expected <i2 of shape \(8, any\)"),
        (("<i2",), (None,), None, r"expected <i2 of shape \(any\)"),
        (("<i2",), (None, None), 6, "found 7 rows, expected at most 6"),
    ],
)
def test_another_type_or_shape_is_refused(types, shape, most, message, tmp_path):
    with NpyFile(written(tmp_path / "x.tar")) as file, pytest.raises(ProtoduneError, match=message):
        file.read("a.npy", types, shape, most)


def test_nothing_is_unpickled(tmp_path):
    path = tar_of(tmp_path / "x.tar", [("a.npy", npy(np.array([print], object), allow_pickle=True))])
    with NpyFile(path) as file, pytest.raises(ProtoduneError, match="expected plain numbers"):
        file.read("a.npy", ("|O",), (None,))


def test_names_stand_once(tmp_path):
    content = npy(ARRAYS["a.npy"])
    with pytest.raises(ProtoduneError, match=r"two members called 'a\.npy', expected one"):
        NpyFile(tar_of(tmp_path / "x.tar", [("a.npy", content), ("in/a.npy", content)]))
    with zipfile.ZipFile(tmp_path / "x.npz", "w") as archive:
        archive.writestr("in/a.npy", content)
        archive.writestr("a.npy", content)
    with pytest.raises(ProtoduneError, match=r"two members called 'a\.npy', expected one"):
        NpyFile(tmp_path / "x.npz")


def test_what_is_no_file_and_what_follows_the_end_is_refused(tmp_path):
    with tarfile.open(tmp_path / "x.tar", "w") as tar:
        link = tarfile.TarInfo("a.npy")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
    with pytest.raises(ProtoduneError, match="of type b'2', expected a file"):
        NpyFile(tmp_path / "x.tar")
    first = written(tmp_path / "y.tar")
    first.write_bytes(first.read_bytes() * 2)
    with pytest.raises(ProtoduneError, match="bytes behind the end of the tar; join tars by tar --concatenate"):
        NpyFile(first)


def header(shape):
    text = f"{{'descr': '<i2', 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    return b"\x93NUMPY\1\0" + len(text).to_bytes(2, "little") + text.encode()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (header((2**30, 100)) + bytes(1400), "1400 bytes behind its header, which asks for 214748364800"),
        (header((7, 100)) + bytes(1398), "1398 bytes behind its header, which asks for 1400"),
        (header((7, 100)) + bytes(1402), "1402 bytes behind its header, which asks for 1400"),
        (header((-7, 100)) + bytes(1400), "expected plain numbers"),
        (b"\x93NUMPY\1\0\xff\xff" + bytes(1400), "a header of 65535 bytes in 1410"),
        (b"\x93NUMPY\3\0" + bytes(1400), "expected an npy array of version 1 or 2"),
        (b"PK", "expected an npy array of version 1 or 2"),
        (header((7, 100))[:10] + b"{" * 118, "cannot be read"),
        (b"", "expected an npy array of version 1 or 2"),
    ],
)
@pytest.mark.parametrize("suffix", [".tar", ".tar.gz"])
def test_a_header_that_does_not_fit_is_refused_before_memory_is_asked_for(content, message, suffix, tmp_path):
    path = tar_of(tmp_path / f"x{suffix}", [("a.npy", content)], "w" if suffix == ".tar" else "w:gz")
    with pytest.raises(ProtoduneError, match=message):
        read_a(path)


def test_bombs_are_refused_in_little_memory(tmp_path):
    """A gigabyte of zeros that packs to a megabyte: unpacked in pieces, and not read where a shape was expected."""
    rows = 2**19
    with gzip.open(tmp_path / "x.tar.gz", "wb", compresslevel=1) as packed:
        info = tarfile.TarInfo("a.npy")
        info.size = len(header((rows, 100))) + 200 * rows
        packed.write(info.tobuf() + header((rows, 100)))
        for _ in range(100):
            packed.write(bytes(2 * rows))
        packed.write(bytes(-info.size % 512 + 1024))
    assert (tmp_path / "x.tar.gz").stat().st_size < 2**20
    tracemalloc.start()
    with NpyFile(tmp_path / "x.tar.gz") as file, pytest.raises(ProtoduneError, match="rows, expected at most 960"):
        file.read("a.npy", ("<i2",), (None, 100), 960)
    assert tracemalloc.get_traced_memory()[1] < 2**24
    tracemalloc.stop()
    info.size = 2**31
    (tmp_path / "y.tar").write_bytes(info.tobuf() + bytes(1024))
    with pytest.raises(ProtoduneError, match=r"member 'a\.npy' of 2147483648 bytes, expected at most 1073741824"):
        NpyFile(tmp_path / "y.tar")


def test_an_xz_that_wants_much_memory_is_refused(tmp_path):
    import lzma

    wants = [{"id": lzma.FILTER_LZMA2, "preset": 0, "dict_size": 2**30}]
    (tmp_path / "x.tar.xz").write_bytes(lzma.compress(written(tmp_path / "x.tar").read_bytes(), filters=wants))
    with pytest.raises(ProtoduneError, match="emory"):
        NpyFile(tmp_path / "x.tar.xz")


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_file_that_was_cut_off_is_refused(suffix, tmp_path):
    path = written(tmp_path / f"x{suffix}")
    content = path.read_bytes()
    end = len(content.rstrip(b"\0")) if suffix == ".tar" else len(content)
    for size in [*range(0, end, max(1, end // 60)), end - 1]:
        path.write_bytes(content[:size])
        with pytest.raises(ProtoduneError):
            read_a(path)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_damaged_byte_is_refused_or_changes_nothing(suffix, tmp_path, rng):
    """Of a plain tar the values themselves have no checksum; all else has."""
    path = written(tmp_path / f"x{suffix}")
    content = path.read_bytes()
    refused = 0
    for place in rng.choice(len(content), min(400, len(content)), replace=False):
        damaged = bytearray(content)
        damaged[place] ^= 1 << rng.integers(8)
        path.write_bytes(damaged)
        try:
            found = read_a(path)
            assert found.shape == (7, 100)
            assert suffix == ".tar" or np.array_equal(found, ARRAYS["a.npy"])
        except ProtoduneError:
            refused += 1
    assert refused > (5 if suffix == ".tar" else 100)


def test_a_file_appears_whole_or_not_at_all(tmp_path):
    for suffix in SUFFIXES:
        with pytest.raises(AttributeError), create_npy_file(tmp_path / f"x{suffix}") as append:
            append("a.npy", ARRAYS["a.npy"]).stop()
    assert list(tmp_path.iterdir()) == []
