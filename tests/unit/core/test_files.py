import os

import pytest

from protodune.core.errors import ProtoduneError
from protodune.core.files import atomic_path, read_text, require_file
from protodune.core.tables import read_columns_and_rows, read_table


def test_a_failed_write_leaves_nothing(tmp_path):
    def half_write():
        with atomic_path(tmp_path / "a.txt") as temporary:
            temporary.write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        half_write()
    assert list(tmp_path.iterdir()) == []


def test_a_write_replaces_the_old_file_in_one_step(tmp_path):
    target = tmp_path / "a.txt"
    target.write_text("old")
    with atomic_path(target) as temporary:
        temporary.write_text("new")
        assert target.read_text() == "old"
    assert target.read_text() == "new"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ProtoduneError, match="cannot make its folder"), atomic_path(tmp_path / "file" / "a.txt"):
        pass


def test_a_missing_file_is_named_with_what_to_do(tmp_path):
    with pytest.raises(ProtoduneError, match="found nothing, expected weights; train first"):
        require_file(tmp_path / "w", "weights", "train first")
    with pytest.raises(ProtoduneError, match="found a folder"):
        require_file(tmp_path, "weights", "train first")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a\tb\n1\t2\n".encode("utf-16"), "found UTF-16 text, expected a TSV table in UTF-8"),
        ("a\tb\n1\t2\n".encode("utf-16-le"), "found a binary file"),
        (b"a\tb\n1\t\xff\n", r"byte 6 \(0xff\) is no UTF-8 text, expected a TSV table"),
        (b"a\n" + b"x" * 200_000, "line 2: field larger than field limit"),
    ],
    ids=range(4),
)
def test_a_table_that_is_no_text_is_one_sentence(content, message, tmp_path):
    (tmp_path / "t.tsv").write_bytes(content)
    with pytest.raises(ProtoduneError, match=message):
        read_table(tmp_path / "t.tsv")


def test_text_may_have_a_byte_order_mark(tmp_path):
    (tmp_path / "t.tsv").write_bytes("a\tü\r\n1\t2\r\n".encode("utf-8-sig"))
    assert read_text(tmp_path / "t.tsv", "text", "").startswith("a\tü")
    assert read_columns_and_rows(tmp_path / "t.tsv") == (["a", "ü"], [{"a": "1", "ü": "2"}])


def test_an_error_of_another_file_is_its_own(tmp_path):
    def write():
        with atomic_path(tmp_path / "a.txt"):
            (tmp_path / "not there").read_text()

    with pytest.raises(FileNotFoundError, match="not there"):
        write()
    assert list(tmp_path.iterdir()) == []
