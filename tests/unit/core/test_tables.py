import pytest

from protodune.core.errors import ProtoduneError
from protodune.core.tables import read_table, write_table


def test_a_table_comes_back_as_text(tmp_path):
    write_table(tmp_path / "t.tsv", [{"a": 1.5, "b": "x\ty"}], ["a", "b"])
    assert read_table(tmp_path / "t.tsv") == [{"a": "1.5", "b": "x\ty"}]
    write_table(tmp_path / "t.tsv", [], ["a"])
    assert read_table(tmp_path / "t.tsv") == []


def test_a_column_that_is_not_there_is_one_line(tmp_path):
    write_table(tmp_path / "t.tsv", [{"method": "raw", "value": 1}], ["method", "value"])
    [row] = read_table(tmp_path / "t.tsv")
    assert row.get("metod") is None
    with pytest.raises(ProtoduneError, match=r"t.tsv: has no column 'metod' \(did you mean 'method'\?\), .* method, value"):
        row["metod"]
    with pytest.raises(ProtoduneError, match=r"t\.tsv: has no column 'unit'"):
        (row | {"value": "2"})["unit"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "found an empty file, expected a TSV table"),
        (b"\x89HDF\xff", r"byte 0 \(0x89\) is no UTF-8 text, expected a TSV table"),
        (b"a\tb\n1\n", "row 1 has 1 cells, expected 2 as its head"),
        (b"a\ta\n1\t2\n", "column 'a' stands twice, expected each once"),
        (b"a\n1\n1\t2\n", "row 2 has 2 cells, expected 1 as its head"),
        (b"a\n" + b"1" * 200_000, "line 2: field larger than field limit"),
    ],
)
def test_what_is_no_table_is_one_line(content, message, tmp_path):
    (tmp_path / "t.tsv").write_bytes(content)
    with pytest.raises(ProtoduneError, match=message):
        read_table(tmp_path / "t.tsv")
